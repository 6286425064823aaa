// A text of token ids that grows, and where each id stands in it: what follows an earlier occurrence of the last tokens is found
// without a look at every place. Knows ids, no text.

/** Stands between texts that do not follow each other. */
export const BREAK = -1;
/** Earlier places of the last id that are looked at for one continuation, the latest first. */
export const MAX_PLACES = 1000;

/** Where a text goes on as its end did before. */
export interface Continuation {
  /** Position of the first token that followed. */
  at: number;
  /** Tokens before it that are the same. */
  agreement: number;
}

export class TextIndex {
  #ids: Int32Array;
  #length = 0;
  /** By position: the position before of the same id, or −1. */
  #before: Int32Array;
  /** By id: its last position, or −1. */
  readonly #last: Int32Array;

  /**
   * @param ids the text, BREAK between its parts
   * @param vocab one more than the highest id
   */
  constructor(ids: readonly number[], vocab: number) {
    this.#ids = new Int32Array(ids.length + 64);
    this.#before = new Int32Array(this.#ids.length);
    this.#last = new Int32Array(vocab).fill(-1);
    for (const id of ids) this.push(id);
  }

  get length(): number {
    return this.#length;
  }

  push(id: number): void {
    if (this.#length === this.#ids.length) {
      this.#ids = grown(this.#ids);
      this.#before = grown(this.#before);
    }
    const at = this.#length++;
    this.#ids[at] = id;
    this.#before[at] = id === BREAK ? -1 : (this.#last[id] as number);
    if (id !== BREAK) this.#last[id] = at;
  }

  /** The id at a position; BREAK before the beginning and after the end. */
  at(position: number): number {
    return position < 0 || position >= this.#length ? BREAK : (this.#ids[position] as number);
  }

  /** The last position of an id, or −1. */
  last(id: number): number {
    return id === BREAK ? -1 : (this.#last[id] as number);
  }

  /** The position before of the id at `position`, or −1. */
  before(position: number): number {
    return this.#before[position] as number;
  }

  /** The last `most` ids, without those before a BREAK. */
  tail(most: number): number[] {
    let start = this.#length;
    while (start > 0 && start > this.#length - most && this.#ids[start - 1] !== BREAK) start--;
    return Array.from(this.#ids.subarray(start, this.#length));
  }

  /** At most `most` ids from a position on, to the next BREAK or the end. */
  from(position: number, most: number): number[] {
    let end = position;
    while (end < position + most && this.at(end) !== BREAK) end++;
    return Array.from(this.#ids.subarray(position, end));
  }

  /**
   * Where the longest end of `tail` stands followed by something; of equally long ones, the latest.
   * @param tail the last ids of a text, which may be this one; an agreement longer than this is not looked for
   * @param fits given: whether an id may follow
   */
  continuation(tail: readonly number[], fits?: (id: number) => boolean): Continuation | undefined {
    const end = tail.length - 1;
    let best: Continuation | undefined;
    let position = end < 0 ? -1 : this.last(tail[end] as number);
    for (let places = 0; position >= 0 && places < MAX_PLACES; position = this.before(position), places++) {
      const next = this.at(position + 1);
      if (next === BREAK || fits?.(next) === false) continue;
      let agreement = 1;
      while (agreement <= end && this.at(position - agreement) === tail[end - agreement]) agreement++;
      if (agreement > (best?.agreement ?? 0)) best = { at: position + 1, agreement };
      if (agreement > end) break;
    }
    return best;
  }
}

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
