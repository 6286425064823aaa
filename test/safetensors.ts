// Writes safetensors (github.com/huggingface/safetensors) and model folders that hold them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { floatToHalf } from '../models/gguf/numbers';
import { halfToFloat } from '../src/engine/graph/tensors';
import type { LlamaWeights } from './reference';
import { byteTokenizer, TINY, tinyWeights, type Change } from './tinyModel';

export type Dtype = 'F32' | 'F16' | 'BF16';

/** A tensor as it is written. */
export interface Written {
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}

/** The bytes of a file. @param header changes what is said of the tensors */
export function safetensorsFile(
  tensors: ReadonlyMap<string, Written>,
  header: (said: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>) => unknown = (said) =>
    said,
): Buffer {
  let at = 0;
  const said: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }> = {};
  for (const [name, { dtype, shape, bytes }] of tensors)
    said[name] = { dtype, shape, data_offsets: [at, (at += bytes.length)] };
  const text = JSON.stringify(header(said));
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...[...tensors.values()].map(({ bytes }) => bytes)]);
}

/** Numbers as bytes of a type, and what they are then. */
export function stored(values: Float32Array, dtype: Dtype): { bytes: Uint8Array; rounded: Float32Array } {
  const raw = (numbers: Uint16Array | Float32Array): Uint8Array => new Uint8Array(numbers.buffer);
  if (dtype === 'F32') return { bytes: raw(values.slice()), rounded: values };
  if (dtype === 'F16') {
    const halves = Uint16Array.from(values, floatToHalf);
    return { bytes: raw(halves), rounded: Float32Array.from(halves, halfToFloat) };
  }
  const whole = new Uint32Array(values.slice().buffer);
  // to the nearest, halves to even
  const upper = Uint16Array.from(whole, (bits) => (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  return { bytes: raw(upper), rounded: new Float32Array(Uint32Array.from(upper, (bits) => bits << 16).buffer) };
}

export type Family = 'llama' | 'mistral' | 'qwen2' | 'qwen3';

/** What the families have that others have not. */
const HABITS: Record<Family, Change> = {
  llama: {},
  mistral: { window: 5 },
  qwen2: { biases: true },
  qwen3: { headNorms: true },
};

export interface TinySource {
  family: Family;
  dtype?: Dtype;
  /** Files that the weights are spread over. */
  shards?: number;
  change?: Change;
  /** Where it is not tiny. */
  sizes?: {
    layers: number;
    hidden: number;
    inner: number;
    vocab: number;
    heads: number;
    kvHeads: number;
    headDim: number;
  };
  config?: Record<string, unknown>;
  /** Changes the tensors before they are written. */
  tensors?: (tensors: Map<string, Written>) => void;
}

/** Writes a folder of a random tiny model. @returns its weights, as they were rounded, for the reference */
export function writeTinySource(dir: string, source: TinySource): LlamaWeights & { names: Map<string, number[]> } {
  const { family, dtype = 'F32', shards = 1, change = {}, sizes, config = {}, tensors: changed } = source;
  const weights = tinyWeights(1, { ...HABITS[family], ...change, ...(sizes && { ...sizes, ffn: sizes.inner }) });
  const rounded = new Map<string, Float32Array>();
  const tensors = new Map<string, Written>();
  for (const [name, shape] of weights.names) {
    const made = stored(weights.tensor(name), dtype);
    rounded.set(name, made.rounded);
    tensors.set(name, { dtype, shape, bytes: made.bytes });
  }
  changed?.(tensors);
  writeSource(dir, tensors, shards, {
    model_type: family,
    vocab_size: sizes?.vocab ?? TINY.vocab,
    hidden_size: weights.hidden,
    intermediate_size: sizes?.inner ?? TINY.ffn,
    num_hidden_layers: weights.layers,
    num_attention_heads: weights.heads,
    num_key_value_heads: weights.kvHeads,
    head_dim: weights.headDim,
    max_position_embeddings: TINY.context,
    rope_theta: TINY.ropeTheta,
    rms_norm_eps: TINY.rmsEps,
    hidden_act: 'silu',
    tie_word_embeddings: weights.untied !== true,
    ...(weights.window === undefined ? {} : { sliding_window: weights.window }),
    bos_token_id: 256,
    eos_token_id: 257,
    ...config,
  });
  return { ...weights, tensor: (name) => rounded.get(name)! };
}

/** Writes config.json, a tokenizer of bytes, and the weights in one file or several. */
export function writeSource(
  dir: string,
  tensors: ReadonlyMap<string, Written>,
  shards: number,
  config: Record<string, unknown>,
): void {
  mkdirSync(dir, { recursive: true });
  const json = (name: string, value: unknown): void => writeFileSync(join(dir, name), JSON.stringify(value));
  json('config.json', config);
  json('tokenizer.json', byteTokenizer());
  json('tokenizer_config.json', { tokenizer_class: 'GPT2Tokenizer', bos_token: '<s>', eos_token: '</s>' });
  if (shards === 1) return writeFileSync(join(dir, 'model.safetensors'), safetensorsFile(tensors));
  const entries = [...tensors];
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const file = `model-0000${shard + 1}-of-0000${shards}.safetensors`;
    const part = new Map(entries.filter((_, i) => i % shards === shard));
    for (const name of part.keys()) weight_map[name] = file;
    writeFileSync(join(dir, file), safetensorsFile(part));
  }
  json('model.safetensors.index.json', { metadata: {}, weight_map });
}
