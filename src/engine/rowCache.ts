// The cache of a rewritten graph: one array of rows for each layer's keys and one for its values, fed to the graph without a copy.
// Rolling back is setting a length. Branches share the arrays: the one that is used lies in them, and each other one keeps only the rows
// in which it differs, so that going from one to another moves no more than those.

import type { Rotary } from './graph/rewrite';
import { KvCache } from './kvCache';

/** Numbers of one layer's row: kvHeads · headDim. */
export interface RowSizes {
  kvHeads: number;
  headDim: number;
}

/** Rows are added in steps of at least this many… */
const LEAST_STEP = 128;
/** …and of this share of what is there. */
const GROWTH = 0.5;

/** Arrays that several caches share. */
class Rows {
  /** By layer, keys then values: [row, kvHead, headDim]; row 0 stays empty (see graph/attentionBlock.ts). */
  arrays: Float32Array[];
  readonly widths: readonly number[];
  capacity = 1;
  readonly caches = new Set<RowCache>();
  /** The one whose rows all lie in the arrays. */
  resident: RowCache;

  constructor(sizes: readonly RowSizes[], resident: RowCache) {
    this.widths = sizes.flatMap(({ kvHeads, headDim }) => [kvHeads * headDim, kvHeads * headDim]);
    this.arrays = this.widths.map((width) => new Float32Array(width));
    this.resident = resident;
  }

  /** Makes room for so many rows, row 0 included. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return;
    this.capacity = Math.max(rows, this.capacity + Math.max(LEAST_STEP, Math.ceil(this.capacity * GROWTH)));
    this.arrays = this.arrays.map((array, i) => {
      const larger = new Float32Array((this.widths[i] as number) * this.capacity);
      larger.set(array);
      return larger;
    });
  }

  /** Copies of the rows from `start` to `end`. */
  copy(start: number, end: number): Float32Array[] {
    return this.arrays.map((array, i) =>
      array.slice(start * (this.widths[i] as number), end * (this.widths[i] as number)),
    );
  }

  get rowBytes(): number {
    return 4 * this.widths.reduce((sum, width) => sum + width, 0);
  }
}

export class RowCache extends KvCache {
  #rows: Rows;
  readonly #sizes: readonly RowSizes[];
  readonly #rotary: Rotary | undefined;
  /** While another cache lies in the arrays: the first token whose row is not there but in `#tail`. */
  #tailStart = 0;
  #tail: Float32Array[] = [];

  /** @param rotary tables with which keys can be turned to another position */
  constructor(sizes: readonly RowSizes[], rotary?: Rotary) {
    super();
    this.#sizes = sizes;
    this.#rotary = rotary;
    this.#rows = new Rows(sizes, this);
    this.#rows.caches.add(this);
  }

  override get bytes(): number {
    const tail = this.#tail.reduce((sum, array) => sum + array.byteLength, 0);
    return tail + (this.#rows.capacity * this.#rows.rowBytes) / Math.max(1, this.#rows.caches.size);
  }

  override branch(): RowCache {
    const branch = new RowCache(this.#sizes, this.#rotary);
    branch.held = [...this.held];
    branch.cut = this.cut;
    branch.#rows = this.#rows;
    branch.#tailStart = this.#rows.resident === this ? this.held.length : this.#tailStart;
    branch.#tail = this.#rows.resident === this ? this.#rows.copy(0, 0) : this.#tail.map((array) => array.slice());
    this.#rows.caches.add(branch);
    return branch;
  }

  /**
   * The rows so far, row 0 first, as [row, kvHead · headDim]; views, good until the next call.
   * @param more rows that will be added by `advance`
   */
  views(more: number): Float32Array[] {
    this.#settle();
    this.#rows.reserve(this.held.length + 1 + more);
    const rows = this.held.length + 1;
    return this.#rows.arrays.map((array, i) => array.subarray(0, rows * (this.#rows.widths[i] as number)));
  }

  /**
   * Adds the rows that a run returned for `ids`.
   * @param added by layer, keys then values: [ids, kvHead · headDim]
   */
  advance(ids: readonly number[], added: readonly Float32Array[]): void {
    this.#settle();
    this.#spare(this.held.length);
    this.#rows.reserve(this.held.length + 1 + ids.length);
    for (const [i, rows] of added.entries())
      this.#rows.arrays[i]?.set(rows, (this.held.length + 1) * (this.#rows.widths[i] as number));
    this.held.push(...ids);
  }

  override get sliding(): boolean {
    return this.#rotary !== undefined;
  }

  override drop(keep: number, count: number): void {
    if (this.#rotary === undefined) return super.drop(keep, count);
    if (count <= 0 || keep + count > this.held.length) return;
    this.#settle();
    this.#spare(keep);
    const end = this.held.length + 1;
    for (const [i, array] of this.#rows.arrays.entries()) {
      const width = this.#rows.widths[i] as number;
      array.copyWithin((keep + 1) * width, (keep + 1 + count) * width, end * width);
      if (i % 2 === 0)
        turnBack(
          array.subarray((keep + 1) * width, (end - count) * width),
          count,
          this.#sizes[i / 2] as RowSizes,
          this.#rotary,
        );
    }
    this.held.splice(keep, count);
    this.cut = true;
  }

  override dispose(): void {
    this.#rows.caches.delete(this);
    this.#tail = [];
    this.held = [];
    if (this.#rows.resident === this) {
      const heir = [...this.#rows.caches][0];
      if (heir !== undefined) heir.#settle();
    }
    this.#rows = new Rows(this.#sizes, this);
    this.#rows.caches.add(this);
  }

  protected override shorten(length: number): void {
    if (this.#rows.resident === this) return;
    const rows = Math.max(0, length - this.#tailStart);
    this.#tail = this.#tail.map((array, i) => array.slice(0, rows * (this.#rows.widths[i] as number)));
    this.#tailStart = Math.min(this.#tailStart, length);
  }

  /** Makes the arrays hold this cache's rows. */
  #settle(): void {
    const rows = this.#rows;
    const before = rows.resident;
    if (before === this) return;
    before.#tailStart = before.held.length;
    before.#tail = rows.copy(0, 0);
    rows.resident = this;
    rows.reserve(this.held.length + 1);
    if (this.#tailStart < this.held.length) {
      this.#spare(this.#tailStart);
      for (const [i, array] of this.#tail.entries())
        rows.arrays[i]?.set(array, (this.#tailStart + 1) * (rows.widths[i] as number));
    }
    this.#tail = [];
    this.#tailStart = 0;
  }

  /** Before rows from token `start` on are written: whoever else still counts on them takes a copy. */
  #spare(start: number): void {
    for (const other of this.#rows.caches) {
      if (other === this || other.#tailStart <= start) continue;
      const saved = this.#rows.copy(start + 1, other.#tailStart + 1);
      other.#tail = saved.map((array, i) => joined(array, other.#tail[i]));
      other.#tailStart = start;
    }
  }
}

function joined(a: Float32Array, b: Float32Array | undefined): Float32Array {
  if (b === undefined || b.length === 0) return a;
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/**
 * Turns rotated keys back by `count` positions: rotations add up, so R(−count) · R(position) = R(position − count) (Su et al. 2021).
 * @param keys [row, kvHead, headDim]
 */
function turnBack(
  keys: Float32Array,
  count: number,
  { headDim }: RowSizes,
  { cos, sin, half, interleaved }: Rotary,
): void {
  for (let head = 0; head < keys.length; head += headDim) {
    for (let d = 0; d < half; d++) {
      const [c, s] = [cos[count * half + d] as number, sin[count * half + d] as number];
      const [first, second] = interleaved ? [head + 2 * d, head + 2 * d + 1] : [head + d, head + half + d];
      const [a, b] = [keys[first] as number, keys[second] as number];
      keys[first] = a * c + b * s;
      keys[second] = b * c - a * s;
    }
  }
}
