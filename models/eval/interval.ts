// How far the figures would vary with other windows: the percentile bootstrap (Efron 1979).

import { seededRandom } from '../../src/engine/random';
import { keystrokesSaved, sumOf, type Typing } from './replay';

/** A window, typed with each method whose figures the ratio is made of. */
export interface Typed {
  ours: Typing;
  words: Typing;
  ngram: Typing;
}

export type Range = [low: number, high: number];

/** Where 95 % of the figures of all languages lie. */
export interface Interval {
  /** Of what ours saves. */
  saved: Range;
  /** Of that, by what the better of the other two saves. */
  ratio: Range;
}

/** The windows are drawn anew so many times. */
export const RESAMPLES = 1000;
const OUTSIDE = 0.05;
const SEED = 23;

/**
 * Draws as many windows as there are, with replacement, within each language, again and again; all methods type the same ones.
 * @param languages the windows of each
 */
export function interval(languages: readonly (readonly Typed[])[]): Interval {
  const random = seededRandom(SEED);
  const saved = new Float64Array(RESAMPLES);
  const ratios = new Float64Array(RESAMPLES);
  for (let i = 0; i < RESAMPLES; i++) {
    const drawn = languages.flatMap((windows) =>
      windows.map(() => windows[Math.floor(random() * windows.length)] as Typed),
    );
    const of = (method: keyof Typed): number => keystrokesSaved(sumOf(drawn.map((typed) => typed[method])));
    const [ours, words, ngram] = [of('ours'), of('words'), of('ngram')];
    saved[i] = ours;
    ratios[i] = ours / Math.max(words, ngram);
  }
  return { saved: middle(saved), ratio: middle(ratios) };
}

/** The range of what the first of each pair saves more than the second; the pairs are drawn anew, so both type the same windows. */
export function differenceInterval(pairs: readonly (readonly [Typing, Typing])[]): Range {
  const random = seededRandom(SEED);
  const differences = Float64Array.from({ length: RESAMPLES }, () => {
    const drawn = pairs.map(() => pairs[Math.floor(random() * pairs.length)] as readonly [Typing, Typing]);
    const saved = (which: 0 | 1): number => keystrokesSaved(sumOf(drawn.map((pair) => pair[which])));
    return saved(0) - saved(1);
  });
  return middle(differences);
}

/** The range without the lowest and the highest 2.5 %. */
function middle(figures: Float64Array): Range {
  const sorted = figures.toSorted();
  const cut = Math.floor((OUTSIDE / 2) * sorted.length);
  return [sorted[cut] as number, sorted[sorted.length - 1 - cut] as number];
}
