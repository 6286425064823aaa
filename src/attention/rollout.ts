// Attention rollout (Abnar and Zuidema 2020, arXiv:2005.00928, §3): how much of what a query holds came from each position, if every layer
// passed on half of what a position holds and mixed in the other half by its mean weights. Pure.
//
//   Â_l = (mean over heads of A_l + I) / 2      rollout of query q = row q of Â_L · … · Â_1
//
// One row needs no product of matrices: it is carried down from the last layer, v ← v · Â_l. Rows of Â sum to 1, so v does.
//
// In a decoder rollout favours early positions whatever the model does: each layer can only move mass back. The rollout of uniform weights
// has the same bias and nothing else; what a position holds beyond it is the model's doing.

import { fromU16, rowStart, triangleLength, type LayerTriangles } from './weights';

/** Mean of the heads' weights: a lower triangle. @param heads triangles of one layer, at least one */
export function headMean(heads: readonly Uint16Array[], n: number): Float32Array<ArrayBuffer> {
  const mean = new Float32Array(triangleLength(n));
  for (const head of heads)
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) + fromU16(head[i] as number);
  for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) / heads.length;
  return mean;
}

/**
 * Rollout of one query.
 * @param layers the first layer first
 * @returns [query + 1], sums to 1
 */
export function rollout(layers: LayerTriangles, query: number): Float32Array<ArrayBuffer> {
  return carry(layers, query, (heads, q, row) => {
    const start = rowStart(q);
    for (const triangle of heads) {
      for (let key = 0; key <= q; key++) {
        const w = triangle[start + key] as number;
        row[key] = (row[key] as number) + w * w;
      }
    }
  });
}

/** The same from the triangles that `headMean` gives, by layer: for many queries of one text. */
export function rolloutOfMeans(means: readonly Float32Array[], query: number): Float32Array<ArrayBuffer> {
  return carry(means, query, (mean, q, row) => {
    const start = rowStart(q);
    for (let key = 0; key <= q; key++) row[key] = mean[start + key] as number;
  });
}

/**
 * Rollout of one query, if every query looked at all keys that it can see alike.
 * @param windows by layer: keys that a query can see, itself included; 0: all
 * @returns [query + 1], sums to 1
 */
export function uniformRollout(windows: readonly number[], query: number): Float32Array<ArrayBuffer> {
  return carry(windows, query, (window, q, row) => {
    row.fill(1, window === 0 ? 0 : Math.max(0, q + 1 - window), q + 1);
  });
}

/**
 * Carries all of the mass from `query` in the last layer down to the first.
 * @param weigh adds a layer's weights of query q to `row`, which is 0 everywhere, up to a factor: rounded weights sum to 1 only nearly, and
 *   the mean over heads is a division, so rows are divided by their sum here
 */
function carry<Layer>(
  layers: readonly Layer[],
  query: number,
  weigh: (layer: Layer, q: number, row: Float64Array) => void,
): Float32Array<ArrayBuffer> {
  let mass = new Float64Array(query + 1);
  let below = new Float64Array(query + 1);
  const row = new Float64Array(query + 1);
  mass[query] = 1;
  for (const layer of layers.toReversed()) {
    below.fill(0);
    for (let q = 0; q <= query; q++) {
      const half = (mass[q] as number) / 2;
      if (half === 0) continue; // in the last layer, all others
      row.fill(0, 0, q + 1);
      weigh(layer, q, row);
      let sum = 0;
      for (let key = 0; key <= q; key++) sum += row[key] as number;
      // A row of nothing mixes nothing in: what it would have stays where it is.
      const factor = sum > 0 ? half / sum : 0;
      if (sum <= 0) below[q] = (below[q] as number) + half;
      for (let key = 0; key <= q; key++) below[key] = (below[key] as number) + factor * (row[key] as number);
      below[q] = (below[q] as number) + half;
    }
    [mass, below] = [below, mass];
  }
  return Float32Array.from(mass);
}
