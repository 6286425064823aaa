// Small encoder–decoder models with random weights: what they have in common, for the builders of graphs and for the slow reference.

import { seededRandom } from '../../../src/engine/random';

/** A model's sizes, and what its family does its own way. */
export interface Seq2SeqShape {
  family: 't5' | 'marian';
  layers: number;
  hidden: number;
  heads: number;
  headDim: number;
  ffn: number;
  vocab: number;
  /** T5: numbers of buckets of relative positions, and the distance from which all share one. */
  buckets: number;
  farthest: number;
  /** T5: gelu(x·W0) ∘ x·W1 instead of relu(x·W). */
  gated: boolean;
  /** T5: the output is the embedding, and what goes into it is scaled. */
  tied: boolean;
  /** T5: every layer has a table of position biases of its own, not the first alone. */
  ownBiases: boolean;
  /** Marian: rows of the table of positions. */
  context: number;
}

export const SHAPE: Seq2SeqShape = {
  family: 't5',
  layers: 2,
  hidden: 32,
  heads: 4,
  headDim: 8,
  ffn: 48,
  vocab: 300,
  buckets: 8,
  farthest: 20,
  gated: false,
  tied: true,
  ownBiases: false,
  context: 64,
};

/** Added before the root is taken, in the norms of T5 and of Marian. */
export const EPSILON = { t5: 1e-6, marian: 1e-5 };

/** Weights by name, matrices as [in, out]. */
export interface Seq2SeqWeights extends Seq2SeqShape {
  tensor: (name: string) => Float32Array;
  dims: (name: string) => number[];
}

/** Random weights, the same for the same shape. */
export function seq2seqWeights(shape: Seq2SeqShape): Seq2SeqWeights {
  const { layers, hidden, heads, headDim, ffn, vocab, buckets, gated, tied, family, ownBiases, context } = shape;
  const inner = heads * headDim;
  const all = new Map<string, number[]>([['shared', [vocab, hidden]]]);
  const linear = (name: string, dims: [number, number]): void => {
    all.set(name, dims);
    if (family === 'marian') all.set(`${name}.bias`, [dims[1]]);
  };
  const norm = (name: string): void => {
    all.set(name, [hidden]);
    if (family === 'marian') all.set(`${name}.bias`, [hidden]);
  };
  for (const side of ['encoder', 'decoder']) {
    for (let layer = 0; layer < layers; layer++) {
      const at = `${side}.${layer}`;
      for (const attention of side === 'encoder' ? ['self'] : ['self', 'cross']) {
        for (const part of ['q', 'k', 'v']) linear(`${at}.${attention}.${part}`, [hidden, inner]);
        linear(`${at}.${attention}.o`, [inner, hidden]);
        norm(`${at}.${attention}.norm`);
      }
      for (const up of gated ? ['up0', 'up1'] : ['up0']) linear(`${at}.${up}`, [hidden, ffn]);
      linear(`${at}.down`, [ffn, hidden]);
      norm(`${at}.ffn.norm`);
      if (family === 't5' && (layer === 0 || ownBiases)) all.set(`${at}.buckets`, [buckets, heads]);
    }
    if (family === 't5') norm(`${side}.norm`);
  }
  if (family === 'marian') all.set('logits.bias', [vocab]);
  if (family === 't5' && !tied) all.set('output', [hidden, vocab]);
  const random = seededRandom(7);
  const tensors = new Map<string, Float32Array>();
  for (const [name, dims] of all) {
    // The last norm turns some signs: where the output is the embedding, each token would else be followed by itself.
    const isLast = name === 'decoder.norm' || name === `decoder.${layers - 1}.ffn.norm`;
    const middle = name.endsWith('norm') && !isLast ? 1 : 0;
    const fanIn = dims[0] as number;
    const width = isLast || name === 'shared' ? 2 : name.endsWith('.buckets') ? 3 : dims.length === 1 ? 0.4 : 3 / Math.sqrt(fanIn); // prettier-ignore
    const length = dims.reduce((a, b) => a * b, 1);
    tensors.set(
      name,
      Float32Array.from({ length }, () => middle + (random() - 0.5) * width),
    );
  }
  if (family === 'marian') {
    all.set('positions', [context, hidden]);
    tensors.set('positions', sinusoids(context, hidden));
  }
  return { ...shape, tensor: (name) => tensors.get(name)!, dims: (name) => all.get(name)! };
}

/** Marian's table of positions [context, hidden]: sines in the first half of a row, cosines in the second. */
function sinusoids(context: number, hidden: number): Float32Array {
  const table = new Float32Array(context * hidden);
  const half = hidden / 2;
  for (let position = 0; position < context; position++)
    for (let j = 0; j < half; j++) {
      const angle = position / 10000 ** ((2 * j) / hidden);
      table[position * hidden + j] = Math.sin(angle);
      table[position * hidden + half + j] = Math.cos(angle);
    }
  return table;
}
