// What makes a family of decoders: its arithmetic and how its exporters write it down. The sizes are tiny and unlike each other.

import { seededRandom } from '../../../src/engine/random';
import type { GraphWriter } from '../../onnxWriter';

/** Tokens of every tiny model's vocabulary; longest text. */
export const VOCAB = 259;
export const CONTEXT = 128;

/** How an exporter writes a family down. */
export type FormName =
  | 'optimum' /** attention in plain operators, one graph */
  | 'optimum, merged' /** the same twice, for no past and for a past, chosen by `use_cache_branch` */
  | 'optimum, older cache' /** the cache as the family had it before it was like all others */
  | 'builder' /** ONNX Runtime's model builder: GroupQueryAttention */
  | 'builder, MultiHeadAttention';

export type Norm = 'rms' | 'rms of 1 + weight' | 'layer' | 'layer without bias' | 'layer without weights';

export interface Family {
  name: string;
  /** `model_type` and the architecture in config.json. */
  modelType: string;
  architecture: string;
  forms: readonly FormName[];
  /** What else its config.json says, in the family's own names. */
  config: Record<string, unknown>;
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  ffn: number;
  norm: Norm;
  /** Where norms stand: before attention and feed-forward block, after, both, or before both at once. */
  block: 'before' | 'after' | 'around' | 'parallel' | 'parallel, two norms';
  /** How queries, keys and values come out of their products. */
  qkv: 'apart' | 'in a row' | 'by head' | 'in fours';
  biases?: { qkv?: boolean; out?: boolean; mlp?: boolean; logits?: boolean };
  /** RMSNorm of queries and keys, each head's or all heads' at once. */
  headNorms?: 'each head' | 'all heads';
  mlp: 'gated' | 'gated in one' | 'plain';
  activation: 'silu' | 'gelu' | 'gelu, tanh' | 'relu';
  rotary?: { dims: number; theta: number; interleaved?: boolean; notIn?: readonly number[] };
  /** A table of positions, in which position 0 has this row; OPT counts them from the mask. */
  learned?: { offset: number; from: 'position_ids' | 'attention_mask' };
  /** Linear biases, from the mask (BLOOM) or from the number of keys (MPT). */
  alibi?: 'attention_mask' | 'keys';
  /** By layer: keys that a query sees. */
  windows?: readonly (number | undefined)[];
  /** The causal mask: cut out of a stored table, or written for the run. */
  mask: 'table' | 'written';
  /** Factor of query · key; headDim^−½ where not said. */
  scale?: number;
  softcap?: number;
  embeddingNorm?: boolean;
  embeddingScale?: number;
  residualScale?: number;
  logitScale?: number;
  logitCap?: number;
  untied?: boolean;
  /** The graph has the input `position_ids`. */
  positions: boolean;
}

/** What a graph is built with. */
export interface Tools {
  /** Takes the nodes. */
  g: GraphWriter;
  f: Family;
  form: FormName;
  /** An initializer with random numbers around `middle`, the same for the same name in every form. */
  weight: (name: string, dims: number[], middle?: number) => string;
  /** Other initializers. */
  float: (name: string, data: Float32Array, dims: number[]) => string;
  bools: (name: string, data: Uint8Array, dims: number[]) => string;
  /** Whether the cache is read; not so in the branch for the first tokens. */
  cached: boolean;
}

/** Half the width of the random numbers: what matrices make of a vector is a little longer. */
const MATRIX = 3;
const VECTOR = 0.15;

/** Random numbers, the same for the same name. */
export function numbers(name: string, dims: readonly number[], middle = 0): Float32Array {
  let seed = 2166136261;
  for (const char of name) seed = Math.imul(seed ^ char.charCodeAt(0), 16777619) >>> 0;
  const random = seededRandom(seed);
  const width = 2 * (dims.length === 1 ? VECTOR : MATRIX / Math.sqrt(dims[0] as number));
  return Float32Array.from(
    { length: dims.reduce((product, size) => product * size, 1) },
    () => middle + (random() - 0.5) * width,
  );
}

/** x [.., in] times a random matrix [in, out], and a bias where there is one. */
export function linear({ g, weight }: Tools, x: string, module: string, dims: [number, number], bias = false): string {
  const s = g.under(`/${module.replaceAll('.', '/')}`);
  const product = s.node('MatMul', [x, weight(`${module}.weight`, dims)]);
  return bias ? s.node('Add', [weight(`${module}.bias`, [dims[1]]), product]) : product;
}
