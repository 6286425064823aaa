// The memory of offers: what was offered is there again at once wherever the document is as it was, or goes on as the offer does:
// typed on, deleted back, undone, or come back to. Pure text: no tokens, no editor.

import type { Offer, Rest } from './offer';

/** An offer that answers at a place, and what of it is left there. */
export interface Found<T> {
  offer: T;
  rest: Rest;
}

export class Offers<T extends Offer> {
  readonly #most: number;
  /** The one used last comes first. */
  #all: { document: string; offer: T }[] = [];

  /** @param most offers are kept; the one that was used longest ago goes first */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#all.length;
  }

  /**
   * @param document names the document
   * @param use how it counts: as used last, or as never used, so that it comes after any other
   */
  add(document: string, offer: T, use: 'last' | 'never' = 'last'): void {
    if (this.#all.length >= this.#most) this.#all.pop();
    if (use === 'last') this.#all.unshift({ document, offer });
    else this.#all.push({ document, offer });
  }

  /**
   * The offer to show at a place: of those with something left the one that was used last, else one that says that there is nothing, or
   * not yet. A place is compared with each offer: for 200 that takes some microseconds, since hardly any agrees in its length and its last characters.
   */
  find(document: string, prefix: string, suffix: string): Found<T> | undefined {
    let best: (Found<T> & { at: number }) | undefined;
    for (const [at, entry] of this.#all.entries()) {
      if (entry.document !== document) continue;
      const rest = entry.offer.remaining(prefix, suffix);
      if (rest === undefined || (best !== undefined && rest.text.trim() === '')) continue;
      best = { offer: entry.offer, rest, at };
      if (rest.text.trim() !== '') break;
    }
    if (best !== undefined) this.#all.unshift(...this.#all.splice(best.at, 1));
    return best;
  }

  /** Forgets all that would answer at a place. */
  dismiss(document: string, prefix: string, suffix: string): void {
    this.#all = this.#all.filter(
      (entry) => entry.document !== document || entry.offer.remaining(prefix, suffix) === undefined,
    );
  }

  delete(offer: T): void {
    this.#all = this.#all.filter((entry) => entry.offer !== offer);
  }

  clear(): void {
    this.#all = [];
  }
}
