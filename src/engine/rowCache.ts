// The cache of a rewritten graph: for each layer's keys and values one array of rows, which the graph reads where it lies. Rolling back is
// setting a length. Branches share the arrays: the one that is used lies in them, and each other one keeps only the rows in which it
// differs, so that going from one to another moves no more than those.

import type { Rotary } from './graph/rewrite';
import { joined, Rows } from './headRows';
import { KvCache } from './kvCache';

/** What one layer's row is made of. */
export interface RowSizes {
  kvHeads: number;
  headDim: number;
}

/** The arrays are as long as their rows, rounded up to a step: the graph computes over all of it, and growing copies all of it. */
const STEP = 32;
const LONG = 512;
const LONG_STEP = 128;
/** An array that is this many rows longer than it need be is made shorter. */
const SLACK = 256;

/** Arrays that several caches share. */
class Shared {
  /** By layer, keys then values. */
  arrays: Rows[];
  capacity = STEP;
  readonly caches = new Set<RowCache>();
  /** The one whose rows all lie in the arrays. */
  resident: RowCache;

  constructor(sizes: readonly RowSizes[], resident: RowCache) {
    this.arrays = sizes.flatMap(({ kvHeads, headDim }) => [
      new Rows(kvHeads, headDim, STEP),
      new Rows(kvHeads, headDim, STEP),
    ]);
    this.resident = resident;
  }

  /**
   * Makes the arrays as long as is needed, and not much longer.
   * @param held rows at the start that must stay
   */
  fit(rows: number, held: number): void {
    const most = Math.max(rows, held, 1);
    const step = most < LONG ? STEP : LONG_STEP;
    const wanted = Math.ceil(most / step) * step;
    if (this.capacity >= wanted && this.capacity <= wanted + SLACK) return;
    this.capacity = wanted;
    this.arrays = this.arrays.map((array) => array.resized(wanted, held));
  }

  get bytes(): number {
    return this.arrays.reduce((sum, { data }) => sum + data.byteLength, 0);
  }
}

export class RowCache extends KvCache {
  #shared: Shared;
  readonly #sizes: readonly RowSizes[];
  readonly #rotary: Rotary | undefined;
  /** While another cache lies in the arrays: the first token whose row is not there but in `#tail`. */
  #tailStart = 0;
  #tail: Rows[] = [];

  /** @param rotary tables with which keys can be turned to another position */
  constructor(sizes: readonly RowSizes[], rotary?: Rotary) {
    super();
    this.#sizes = sizes;
    this.#rotary = rotary;
    this.#shared = new Shared(sizes, this);
    this.#shared.caches.add(this);
  }

  override get bytes(): number {
    const tail = this.#tail.reduce((sum, { data }) => sum + data.byteLength, 0);
    return tail + this.#shared.bytes / Math.max(1, this.#shared.caches.size);
  }

  override branch(): RowCache {
    const branch = new RowCache(this.#sizes, this.#rotary);
    const resident = this.#shared.resident === this;
    branch.held = [...this.held];
    branch.cut = this.cut;
    branch.#shared = this.#shared;
    branch.#tailStart = resident ? this.held.length : this.#tailStart;
    branch.#tail = resident ? this.#none() : this.#tail.map((rows) => rows.part(0, rows.capacity));
    this.#shared.caches.add(branch);
    return branch;
  }

  /** Where little of many tokens is wanted, that little is copied: the arrays would stay as long as the other needs them. */
  override branchAt(length: number): RowCache {
    if (2 * length >= this.held.length) {
      const branch = this.branch();
      branch.truncate(length);
      return branch;
    }
    const branch = new RowCache(this.#sizes, this.#rotary);
    branch.cut = this.cut;
    this.#settle();
    branch.#shared.arrays = this.#shared.arrays.map((rows) => rows.part(0, length));
    branch.#shared.capacity = length;
    branch.held = this.held.slice(0, length);
    return branch;
  }

  /**
   * The arrays, by layer keys then values: [kvHead, capacity, headDim], of which as many rows count as there are tokens; good until the
   * next call.
   */
  views(): { capacity: number; arrays: Float32Array[] } {
    this.#settle();
    this.#fit(this.held.length);
    return { capacity: this.#shared.capacity, arrays: this.#shared.arrays.map(({ data }) => data) };
  }

  /**
   * Adds the rows that a run returned for `ids`.
   * @param added by layer, keys then values: [ids, kvHead, headDim]
   */
  advance(ids: readonly number[], added: readonly Float32Array[]): void {
    this.#settle();
    this.#spare(this.held.length);
    this.#fit(this.held.length + ids.length);
    for (const [i, rows] of added.entries()) this.#shared.arrays[i]?.append(this.held.length, rows);
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
    const left = this.held.length - count;
    for (const [i, array] of this.#shared.arrays.entries()) {
      array.move(keep + count, this.held.length, keep);
      if (i % 2 === 0) array.turnBack(keep, left, count, this.#rotary);
    }
    this.held.splice(keep, count);
    this.cut = true;
  }

  override dispose(): void {
    this.#shared.caches.delete(this);
    this.#tail = [];
    this.held = [];
    const [heir] = this.#shared.caches;
    if (this.#shared.resident === this && heir !== undefined) heir.#settle();
    this.#shared = new Shared(this.#sizes, this);
    this.#shared.caches.add(this);
  }

  protected override shorten(length: number): void {
    if (this.#shared.resident === this) return;
    const rows = Math.max(0, length - this.#tailStart);
    this.#tail = this.#tail.map((tail) => tail.part(0, rows));
    this.#tailStart = Math.min(this.#tailStart, length);
  }

  /** Makes the arrays hold this cache's rows. */
  #settle(): void {
    const shared = this.#shared;
    const before = shared.resident;
    if (before === this) return;
    before.#tailStart = before.held.length;
    before.#tail = before.#none();
    shared.resident = this;
    const [start, tail] = [this.#tailStart, this.#tail];
    this.#tailStart = 0;
    this.#tail = [];
    if (start >= this.held.length) return;
    this.#spare(start);
    this.#fit(this.held.length, start);
    for (const [i, rows] of tail.entries()) shared.arrays[i]?.write(start, rows);
  }

  /** Before rows from token `start` on are written: whoever else still counts on them takes a copy. */
  #spare(start: number): void {
    for (const other of this.#shared.caches) {
      if (other === this || other.#tailStart <= start) continue;
      const { arrays } = this.#shared;
      other.#tail = arrays.map((rows, i) => joined(rows.part(start, other.#tailStart), other.#tail[i]));
      other.#tailStart = start;
    }
  }

  /** @param held rows of this cache that lie in the arrays */
  #fit(rows: number, held = this.held.length): void {
    let most = held;
    for (const other of this.#shared.caches) if (other !== this) most = Math.max(most, other.#tailStart);
    this.#shared.fit(rows, most);
  }

  #none(): Rows[] {
    return this.#shared.arrays.map((rows) => rows.part(0, 0));
  }
}
