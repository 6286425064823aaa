// What an editor offers without a model: the most frequent word of the document that begins with what is typed of it.

import { NO_OFFER, type Offer, type Offerer } from './replay';

const WORD = /[A-Za-z_$][\w$]*/g;
const TYPED = /(?<![\w$])[A-Za-z_$][\w$]*$/;
/** Farther away than any word of a document. */
const AFTER = 1e12;

/** Offers the rest of a word of the document. */
export const wordOfferer: Offerer = {
  offer(prefix: string, suffix: string): Offer {
    const typed = TYPED.exec(prefix)?.[0];
    if (typed === undefined) return NO_OFFER;
    const before = prefix.slice(0, prefix.length - typed.length);
    const found = new Map<string, { count: number; distance: number }>();
    const count = (word: string, distance: number): void => {
      if (word.length <= typed.length || !word.startsWith(typed)) return;
      const entry = found.get(word) ?? { count: 0, distance };
      found.set(word, { count: entry.count + 1, distance: Math.min(entry.distance, distance) });
    };
    for (const { 0: word, index } of before.matchAll(WORD)) count(word, before.length - index);
    for (const { 0: word, index } of suffix.matchAll(WORD)) count(word, AFTER + index); // nearest before the cursor first
    const [best] = [...found].sort(([, a], [, b]) => b.count - a.count || a.distance - b.distance);
    return best === undefined ? NO_OFFER : { text: best[0].slice(typed.length), word: true };
  },
};
