// The tokens of many files, and where each few of them stand: what follows an earlier occurrence of the last tokens anywhere in the
// workspace is found without a look at every place. Bounded; a replaced file is blanked where it lies, and the gaps are closed later,
// a file at a time. Knows ids and paths, no text.

import { BREAK } from '../textIndex';
import { Chain } from './chain';

/** So many last tokens have to agree for a place to be found. */
export const GRAM = 2;
/** Places where so many agree have a chain of their own: they are rare, and would be lost among the latest of those above. */
const LONG_GRAM = 5;
/** Positions are chained in both. */
const LINK_BYTES = 8;
/** Room for tokens grows from this, by doubling. */
const FIRST_ROOM = 1 << 14;

interface HeldFile {
  stamp: string;
  /** [start, end) among the tokens; a blank stands at `end`. */
  start: number;
  end: number;
}

/** A stretch of positions, [start, end). */
export type Stretch = readonly [start: number, end: number];

/** What a search looks for. */
export interface Search {
  /** An agreement is not followed beyond so many tokens. */
  longest: number;
  /** Places looked at in each chain, the latest first. */
  most: number;
  /** Stretches that do not count. */
  without: readonly Stretch[];
}

export class MemoryIndex {
  /** Bytes of one token, on disk too. */
  readonly tokenBytes: 2 | 4;
  /** Most tokens, those of gaps and the blanks between files included. */
  readonly capacity: number;
  /** Stands in gaps and between files. */
  readonly #blank: number;
  #ids: Uint16Array | Uint32Array;
  readonly #short = new Chain(GRAM);
  readonly #long = new Chain(LONG_GRAM);
  #length = 0;
  /** Of that, what belongs to files that are held, their blanks included. */
  #live = 0;
  /** In the order of their positions: what came first, first. */
  #files = new Map<string, HeldFile>();

  /**
   * @param vocab one more than the highest id
   * @param maxBytes memory that the index may hold
   */
  constructor(vocab: number, maxBytes: number) {
    this.tokenBytes = vocab <= 0xffff ? 2 : 4;
    this.#blank = this.tokenBytes === 2 ? 0xffff : 0xffffffff;
    this.capacity = Math.max(0, Math.floor((maxBytes - 2 * Chain.TABLE_BYTES) / (this.tokenBytes + LINK_BYTES)));
    this.#ids = this.#room(0);
  }

  /** Tokens of the files that are held. */
  get tokens(): number {
    return this.#live - this.#files.size;
  }

  /** Memory held, in bytes. */
  get bytes(): number {
    return this.#ids.byteLength + this.#short.bytes + this.#long.bytes;
  }

  /** More than a third is gaps. */
  get wantsCompaction(): boolean {
    return this.#length - this.#live > this.#length / 3;
  }

  /** The files that are held, what came first, first. */
  *files(): Generator<{ path: string; stamp: string; tokens: number }> {
    for (const [path, { stamp, start, end }] of this.#files) yield { path, stamp, tokens: end - start };
  }

  /** Where a file lies; undefined where it is not held. */
  stretchOf(path: string): Stretch | undefined {
    const file = this.#files.get(path);
    return file === undefined ? undefined : [file.start, file.end];
  }

  /** The ids of a file, none where it is not held; a view that the next change may overwrite. */
  idsOf(path: string): Uint16Array | Uint32Array {
    const [start, end] = this.stretchOf(path) ?? [0, 0];
    return this.#ids.subarray(start, end);
  }

  /** Whether so many more tokens fit if gaps are closed, and without that. */
  fits(tokens: number): { compacted: boolean; now: boolean } {
    return { compacted: this.#live + tokens < this.capacity, now: this.#length + tokens < this.capacity };
  }

  /** Takes a file in, in place of what is held under its path; it must fit now. */
  add(path: string, stamp: string, ids: ArrayLike<number>): void {
    this.remove(path);
    this.#reserve(this.#length + ids.length + 1);
    const file = { stamp, start: this.#length, end: this.#length + ids.length };
    this.#ids.set(ids, file.start);
    this.#files.set(path, file);
    this.#live += ids.length + 1;
    this.#enter(file);
  }

  /** Forgets a file, if it is held. */
  remove(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#ids.fill(this.#blank, file.start, file.end); // agrees with nothing any more
    this.#files.delete(path);
    this.#live -= file.end - file.start + 1;
  }

  /**
   * Closes the gaps, a file at each step. Between two steps only the files that were moved are found; nothing may be added or removed
   * before the last one.
   */
  *compact(): Generator<void> {
    this.#length = 0;
    this.#short.clear();
    this.#long.clear();
    for (const file of this.#files.values()) {
      this.#ids.copyWithin(this.#length, file.start, file.end);
      file.end += this.#length - file.start;
      file.start = this.#length;
      this.#enter(file);
      yield;
    }
  }

  /** Forgets everything and gives the memory back. */
  clear(): void {
    this.#files = new Map();
    this.#ids = this.#room(0);
    this.#short.resize(0);
    this.#long.resize(0);
    this.#length = this.#live = 0;
  }

  /** At most `most` ids from a position on, to the end of the file. */
  from(position: number, most: number): number[] {
    const ids: number[] = [];
    for (let at = position; ids.length < most && at < this.#length && this.#ids[at] !== this.#blank; at++)
      ids.push(this.#ids[at] as number);
    return ids;
  }

  /**
   * Calls `found` with places where the last GRAM ids of `tail`, or more, stand followed by something: the id that follows, how many
   * agree, and its position. First those of the longer chain, in each the latest first.
   */
  search(tail: readonly number[], options: Search, found: (next: number, agreement: number, at: number) => void): void {
    if (this.#length === 0) return;
    this.#follow(this.#long, tail, options, LONG_GRAM, Infinity, found);
    this.#follow(this.#short, tail, options, GRAM, Math.min(LONG_GRAM, options.longest + 1), found);
  }

  /** The places of one chain where at least `least` and fewer than `below` ids agree. */
  #follow(
    chain: Chain,
    tail: readonly number[],
    { longest, most, without }: Search,
    least: number,
    below: number,
    found: (next: number, agreement: number, at: number) => void,
  ): void {
    const [ids, blank, end] = [this.#ids, this.#blank, tail.length - 1];
    const bound = Math.min(longest, tail.length);
    if (bound < least || tail.includes(BREAK)) return;
    let at = chain.last(tail, end);
    for (let looked = 0; at >= 0 && looked < most; looked++, at = chain.before(at)) {
      let agreement = 0;
      while (agreement < bound && ids[at - agreement] === tail[end - agreement]) agreement++;
      // Those that agree longer were found in the other chain; those that do not agree have the same hash.
      if (agreement < least || agreement >= below) continue;
      const next = ids[at + 1] as number;
      const place = at;
      if (next === blank || without.some(([from, to]) => place >= from && place < to)) continue;
      found(next, agreement, at + 1);
    }
  }

  /** Chains the places of a file at the end of all, and ends it. */
  #enter({ start, end }: HeldFile): void {
    this.#short.enter(this.#ids, start, end);
    this.#long.enter(this.#ids, start, end);
    this.#ids[end] = this.#blank;
    this.#length = end + 1;
  }

  #reserve(length: number): void {
    if (length <= this.#ids.length) return;
    const room = Math.min(this.capacity, Math.max(length, FIRST_ROOM, 2 * this.#ids.length));
    const ids = this.#room(room);
    ids.set(this.#ids.subarray(0, this.#length));
    this.#ids = ids;
    this.#short.resize(room);
    this.#long.resize(room);
  }

  #room(length: number): Uint16Array | Uint32Array {
    return this.tokenBytes === 2 ? new Uint16Array(length) : new Uint32Array(length);
  }
}
