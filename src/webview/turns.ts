// Which section is drawn next, where a frame has no time for all of them. Pure; it knows no sections and no clock.

export class Turns<T> {
  /** Who has waited longest comes first. */
  readonly #waiting = new Set<T>();

  /** Something is still to be drawn. */
  get left(): boolean {
    return this.#waiting.size > 0;
  }

  /** These have to be drawn; those that wait already keep their places. */
  add(all: Iterable<T>): void {
    for (const one of all) this.#waiting.add(one);
  }

  /** The next, which waits no longer: of the lowest rank, who has waited longest; undefined: none waits. */
  take(rank: (one: T) => number): T | undefined {
    let [best, least]: [T | undefined, number] = [undefined, Infinity];
    for (const one of this.#waiting) {
      const own = rank(one);
      if (own < least) [best, least] = [one, own];
    }
    if (best !== undefined) this.#waiting.delete(best);
    return best;
  }
}
