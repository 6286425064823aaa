// The shipped model's full-precision weights, read from its ONNX file without ONNX Runtime: for the reference.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fields, text } from '../src/engine/protobuf';
import type { LlamaWeights } from './reference';

const dir = join(process.cwd(), 'models', 'glassbox-small');

/** @throws AssertionError for a weight that is not there */
export function readShippedWeights(): LlamaWeights {
  const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as Record<string, number>;
  const number = (key: string): number => config[key]!;
  const model = fields(readFileSync(join(dir, 'onnx/model.onnx')));
  const graph = model.find((field) => field.number === 7)!;
  const tensors = new Map<string, Float32Array>();
  for (const field of fields(graph.bytes)) {
    if (field.number !== 5) continue;
    const inside = fields(field.bytes);
    const raw = inside.find((f) => f.number === 9)?.bytes;
    if (raw) tensors.set(text(inside.find((f) => f.number === 8)!), new Float32Array(Uint8Array.from(raw).buffer));
  }
  return {
    layers: number('num_hidden_layers'),
    hidden: number('hidden_size'),
    heads: number('num_attention_heads'),
    kvHeads: number('num_key_value_heads'),
    headDim: number('head_dim'),
    ropeTheta: number('rope_theta'),
    rmsEps: number('rms_norm_eps'),
    tensor: (name) => tensors.get(name) ?? assert.fail(`no weights called ${name}`),
  };
}
