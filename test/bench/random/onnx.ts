// A random model as the folder of a 4-bit export for transformers.js: MatMulNBits and GroupQueryAttention with rotary positions in it.

import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { byteTokenizer } from '../../tinyModel';
import { BLOCK, halfToFloat, randomMatrix, randomVector } from './numbers';
import { OnnxGraph, type Value } from '../../../src/engine/build/onnxFile';
import { EMBEDDING, weightsOf, type Shape } from './shape';

const RUNTIME = 'com.microsoft';
const DATA = 'model_q4.onnx_data';

/**
 * Writes config.json, generation_config.json, a byte tokenizer, onnx/model_q4.onnx and its data.
 * @param accuracy of MatMulNBits: 4 rounds activations to 8 bits, as exports have it; 0 does not
 */
export function writeOnnxFolder(dir: string, shape: Shape, accuracy = 4): void {
  mkdirSync(join(dir, 'onnx'), { recursive: true });
  const file = openSync(join(dir, 'onnx', DATA), 'w');
  try {
    writeFileSync(join(dir, 'onnx', 'model_q4.onnx'), modelOf(shape, accuracy, new OnnxGraph({ file, name: DATA })));
  } finally {
    closeSync(file);
  }
  const json = (name: string, value: unknown): void => writeFileSync(join(dir, name), `${JSON.stringify(value)}\n`);
  const ids = { bos_token_id: 256, eos_token_id: 257 }; // the byte tokenizer's
  json('config.json', {
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    vocab_size: shape.vocab,
    hidden_size: shape.hidden,
    intermediate_size: shape.inner,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    max_position_embeddings: shape.context,
    rope_theta: shape.ropeTheta,
    rms_norm_eps: shape.rmsEps,
    hidden_act: 'silu',
    tie_word_embeddings: true,
    'transformers.js_config': { use_external_data_format: { 'model_q4.onnx': true } },
    ...ids,
  });
  json('generation_config.json', { do_sample: false, ...ids });
  json('tokenizer.json', byteTokenizer());
  json('tokenizer_config.json', { tokenizer_class: 'GPT2Tokenizer', bos_token: '<s>', eos_token: '</s>' });
}

/** The graph's bytes; the matrices go into the graph's file one by one. */
function modelOf(shape: Shape, accuracy: number, g: OnnxGraph): Uint8Array {
  const { layers, heads, kvHeads, headDim, hidden, vocab } = shape;
  const matrices = new Map<string, { rows: number; columns: number; inputs: string[] }>();
  const epsilon = { float: shape.rmsEps };
  const quantisedBy = { bits: { int: 4 }, block_size: { int: BLOCK } };
  for (const weight of weightsOf(shape)) {
    const { name, rows, columns } = weight;
    if (columns === undefined) {
      g.constant(name, 'float32', randomVector(weight), [rows]);
      continue;
    }
    const { codes, scales } = randomMatrix(weight);
    const [stored, storedScales] = [g.store(codes), g.store(Float32Array.from(scales, halfToFloat))];
    const blocks = columns / BLOCK;
    const inputs = [
      g.external(`${name}_q4`, 'uint8', stored, [rows, blocks, BLOCK / 2]),
      g.external(`${name}_scales`, 'float32', storedScales, [rows, blocks]),
    ];
    matrices.set(name, { rows, columns, inputs });
    if (name !== EMBEDDING) continue;
    // The same bytes again, as a table of rows.
    const table = g.external(`${name}_rows`, 'uint8', stored, [rows, columns / 2]);
    const attributes = { ...quantisedBy, gather_axis: { int: 0 }, quantize_axis: { int: 1 } };
    g.node('GatherBlockQuantized', [table, 'input_ids', inputs[1] as string], 'embedded', attributes, RUNTIME);
  }
  const linear = (x: string, name: string, out: string): string => {
    const { rows, columns, inputs } = matrices.get(name) as { rows: number; columns: number; inputs: string[] };
    const sizes = { K: { int: columns }, N: { int: rows }, accuracy_level: { int: accuracy } };
    return g.node('MatMulNBits', [x, ...inputs], out, { ...quantisedBy, ...sizes }, RUNTIME);
  };
  const norm = (x: string, name: string): string =>
    g.node('SimplifiedLayerNormalization', [x, name], `${name}_normed`, { epsilon, axis: { int: 2 } });

  lengths(g);
  rotary(g, shape);
  let x = 'embedded'; // [1, query, hidden]
  for (let i = 0; i < layers; i++) {
    const of = (name: string): string => `model.layers.${i}.${name}`;
    let normed = norm(x, of('input_layernorm.weight'));
    const project = (name: string): string =>
      g.node('Add', [linear(normed, of(`${name}.weight`), of(`${name}_unbiased`)), of(`${name}.bias`)], of(name));
    const inputs = [project('self_attn.q_proj'), project('self_attn.k_proj'), project('self_attn.v_proj')];
    inputs.push(`past_key_values.${i}.key`, `past_key_values.${i}.value`, 'last_position', 'total', 'cos', 'sin');
    const counts = { num_heads: { int: heads }, kv_num_heads: { int: kvHeads }, do_rotary: { int: 1 } };
    const outputs = [of('attention'), `present.${i}.key`, `present.${i}.value`];
    const mixed = g.node('GroupQueryAttention', inputs, outputs, counts, RUNTIME);
    x = g.node('Add', [x, linear(mixed, of('self_attn.o_proj.weight'), of('o_proj'))], of('after_attention'));
    normed = norm(x, of('post_attention_layernorm.weight'));
    const gate = linear(normed, of('mlp.gate_proj.weight'), of('gate'));
    const silu = g.node('Mul', [gate, g.node('Sigmoid', [gate], of('sigmoid'))], of('silu'));
    const gated = g.node('Mul', [silu, linear(normed, of('mlp.up_proj.weight'), of('up'))], of('gated'));
    x = g.node('Add', [x, linear(gated, of('mlp.down_proj.weight'), of('down'))], of('after_mlp'));
  }
  linear(norm(x, 'model.norm.weight'), EMBEDDING, 'logits');

  const cache = (prefix: string, axis: string): Value[] =>
    Array.from({ length: 2 * layers }, (_, i) => ({
      name: `${prefix}.${i >> 1}.${i & 1 ? 'value' : 'key'}`,
      type: 'float32',
      shape: ['batch_size', kvHeads, axis, headDim],
    }));
  if (hidden !== heads * headDim) throw new RangeError(`${heads} heads of ${headDim} are not ${hidden} numbers`);
  return g.finish(
    [
      { name: 'input_ids', type: 'int64', shape: ['batch_size', 'sequence_length'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch_size', 'total_sequence_length'] },
      ...cache('past_key_values', 'past_sequence_length'),
    ],
    [
      { name: 'logits', type: 'float32', shape: ['batch_size', 'sequence_length', vocab] },
      ...cache('present', 'total_sequence_length'),
    ],
  );
}

/** What GroupQueryAttention asks for besides: the last position [batch] and the length of keys, both int32. */
function lengths(g: OnnxGraph): void {
  g.constant('one', 'int64', BigInt64Array.of(1n), []);
  g.constant('axis_1', 'int64', BigInt64Array.of(1n), [1]);
  const int32 = { to: { int: 6 } };
  const length = g.node('ReduceSum', ['attention_mask', 'axis_1'], 'mask_length', { keepdims: { int: 0 } });
  g.node('Cast', [g.node('Sub', [length, 'one'], 'last')], 'last_position', int32);
  const shape = g.node('Shape', ['attention_mask'], 'mask_shape');
  const total = g.node('Gather', [shape, 'one'], 'mask_total', { axis: { int: 0 } });
  g.node('Cast', [total], 'total', int32);
}

/** The tables of rotary positions [position, headDim / 2]: angle position · θ^(−2d/headDim) (Su et al. 2021). */
function rotary(g: OnnxGraph, { context, headDim, ropeTheta }: Shape): void {
  const half = headDim / 2;
  for (const f of ['cos', 'sin'] as const) {
    const angle = (i: number): number => Math.floor(i / half) * ropeTheta ** ((-2 * (i % half)) / headDim);
    const table = Float32Array.from({ length: context * half }, (_, i) => Math[f](angle(i)));
    g.constant(f, 'float32', table, [context, half]);
  }
}
