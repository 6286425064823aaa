// What a text drew from what stood before it: means of weights over layers, heads and tokens, and their shares by key or by part. Pure.

import { fromU16, rowStart, type LayerTriangles } from './weights';

/**
 * What the token at a position drew from each key before it: the mean over all layers and heads of the weights of the query that predicted
 * it, position − 1.
 * @param position from 1 on
 * @returns [position], sums to 1
 */
export function drawn(layers: LayerTriangles, position: number): Float32Array<ArrayBuffer> {
  const sum = new Float64Array(position);
  const start = rowStart(position - 1);
  let heads = 0;
  for (const layer of layers) {
    for (const triangle of layer) {
      heads++;
      for (let key = 0; key < position; key++) {
        const w = triangle[start + key] as number;
        sum[key] = (sum[key] as number) + w * w;
      }
    }
  }
  const factor = fromU16(1) / heads;
  return Float32Array.from(sum, (value) => value * factor);
}

export interface DrawnOptions {
  /** True: what went to position 0, where heads rest that have nothing to say, is left out, and the rest is taken for the whole. */
  withoutFirst: boolean;
}

/** What all tokens drew together from each key. */
export interface DrawnKeys {
  /** [n − 1]: sums to 1, or is 0 everywhere where all is hidden. */
  keys: Float32Array<ArrayBuffer>;
  /** Share of all weight that was left out, in [0, 1]. */
  hidden: number;
}

/**
 * The rows of several tokens as one: share of key k = Σ over tokens of weight on k / Σ over tokens of all weight that is not hidden.
 * @param weights `DrawnAnswer.weights`: for each position p of from … n − 1, p weights
 */
export function drawnByKey(weights: Float32Array, from: number, n: number, { withoutFirst }: DrawnOptions): DrawnKeys {
  const sums = new Float64Array(Math.max(0, n - 1));
  let at = 0;
  for (let position = from; position < n; position++)
    for (let key = 0; key < position; key++) sums[key] = (sums[key] as number) + (weights[at++] as number);
  const all = sums.reduce((sum, value) => sum + value, 0);
  const first = sums[0] ?? 0;
  const shown = withoutFirst ? all - first : all;
  const keys = Float32Array.from(sums, (value) => (shown > 0 ? value / shown : 0));
  if (withoutFirst && keys.length > 0) keys[0] = 0;
  return { keys, hidden: withoutFirst && all > 0 ? first / all : 0 };
}

/** What all tokens drew from each part of the text. */
export interface DrawnShares {
  /** [part]; with `none` they sum to 1. */
  parts: Float32Array<ArrayBuffer>;
  /** From keys that belong to no part. */
  none: number;
  /** As in `DrawnKeys`. */
  hidden: number;
}

/**
 * Share of each part: the shares of its keys, added.
 * @param partOf by position: index of its part; below 0, or past the end: none
 * @param parts how many there are
 */
export function shares(
  weights: Float32Array,
  from: number,
  n: number,
  partOf: Int32Array,
  parts: number,
  options: DrawnOptions,
): DrawnShares {
  const { keys, hidden } = drawnByKey(weights, from, n, options);
  const sums = new Float64Array(parts);
  let none = 0;
  keys.forEach((share, key) => {
    const part = partOf[key] ?? -1;
    if (part >= 0 && part < parts) sums[part] = (sums[part] as number) + share;
    else none += share;
  });
  return { parts: Float32Array.from(sums), none, hidden };
}
