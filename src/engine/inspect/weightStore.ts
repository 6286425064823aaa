// All attention weights of one sequence, in 16 bits each: a lower triangle for each head. Grows row by row.

import type { LayerWeights } from '../rowRunner';
import { quantise, rowStart, triangleLength, type LayerTriangles } from '../../attention/weights';

export class WeightStore {
  readonly #heads: number;
  readonly #triangles: Uint16Array<ArrayBuffer>[][];
  #rows = 0;
  #capacity = 0;

  constructor(layers: number, heads: number) {
    this.#heads = heads;
    this.#triangles = Array.from({ length: layers }, () => Array.from({ length: heads }, () => new Uint16Array(0)));
  }

  /** By layer, by head; `rows` rows of them count. */
  get triangles(): LayerTriangles {
    return this.#triangles;
  }

  /** How many queries' weights are held. */
  get rows(): number {
    return this.#rows;
  }

  /** Memory of so many rows, in bytes. */
  static bytes(layers: number, heads: number, rows: number): number {
    return layers * heads * triangleLength(rows) * Uint16Array.BYTES_PER_ELEMENT;
  }

  /** Forgets all but the first rows. */
  truncate(rows: number): void {
    this.#rows = Math.min(this.#rows, rows);
  }

  /** Adds the rows that follow. @param layers the same queries of each layer; @param count only so many of them */
  append(layers: readonly LayerWeights[], count = layers[0]?.queries ?? 0): void {
    this.#reserve(this.#rows + count);
    layers.forEach((layer, i) => this.#write(i, this.#rows, layer, count));
    this.#rows += count;
  }

  /** All rows at once, one layer after another; they count when the last has come. */
  put(layer: number, rows: LayerWeights): void {
    this.#reserve(rows.queries);
    this.#write(layer, 0, rows, rows.queries);
    if (layer === this.#triangles.length - 1) this.#rows = rows.queries;
  }

  #write(layer: number, at: number, { weights, queries, keys, stride = keys }: LayerWeights, count: number): void {
    const before = keys - queries;
    for (let head = 0; head < this.#heads; head++) {
      const triangle = this.#triangles[layer]?.[head] as Uint16Array;
      for (let query = 0; query < count; query++) {
        const [row, to] = [(head * queries + query) * stride, rowStart(at + query)];
        quantise(weights, row, before, triangle, to);
        quantise(weights, row + stride - queries, query + 1, triangle, to + before);
      }
    }
  }

  #reserve(rows: number): void {
    if (rows <= this.#capacity) return;
    // A triangle of 1.2 times the rows has 1.44 times the entries.
    this.#capacity = Math.max(rows, Math.min(rows + 256, Math.ceil(1.2 * rows)));
    for (const layer of this.#triangles)
      layer.forEach((old, head) => {
        const longer = new Uint16Array(triangleLength(this.#capacity));
        longer.set(old.subarray(0, triangleLength(this.#rows)));
        layer[head] = longer;
      });
  }
}
