// Makes a model folder with random weights, in the form another author might export: attention taken apart into plain ONNX nodes,
// no `position_ids`, a byte tokenizer without merges. Sizes unlike the shipped model's.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../src/engine/random';
import { GraphWriter, TYPES, type ValueInfo } from './onnxWriter';
import type { LlamaWeights } from './reference';

export const TINY = {
  layers: 3,
  hidden: 48,
  heads: 6,
  kvHeads: 2,
  headDim: 16,
  ffn: 80,
  vocab: 259,
  ropeTheta: 5000,
  rmsEps: 1e-6,
  context: 128,
};
const BEGIN = 256;
const END = 257;

/** Random weights, the same for the same seed. */
export function tinyWeights(seed = 1): LlamaWeights & { names: Map<string, number[]> } {
  const { hidden, heads, kvHeads, headDim, ffn, vocab, layers } = TINY;
  const names = new Map<string, number[]>([
    ['model.embed_tokens.weight', [vocab, hidden]],
    ['model.norm.weight', [hidden]],
  ]);
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string, dims: number[]): unknown => names.set(`model.layers.${layer}.${name}.weight`, dims);
    of('input_layernorm', [hidden]);
    of('post_attention_layernorm', [hidden]);
    of('self_attn.q_proj', [heads * headDim, hidden]);
    of('self_attn.k_proj', [kvHeads * headDim, hidden]);
    of('self_attn.v_proj', [kvHeads * headDim, hidden]);
    of('self_attn.o_proj', [hidden, heads * headDim]);
    of('mlp.gate_proj', [ffn, hidden]);
    of('mlp.up_proj', [ffn, hidden]);
    of('mlp.down_proj', [hidden, ffn]);
  }
  const random = seededRandom(seed);
  const tensors = new Map<string, Float32Array>();
  for (const [name, dims] of names) {
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
    const scale = dims.length === 1 ? 0.2 : 3 / Math.sqrt(dims[1] as number);
    for (let i = 0; i < data.length; i++) data[i] = (dims.length === 1 ? 1 : 0) + (random() - 0.5) * scale;
    tensors.set(name, data);
  }
  return { ...TINY, names, tensor: (name) => tensors.get(name)! };
}

/**
 * Writes the folder.
 * @param options half: the cache and the logits are float16, as in half-precision exports
 * @returns its weights, for the reference
 */
export function writeTinyModel(dir: string, { half = false } = {}): LlamaWeights {
  const weights = tinyWeights();
  mkdirSync(join(dir, 'onnx'), { recursive: true });
  writeFileSync(join(dir, 'onnx', 'model.onnx'), decomposedGraph(weights, half));
  const json = (name: string, value: unknown): void => writeFileSync(join(dir, name), JSON.stringify(value));
  json('config.json', {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    num_hidden_layers: TINY.layers,
    hidden_size: TINY.hidden,
    num_attention_heads: TINY.heads,
    num_key_value_heads: TINY.kvHeads,
    head_dim: TINY.headDim,
    vocab_size: TINY.vocab,
    max_position_embeddings: TINY.context,
    bos_token_id: BEGIN,
    eos_token_id: END,
  });
  json('tokenizer.json', byteTokenizer());
  json('tokenizer_config.json', {
    tokenizer_class: 'GPT2Tokenizer',
    bos_token: '<s>',
    eos_token: '</s>',
    clean_up_tokenization_spaces: false,
  });
  return weights;
}

/** A byte-level tokenizer without merges: id = byte, in the order of GPT-2's byte alphabet. */
export function byteTokenizer(): unknown {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let extra = 0;
  const vocab = Object.fromEntries(
    Array.from({ length: 256 }, (_, byte) => [String.fromCharCode(printable(byte) ? byte : 256 + extra++), byte]),
  );
  const special = (id: number, content: string): unknown => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  });
  return {
    added_tokens: [special(BEGIN, '<s>'), special(END, '</s>'), special(258, '<pad>')],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [BEGIN], tokens: ['<s>'] } },
    },
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab,
      merges: [],
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
    },
  };
}

/** The graph, attention taken apart, positions counted from the length of the cache. */
function decomposedGraph(w: LlamaWeights & { names: Map<string, number[]> }, half: boolean): Uint8Array {
  const { layers, heads, kvHeads, headDim, vocab, context, ropeTheta, rmsEps } = TINY;
  const stored = half ? 'float16' : 'float32';
  const g = new GraphWriter();
  for (const [name, dims] of w.names) g.float(name, w.tensor(name), dims);
  const [axis0, axis1] = [g.ints([0]), g.ints([1])];
  const zero = g.ints([0], []);
  const one = g.ints([1], []);

  // positions of the new tokens: past … total
  const lengthOf = (value: string, axis: number): string =>
    g.node('Squeeze', [g.node('Gather', [g.node('Shape', [value]), g.ints([axis])]), axis0]);
  const past = lengthOf('past_key_values.0.key', 2);
  const total = g.node('Add', [past, lengthOf('input_ids', 1)]);
  const positions = g.node('Range', [past, total, one]); // [query]
  const table = (f: (x: number) => number): Float32Array =>
    Float32Array.from({ length: context * headDim }, (_, i) =>
      f(Math.floor(i / headDim) * ropeTheta ** ((-2 * (i % (headDim / 2))) / headDim)),
    );
  const cos = g.node('Gather', [g.float('cos', table(Math.cos), [context, headDim]), positions], { axis: 0 }); // [query, headDim]
  const sin = g.node('Gather', [g.float('sin', table(Math.sin), [context, headDim]), positions], { axis: 0 });
  const visible = g.node('LessOrEqual', [
    g.node('Unsqueeze', [g.node('Range', [zero, total, one]), axis0]),
    g.node('Unsqueeze', [positions, axis1]),
  ]);
  const mask = g.node('Where', [visible, g.scalar(0), g.scalar(-1e9)]); // [query, key]

  const linear = (x: string, name: string): string =>
    g.node('MatMul', [x, g.node('Transpose', [name], { perm: [1, 0] })]);
  const norm = (x: string, name: string): string => {
    const meanSquare = g.node('ReduceMean', [g.node('Mul', [x, x])], { axes: [2], keepdims: 1 });
    return g.node('Mul', [g.node('Div', [x, g.node('Sqrt', [g.node('Add', [meanSquare, g.scalar(rmsEps)])])]), name]);
  };
  const split = (x: string, n: number): string =>
    g.node('Transpose', [g.node('Reshape', [x, g.ints([0, 0, n, headDim])])], { perm: [0, 2, 1, 3] });
  const rotate = (x: string): string => {
    const [a, b] = g.nodes('Split', [x], 2, { axis: 3 }) as [string, string];
    return g.node('Add', [
      g.node('Mul', [x, cos]),
      g.node('Mul', [g.node('Concat', [g.node('Neg', [b]), a], { axis: 3 }), sin]),
    ]);
  };
  const forAllHeads = (x: string): string => {
    const shape = g.node(
      'Concat',
      [g.ints([1, kvHeads, heads / kvHeads]), g.node('Unsqueeze', [total, axis0]), g.ints([headDim])],
      { axis: 0 },
    );
    const flat = g.node('Concat', [g.ints([1, heads]), g.node('Unsqueeze', [total, axis0]), g.ints([headDim])], {
      axis: 0,
    });
    return g.node('Reshape', [g.node('Expand', [g.node('Unsqueeze', [x, g.ints([2])]), shape]), flat]);
  };

  let x = g.node('Gather', ['model.embed_tokens.weight', 'input_ids'], { axis: 0 }); // [1, query, hidden]
  for (let i = 0; i < layers; i++) {
    const name = (part: string): string => `model.layers.${i}.${part}.weight`;
    const normed = norm(x, name('input_layernorm'));
    const q = rotate(split(linear(normed, name('self_attn.q_proj')), heads));
    const newK = rotate(split(linear(normed, name('self_attn.k_proj')), kvHeads));
    const newV = split(linear(normed, name('self_attn.v_proj')), kvHeads);
    const [k, v] = (['key', 'value'] as const).map((part) => {
      const past = g.node('Cast', [`past_key_values.${i}.${part}`], { to: TYPES.float32 });
      const all = g.node('Concat', [past, part === 'key' ? newK : newV], { axis: 2 });
      g.node('Cast', [all], { to: TYPES[stored] }, `present.${i}.${part}`);
      return all;
    }) as [string, string];
    const scores = g.node('Mul', [
      g.node('MatMul', [q, g.node('Transpose', [forAllHeads(k)], { perm: [0, 1, 3, 2] })]),
      g.scalar(headDim ** -0.5),
    ]);
    const attention = g.node('Softmax', [g.node('Add', [scores, mask])], { axis: 3 }); // [1, head, query, key]
    const mixed = g.node('Transpose', [g.node('MatMul', [attention, forAllHeads(v)])], { perm: [0, 2, 1, 3] });
    x = g.node('Add', [
      x,
      linear(g.node('Reshape', [mixed, g.ints([0, 0, heads * headDim])]), name('self_attn.o_proj')),
    ]);
    const inner = norm(x, name('post_attention_layernorm'));
    const gate = linear(inner, name('mlp.gate_proj'));
    const gated = g.node('Mul', [g.node('Mul', [gate, g.node('Sigmoid', [gate])]), linear(inner, name('mlp.up_proj'))]);
    x = g.node('Add', [x, linear(gated, name('mlp.down_proj'))]);
  }
  const unembed = g.node('Transpose', ['model.embed_tokens.weight'], { perm: [1, 0] });
  g.node('Cast', [g.node('MatMul', [norm(x, 'model.norm.weight'), unembed])], { to: TYPES[stored] }, 'logits');

  const cache = (prefix: string, length: string): ValueInfo[] =>
    Array.from({ length: layers }, (_, i) =>
      ['key', 'value'].map((part): ValueInfo => ({
        name: `${prefix}.${i}.${part}`,
        type: stored,
        shape: ['batch', kvHeads, length, headDim],
      })),
    ).flat();
  return g.finish(
    [
      { name: 'input_ids', type: 'int64', shape: ['batch', 'sequence'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch', 'total'] },
      ...cache('past_key_values', 'past'),
    ],
    [{ name: 'logits', type: stored, shape: ['batch', 'sequence', vocab] }, ...cache('present', 'total')],
  );
}
