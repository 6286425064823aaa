// Slow and obvious: the arithmetic of src/attention on plain matrices, and random weights to try it on.

import { seededRandom, type Random } from '../../src/engine/random';
import { quantise, rowStart, triangleLength } from '../../src/attention/weights';

/** [query][key] weights of one head; row q has q + 1. */
export type Matrix = number[][];

/** Random softmax weights; the sharpness differs from row to row, and some rows rest on the first key. */
export function randomHead(n: number, random: Random): Matrix {
  return Array.from({ length: n }, (_, q) => {
    const sharp = 12 * random();
    const rests = random() < 0.2 ? 8 : 0;
    return softmax(Array.from({ length: q + 1 }, (__, k) => sharp * random() + (k === 0 ? rests : 0)));
  });
}

export function softmax(scores: number[]): number[] {
  const max = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - max));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** A matrix as it is kept. */
export function triangleOf(matrix: Matrix): Uint16Array {
  const triangle = new Uint16Array(triangleLength(matrix.length));
  matrix.forEach((row, q) => quantise(Float32Array.from(row), 0, q + 1, triangle, rowStart(q)));
  return triangle;
}

/** What a kept triangle says, by its definition alone. */
export function matrixOf(triangle: Uint16Array, n: number): Matrix {
  let at = 0;
  return Array.from({ length: n }, (_, q) =>
    Array.from({ length: q + 1 }, () => ((triangle[at++] as number) / 65535) ** 2),
  );
}

/** Layers × heads of random weights, both ways: as they are kept, and what that says. */
export function randomLayers(
  layers: number,
  heads: number,
  n: number,
  seed: number,
): { kept: Uint16Array[][]; plain: Matrix[][] } {
  const random = seededRandom(seed);
  const kept = Array.from({ length: layers }, () =>
    Array.from({ length: heads }, () => triangleOf(randomHead(n, random))),
  );
  return { kept, plain: kept.map((layer) => layer.map((head) => matrixOf(head, n))) };
}

export const at = (matrix: Matrix, q: number, k: number): number => matrix[q]?.[k] ?? 0;
export const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);

/** Row `query` of the product of (A + I) / 2 over layers, the last layer on the left; rows divided by their sums. */
export function rolloutReference(means: Matrix[], query: number): number[] {
  const n = query + 1;
  let product: Matrix = Array.from({ length: n }, (_, q) => Array.from({ length: n }, (__, k) => (q === k ? 1 : 0)));
  for (const mean of means) {
    const mixed = product.map((_, q) =>
      product.map((__, k) => at(mean, q, k) / sum(mean[q] ?? []) / 2 + (q === k ? 0.5 : 0)),
    );
    product = mixed.map((row) => product.map((_, k) => sum(row.map((share, q) => share * at(product, q, k)))));
  }
  return product[query] as number[];
}

/** Mean entropy / ln(q + 1), weight on 0, distance and weight on the query, over q ≥ 1; rows divided by their sums. */
export function figuresReference(head: Matrix): Record<'entropy' | 'sink' | 'distance' | 'self', number> {
  const rows = head.map((row) => row.map((p) => p / sum(row))).slice(1);
  const mean = (of: (row: number[], q: number) => number): number =>
    sum(rows.map((row, i) => of(row, i + 1))) / rows.length;
  return {
    entropy: mean((row, q) => entropy(row) / Math.log(q + 1)),
    sink: mean((row) => row[0] ?? 0),
    distance: mean((row, q) => sum(row.map((p, k) => p * (q - k)))),
    self: mean((row, q) => row[q] ?? 0),
  };
}

/** In nats. */
export function entropy(shares: number[]): number {
  return -sum(shares.map((p) => (p > 0 ? p * Math.log(p) : 0)));
}

/** How evenly the weight beside key 0 is spread. */
export function spreadReference(head: Matrix): number {
  let [spread, whole] = [0, 0];
  head.forEach((row, q) => {
    const beside = row.slice(1);
    const mass = sum(beside);
    if (q < 2 || mass === 0) return;
    spread += (mass * entropy(beside.map((p) => p / mass))) / Math.log(q);
    whole += mass;
  });
  return whole === 0 ? 0 : spread / whole;
}
