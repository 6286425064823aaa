// Where a suggestion is best cut. Pure numbers.

/** The shortest suggestion that saves a key: accepting costs one. */
const KEY = 1;

/**
 * The length of a growing text at which it is expected to save most: its probability times the characters it saves, one key spent on
 * accepting it. It never shrinks while the text grows.
 */
export class Worth {
  #best = 0;
  #length = 0;

  /** Characters up to the best place so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * @param length characters of the text so far
   * @param probability that all of them are right
   */
  weigh(length: number, probability: number): void {
    const worth = probability * (length - KEY);
    if (worth <= this.#best || length <= this.#length) return;
    this.#best = worth;
    this.#length = length;
  }
}
