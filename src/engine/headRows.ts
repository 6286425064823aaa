// Rows of keys or values of one layer, each head's one after another: [kvHead, capacity, headDim]. A head's rows lie together because
// attention reads them head by head: interleaved, the memory would be read twice.

import type { Rotary } from './graph/rewrite';

export class Rows {
  readonly data: Float32Array;
  readonly heads: number;
  readonly headDim: number;
  readonly capacity: number;

  constructor(heads: number, headDim: number, capacity: number) {
    this.heads = heads;
    this.headDim = headDim;
    this.capacity = capacity;
    this.data = new Float32Array(heads * capacity * headDim);
  }

  /** A copy of the rows from `start` to `end`. */
  part(start: number, end: number): Rows {
    const copy = new Rows(this.heads, this.headDim, end - start);
    for (let head = 0; head < this.heads; head++) copy.data.set(this.#of(head, start, end), this.#at(head, 0, copy));
    return copy;
  }

  /** The same with another capacity and the first `held` rows. */
  resized(capacity: number, held: number): Rows {
    const other = new Rows(this.heads, this.headDim, capacity);
    for (let head = 0; head < this.heads; head++) other.data.set(this.#of(head, 0, held), this.#at(head, 0, other));
    return other;
  }

  /** Puts all rows of another over those from `at` on. */
  write(at: number, rows: Rows): void {
    for (let head = 0; head < this.heads; head++)
      this.data.set(rows.#of(head, 0, rows.capacity), this.#at(head, at, this));
  }

  /** Puts new rows over those from `at` on; @param added [row, kvHead, headDim] */
  append(at: number, added: Float32Array): void {
    const { heads, headDim, data } = this;
    const count = added.length / (heads * headDim);
    for (let head = 0; head < heads; head++) {
      let to = this.#at(head, at, this);
      for (let row = 0, from = head * headDim; row < count; row++, from += heads * headDim, to += headDim)
        for (let d = 0; d < headDim; d++) data[to + d] = added[from + d] as number;
    }
  }

  /** Moves the rows from `start` to `end` to `to`. */
  move(start: number, end: number, to: number): void {
    for (let head = 0; head < this.heads; head++)
      this.data.copyWithin(this.#at(head, to, this), this.#at(head, start, this), this.#at(head, end, this));
  }

  /**
   * Turns rotated keys back by `count` positions: rotations add up, so R(−count) · R(position) = R(position − count) (Su et al. 2021).
   * @param start rows from here
   * @param end to here
   */
  turnBack(start: number, end: number, count: number, { cos, sin, half, interleaved }: Rotary): void {
    const { data, headDim } = this;
    for (let head = 0; head < this.heads; head++) {
      const last = this.#at(head, end, this);
      for (let row = this.#at(head, start, this); row < last; row += headDim) {
        for (let d = 0; d < half; d++) {
          const [c, s] = [cos[count * half + d] as number, sin[count * half + d] as number];
          const [first, second] = interleaved ? [row + 2 * d, row + 2 * d + 1] : [row + d, row + half + d];
          const [a, b] = [data[first] as number, data[second] as number];
          data[first] = a * c + b * s;
          data[second] = b * c - a * s;
        }
      }
    }
  }

  #of(head: number, start: number, end: number): Float32Array {
    return this.data.subarray(this.#at(head, start, this), this.#at(head, end, this));
  }

  #at(head: number, row: number, { capacity }: Rows): number {
    return (head * capacity + row) * this.headDim;
  }
}

/** The rows of a, then those of b. */
export function joined(a: Rows, b: Rows | undefined): Rows {
  if (b === undefined || b.capacity === 0) return a;
  const both = new Rows(a.heads, a.headDim, a.capacity + b.capacity);
  both.write(0, a);
  both.write(a.capacity, b);
  return both;
}
