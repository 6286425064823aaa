// Makes a model folder with random weights, in a form another author might export: unless told otherwise, attention taken apart into
// plain ONNX nodes, no `position_ids`. A byte tokenizer without merges; sizes unlike the shipped model's.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../src/engine/random';
import { decomposedAttention } from './forms/decomposed';
import { llamaGraph, type TinyWeights } from './forms/llama';
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

/** What a model may have otherwise than the plain one. */
export type Change = Partial<
  Pick<
    LlamaWeights,
    | 'kvHeads'
    | 'headDim'
    | 'biases'
    | 'innerBiases'
    | 'interleaved'
    | 'rotaryDim'
    | 'headNorms'
    | 'softcap'
    | 'window'
    | 'alternating'
    | 'alibi'
    | 'sinks'
    | 'scale'
    | 'untied'
    | 'experts'
    | 'feedForwardFirst'
  >
>;

/** Random weights, the same for the same seed. */
export function tinyWeights(seed = 1, change: Change = {}): TinyWeights {
  const sizes = { ...TINY, ...change };
  const { hidden, heads, kvHeads, headDim, ffn, vocab, layers } = sizes;
  const names = new Map<string, number[]>([
    ['model.embed_tokens.weight', [vocab, hidden]],
    ['model.norm.weight', [hidden]],
  ]);
  if (change.untied) names.set('lm_head.weight', [vocab, hidden]);
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string, dims: number[]): unknown => names.set(`model.layers.${layer}.${name}.weight`, dims);
    of('input_layernorm', [hidden]);
    of('post_attention_layernorm', [hidden]);
    of('self_attn.q_proj', [heads * headDim, hidden]);
    of('self_attn.k_proj', [kvHeads * headDim, hidden]);
    of('self_attn.v_proj', [kvHeads * headDim, hidden]);
    of('self_attn.o_proj', [hidden, heads * headDim]);
    if (change.sinks) names.set(`model.layers.${layer}.self_attn.sinks`, [heads]);
    if (change.biases)
      for (const [part, n] of Object.entries({ q: heads, k: kvHeads, v: kvHeads }))
        names.set(`model.layers.${layer}.self_attn.${part}_proj.bias`, [n * headDim]);
    if (change.innerBiases) {
      names.set(`model.layers.${layer}.self_attn.o_proj.bias`, [hidden]);
      for (const [part, n] of Object.entries({ gate: ffn, up: ffn, down: hidden }))
        names.set(`model.layers.${layer}.mlp.${part}_proj.bias`, [n]);
    }
    if (change.headNorms) for (const part of ['q', 'k']) of(`self_attn.${part}_norm`, [headDim]);
    if (change.experts !== undefined) of('mlp.gate', [change.experts, hidden]);
    const networks =
      change.experts === undefined ? ['mlp'] : Array.from({ length: change.experts }, (_, e) => `mlp.experts.${e}`);
    for (const network of networks) {
      of(`${network}.gate_proj`, [ffn, hidden]);
      of(`${network}.up_proj`, [ffn, hidden]);
      of(`${network}.down_proj`, [hidden, ffn]);
    }
  }
  const random = seededRandom(seed);
  const tensors = new Map<string, Float32Array>();
  for (const [name, dims] of names) {
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
    const scale = dims.length === 1 ? 0.2 : 3 / Math.sqrt(dims[1] as number);
    for (let i = 0; i < data.length; i++) data[i] = (dims.length === 1 ? 1 : 0) + (random() - 0.5) * scale;
    tensors.set(name, data);
  }
  return { ...sizes, names, tensor: (name) => tensors.get(name)! };
}

/** The graph of some weights. */
export type GraphForm = (weights: TinyWeights) => Uint8Array;

/**
 * Writes the folder.
 * @param options half: the cache and the logits are float16, as in half-precision exports; change: what the model has otherwise;
 *   form: its graph, where it is not the decomposed one
 * @returns its weights, for the reference
 */
export function writeTinyModel(
  dir: string,
  {
    half = false,
    change,
    form = (w) => llamaGraph(w, { naming: 'plain', halfCache: half }, decomposedAttention),
  }: { half?: boolean; change?: Change; form?: GraphForm } = {},
): LlamaWeights {
  const weights = tinyWeights(1, change);
  writeModelFolder(dir, form(weights), {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    num_hidden_layers: TINY.layers,
    hidden_size: TINY.hidden,
    num_attention_heads: TINY.heads,
    num_key_value_heads: weights.kvHeads,
    head_dim: weights.headDim,
    vocab_size: TINY.vocab,
    max_position_embeddings: TINY.context,
  });
  return weights;
}

/** Writes a model folder: the graph, its config.json, and a tokenizer of bytes with 259 tokens. */
export function writeModelFolder(dir: string, graph: Uint8Array, config: Record<string, unknown>): void {
  mkdirSync(join(dir, 'onnx'), { recursive: true });
  writeFileSync(join(dir, 'onnx', 'model.onnx'), graph);
  const json = (name: string, value: unknown): void => writeFileSync(join(dir, name), JSON.stringify(value));
  json('config.json', { ...config, bos_token_id: BEGIN, eos_token_id: END });
  json('tokenizer.json', byteTokenizer());
  json('tokenizer_config.json', {
    tokenizer_class: 'GPT2Tokenizer',
    bos_token: '<s>',
    eos_token: '</s>',
    clean_up_tokenization_spaces: false,
  });
}

/**
 * A byte-level tokenizer without merges: id = byte, in the order of GPT-2's byte alphabet.
 * @param more tokens with ids from 259, in that alphabet; a model may write them, no text is read as them
 */
export function byteTokenizer(more: readonly string[] = []): unknown {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let extra = 0;
  const vocab = Object.fromEntries([
    ...Array.from({ length: 256 }, (_, byte) => [String.fromCharCode(printable(byte) ? byte : 256 + extra++), byte]),
    ...more.map((token, i) => [token, 259 + i]),
  ] as [string, number][]);
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
