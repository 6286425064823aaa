// Positions in a text of token ids, chained by a hash of the tokens that end there, the latest first. Whoever follows a chain compares
// the tokens: others may have the same hash.

/** Entries of the hash table; a power of two. */
const HEADS = 1 << 19;

export class Chain {
  /** Memory of the hash table. */
  static readonly TABLE_BYTES = 4 * HEADS;
  readonly #gram: number;
  /** By hash: one more than the last position; 0 where there is none, so that memory that is never touched costs nothing. */
  #heads = new Uint32Array(0);
  /** By position: one more than the position before in its chain; 0 ends it. */
  #before = new Uint32Array(0);

  /** @param gram tokens that the hash is made of */
  constructor(gram: number) {
    this.#gram = gram;
  }

  /** Memory held, in bytes. */
  get bytes(): number {
    return this.#heads.byteLength + this.#before.byteLength;
  }

  /** Makes room for so many positions; 0 forgets all and gives the memory back. */
  resize(positions: number): void {
    const before = new Uint32Array(positions);
    if (positions === 0) this.#heads = new Uint32Array(0);
    else {
      before.set(this.#before);
      if (this.#heads.length === 0) this.#heads = new Uint32Array(HEADS);
    }
    this.#before = before;
  }

  /** Forgets all positions. */
  clear(): void {
    this.#heads.fill(0);
  }

  /** Chains the positions of [start, end) that have enough tokens of the stretch before them; they come after all others. */
  enter(ids: ArrayLike<number>, start: number, end: number): void {
    const [heads, before] = [this.#heads, this.#before];
    for (let at = start + this.#gram - 1; at < end; at++) {
      const hash = this.#hashOf(ids, at);
      before[at] = heads[hash] as number;
      heads[hash] = at + 1;
    }
  }

  /** The last position whose tokens have the hash of those that end at ids[at]; −1 where there is none. */
  last(ids: ArrayLike<number>, at: number): number {
    return (this.#heads[this.#hashOf(ids, at)] as number) - 1;
  }

  /** The position before in the same chain, or −1. */
  before(position: number): number {
    return (this.#before[position] as number) - 1;
  }

  /** Multiplicative hashing (Knuth 1973, §6.4). */
  #hashOf(ids: ArrayLike<number>, at: number): number {
    let hash = 0;
    for (let i = at - this.#gram + 1; i <= at; i++) {
      hash = Math.imul(hash ^ (ids[i] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash & (HEADS - 1);
  }
}
