// Attention weights as they are kept and sent: w = round(65535 · √p) in 16 bits, the lower triangle row after row. Pure.
//
// The root spends the steps where small weights are: p = (w / 65535)², wrong by at most √p / 65535 + 1 / (2 · 65535)² < 1.6e-5. A row
// of n weights that sum to 1 sums, by the inequality of Cauchy and Schwarz, to 1 ± (√n + n / 4 / 65535) / 65535: within 5e-4 for 1,024
// tokens, 7e-4 for 2,048.

/** The w of weight 1. */
export const FULL = 65535;
const UNIT = 1 / (FULL * FULL);

/** Weights by layer, by head: lower triangles, each of at least `triangleLength(n)`. */
export type LayerTriangles = readonly (readonly Uint16Array[])[];

/** A weight in [0, 1] as 16 bits; what rounding put outside of [0, 1] is moved to its edge. */
export function toU16(p: number): number {
  if (p >= 1) return FULL;
  return p > 0 ? (FULL * Math.sqrt(p) + 0.5) | 0 : 0; // 0, too, for what is no number
}

/** The weight that 16 bits stand for. */
export function fromU16(w: number): number {
  return w * w * UNIT;
}

/** Where row `query` of a lower triangle begins; it has query + 1 entries. */
export function rowStart(query: number): number {
  return (query * (query + 1)) / 2;
}

/** Entries of the lower triangle of n queries. */
export function triangleLength(n: number): number {
  return rowStart(n);
}

/** Row `query` of a lower triangle, [query + 1]; a view, not a copy. */
export function rowOf(triangle: Uint16Array, query: number): Uint16Array {
  return triangle.subarray(rowStart(query), rowStart(query + 1));
}

/**
 * Writes weights as 16 bits.
 * @param from weights; `count` of them are read from index `at` on
 * @param to written from index `toAt` on
 */
export function quantise(from: Float32Array, at: number, count: number, to: Uint16Array, toAt: number): void {
  for (let i = 0; i < count; i++) to[toAt + i] = toU16(from[at + i] as number);
}

/** The weights that 16 bits stand for, of the same length. */
export function weightsOf(row: Uint16Array): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(row.length);
  for (let i = 0; i < row.length; i++) weights[i] = fromU16(row[i] as number);
  return weights;
}
