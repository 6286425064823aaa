// GPT-2 with random weights, as the PyTorch exporter writes it: learned positions, one product for queries, keys and values, and a
// causal mask cut out of a stored table.

import { seededRandom } from '../../src/engine/random';
import { gpt2Forward, type Gpt2Weights } from '../gpt2Reference';
import { GraphWriter, TYPES, type ValueInfo } from '../onnxWriter';
import type { Forward, Look } from '../reference';
import { writeModelFolder } from '../tinyModel';
import { transposed } from './llamaParts';
import { dimension, shapeOf, slice } from './torchShapes';

/** The lowest float32: what a masked score becomes. */
const LOWEST = -3.4028234663852886e38;

const SIZES = { layers: 2, hidden: 48, heads: 4, headDim: 12, vocab: 259, context: 128, epsilon: 1e-5 };

/** Writes the model folder. @returns its reference */
export function writeGpt2(dir: string): (ids: readonly number[], look?: Look) => Forward {
  const weights = gpt2Weights();
  writeModelFolder(dir, gpt2Graph(weights), {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    n_layer: SIZES.layers,
    n_embd: SIZES.hidden,
    n_head: SIZES.heads,
    vocab_size: SIZES.vocab,
    n_positions: SIZES.context,
  });
  return (ids, look) => gpt2Forward(weights, ids, look);
}

function gpt2Weights(): Gpt2Weights {
  const { layers, hidden, vocab, context } = SIZES;
  const names = new Map([
    ['transformer.wte.weight', [vocab, hidden]],
    ['transformer.wpe.weight', [context, hidden]],
  ]);
  const module = (name: string, dims: number[]): void => {
    names.set(`${name}.weight`, dims).set(`${name}.bias`, [dims[0] as number]);
  };
  for (let layer = 0; layer < layers; layer++) {
    const at = `transformer.h.${layer}`;
    for (const norm of ['ln_1', 'ln_2']) module(`${at}.${norm}`, [hidden]);
    module(`${at}.attn.c_attn`, [3 * hidden, hidden]);
    module(`${at}.attn.c_proj`, [hidden, hidden]);
    module(`${at}.mlp.c_fc`, [4 * hidden, hidden]);
    module(`${at}.mlp.c_proj`, [hidden, 4 * hidden]);
  }
  module('transformer.ln_f', [hidden]);
  const random = seededRandom(2);
  const tensors = new Map<string, Float32Array>();
  for (const [name, dims] of names) {
    const middle = /ln_.*weight/.test(name) ? 1 : 0;
    const width = dims.length === 1 ? 0.2 : 3 / Math.sqrt(dims[1] as number);
    const length = dims.reduce((a, b) => a * b, 1);
    tensors.set(
      name,
      Float32Array.from({ length }, () => middle + (random() - 0.5) * width),
    );
  }
  return { ...SIZES, names, tensor: (name) => tensors.get(name)! };
}

function gpt2Graph(w: Gpt2Weights): Uint8Array {
  const { layers, hidden, heads, headDim, context, vocab } = w;
  const g = new GraphWriter('torch');
  const tensor = (name: string): string => g.float(name, w.tensor(name), w.names.get(name) as number[]);
  const embed = g.under('/transformer');
  const tokens = embed.node('Gather', [tensor('transformer.wte.weight'), 'input_ids'], { axis: 0 });
  const places = embed.node('Gather', [tensor('transformer.wpe.weight'), 'position_ids'], { axis: 0 });
  let x = embed.node('Add', [tokens, places]);
  const padding = paddingMask(embed);
  const scope = (module: string): GraphWriter => g.under(`/${module.replaceAll('.', '/').replace(/h\/(\d+)/, 'h.$1')}`);
  const norm = (x: string, module: string): string =>
    scope(module).node('LayerNormalization', [x, tensor(`${module}.weight`), tensor(`${module}.bias`)], {
      axis: -1,
      epsilon: { float: w.epsilon },
    });
  const affine = (x: string, module: string): string => {
    const s = scope(module);
    const dims = w.names.get(`${module}.weight`) as [number, number];
    const weight = g.float(`${module}.weight`, transposed(w.tensor(`${module}.weight`), dims), [dims[1], dims[0]]);
    const flat = s.node('Reshape', [x, s.ints([-1, dims[1]])], { allowzero: 0 });
    const product = s.node('Gemm', [flat, weight, tensor(`${module}.bias`)], {
      alpha: { float: 1 },
      beta: { float: 1 },
    });
    const shape = shapeOf(s, [dimension(s, x, 0), dimension(s, x, 1), dims[0]]);
    return s.node('Reshape', [product, shape], { allowzero: 0 });
  };

  for (let layer = 0; layer < layers; layer++) {
    const module = `transformer.h.${layer}`;
    const s = scope(`${module}.attn`);
    const merged = affine(norm(x, `${module}.ln_1`), `${module}.attn.c_attn`);
    const split = (part: string): string => {
      const shape = shapeOf(s, [dimension(s, part, 0), dimension(s, part, 1), heads, headDim]);
      return s.node('Transpose', [s.node('Reshape', [part, shape], { allowzero: 0 })], { perm: [0, 2, 1, 3] });
    };
    const thirds = s.ints([hidden, hidden, hidden]);
    const [q, newK, newV] = s.nodes('Split', [merged, thirds], 3, { axis: 2 }).map(split) as [string, string, string];
    const [k, v] = [['key', newK] as const, ['value', newV] as const].map(([part, added]) =>
      s.node('Concat', [`past_key_values.${layer}.${part}`, added], { axis: -2 }, `present.${layer}.${part}`),
    ) as [string, string];
    const product = s.node('MatMul', [q, s.node('Transpose', [k], { perm: [0, 1, 3, 2] })]);
    const scores = s.node('Div', [product, s.scalar(Math.sqrt(headDim))]);
    const table = g.bools(`${module}.attn.bias`, lowerTriangle(context), [1, 1, context, context]);
    const causal = causalPart(s, table, q, k);
    const masked = s.node('Add', [s.node('Where', [causal, scores, s.scalar(LOWEST)]), padding]);
    const attention = s.node('Cast', [s.node('Softmax', [masked], { axis: -1 })], { to: TYPES.float32 }); // [batch, head, query, key]
    const mixed = s.node('Transpose', [s.node('MatMul', [attention, v])], { perm: [0, 2, 1, 3] });
    const shape = shapeOf(s, [dimension(s, mixed, 0), dimension(s, mixed, 1), hidden]);
    const joined = s.node('Reshape', [mixed, shape], { allowzero: 0 });
    x = scope(module).node('Add', [affine(joined, `${module}.attn.c_proj`), x]);
    const inner = gelu(scope(`${module}.mlp.act`), affine(norm(x, `${module}.ln_2`), `${module}.mlp.c_fc`));
    x = scope(module).node('Add', [x, affine(inner, `${module}.mlp.c_proj`)]);
  }
  const output = g.float('onnx::MatMul_lm_head', transposed(w.tensor('transformer.wte.weight'), [vocab, hidden]), [
    hidden,
    vocab,
  ]);
  g.under('/lm_head').node('MatMul', [norm(x, 'transformer.ln_f'), output], {}, 'logits');

  const ids = (name: string, length: string): ValueInfo => ({ name, type: 'int64', shape: ['batch_size', length] });
  const cache = (prefix: string, length: string): ValueInfo[] =>
    Array.from({ length: layers }, (_, i) => ['key', 'value'].map((part) => `${prefix}.${i}.${part}`))
      .flat()
      .map((name) => ({ name, type: 'float32', shape: ['batch_size', heads, length, headDim] }));
  return g.finish(
    [
      ids('input_ids', 'sequence_length'),
      ids('attention_mask', 'total_sequence_length'),
      ids('position_ids', 'sequence_length'),
      ...cache('past_key_values', 'past_sequence_length'),
    ],
    [
      { name: 'logits', type: 'float32', shape: ['batch_size', 'sequence_length', vocab] },
      ...cache('present', 'total_sequence_length'),
    ],
  );
}

/** 0 where `attention_mask` is 1 and the lowest float where it is 0 [batch, 1, 1, key]. */
function paddingMask(s: GraphWriter): string {
  const four = s.node('Unsqueeze', [s.node('Unsqueeze', ['attention_mask', s.ints([1])]), s.ints([2])]);
  const hidden = s.node('Sub', [s.scalar(1), s.node('Cast', [four], { to: TYPES.float32 })]);
  return s.node('Mul', [hidden, s.scalar(LOWEST)]);
}

/** The rows of the last queries, up to the last key [1, 1, query, key]. */
function causalPart(s: GraphWriter, table: string, q: string, k: string): string {
  const keys = dimension(s, k, 2);
  const one = (x: string): string => s.node('Unsqueeze', [x, s.ints([0])]);
  const before = s.node('Sub', [keys, dimension(s, q, 2)]);
  return slice(s, slice(s, table, one(before), one(keys), 2), 0, one(keys), 3);
}

function lowerTriangle(n: number): Uint8Array {
  return Uint8Array.from({ length: n * n }, (_, i) => (i % n <= Math.floor(i / n) ? 1 : 0));
}

/** The approximation by tanh, in plain operators. */
function gelu(s: GraphWriter, x: string): string {
  const cube = s.node('Mul', [s.node('Pow', [x, s.scalar(3)]), s.scalar(0.044715)]);
  const inner = s.node('Mul', [s.node('Add', [x, cube]), s.scalar(Math.sqrt(2 / Math.PI))]);
  const gate = s.node('Add', [s.node('Tanh', [inner]), s.scalar(1)]);
  return s.node('Mul', [s.node('Mul', [x, s.scalar(0.5)]), gate]);
}
