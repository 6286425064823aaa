// What kind of head one is: scores and thresholds. Pure.
//
// Score of a class = Σ p(q, k) over the pattern's keys / Σ p(q, k) over all keys k ≥ 1, both over the queries whose pattern is not empty.
// That is the measure `mul` of the head detector of TransformerLens (transformer_lens/head_detector.py) with `exclude_bos`, but for two
// things. Queries that have nothing to find do not count: a head that finds every bracket is no worse at it in a text with few of them.
// And the divisor is at least a tenth of the number of queries: a head that rests on position 0 with all but a hundredth of its weight
// says little by where that hundredth goes. Sums are divided, not rows, for the same reason.
//
// `first` is the mean weight on position 0 over q ≥ 1; `broad` how evenly the rest is spread (`FigureSums.spread`).

import type { FigureSums } from './figures';
import { PATTERN_CLASSES, type PatternClass, type Patterns } from './patterns';
import { fromU16, rowStart, type LayerTriangles } from './weights';

/** The order of scores wherever they are listed. */
export const HEAD_CLASSES = [...PATTERN_CLASSES, 'broad'] as const;
export type HeadClass = (typeof HEAD_CLASSES)[number];

/** A head is said to be of a class from this score on, if that is also `LEAST_OVER_CHANCE` times what looking everywhere alike would get. */
export const THRESHOLDS: Readonly<Record<HeadClass, number>> = {
  previous: 0.4,
  first: 0.9,
  self: 0.4,
  duplicate: 0.3,
  induction: 0.3,
  bracket: 0.3,
  identifier: 0.3,
  indentation: 0.3,
  local: 0.6,
  broad: 0.8,
};
export const LEAST_OVER_CHANCE = 2;

/** The least weight beside position 0, as a mean over queries, that a score is a share of. */
const LEAST_BESIDE = 0.1;
/** By what is asked first: what is said more narrowly says more. A head that finds few things rests on position 0 between them. */
const RANKS: readonly (readonly HeadClass[])[] = [
  ['previous', 'self', 'duplicate', 'induction', 'bracket', 'identifier', 'indentation'],
  ['local'],
  ['first'],
  ['broad'],
];

/**
 * The class of a head: the first of the ranks narrow patterns, `local`, `first`, `broad` in which one reaches its threshold; of several the
 * one that exceeds it most.
 * @param scores its scores from index `at` on, in the order of `HEAD_CLASSES`
 * @param chance [class] what `chanceLevels` says of the text; without it, thresholds alone decide
 */
export function classify(scores: ArrayLike<number>, at = 0, chance: ArrayLike<number> = []): HeadClass | undefined {
  for (const rank of RANKS) {
    const excess = rank.map((name) => {
      const index = HEAD_CLASSES.indexOf(name);
      const score = scores[at + index] ?? 0;
      const byChance = name === 'broad' ? 0 : (chance[index] ?? 0);
      return score < LEAST_OVER_CHANCE * byChance ? 0 : score / THRESHOLDS[name];
    });
    const most = Math.max(...excess);
    if (most >= 1) return rank[excess.indexOf(most)];
  }
  return undefined;
}

/** [class]: the score of a head that looks at all keys alike, position 0 aside; of `broad` that is 1. */
export function chanceLevels(patterns: Patterns): Float32Array<ArrayBuffer> {
  const levels = new Float32Array(HEAD_CLASSES.length).fill(1);
  PATTERN_CLASSES.forEach((name, index) => {
    const { starts } = patterns[name];
    let [sum, queries] = [0, 0];
    for (let q = 1; q + 1 < starts.length; q++) {
      const keys = (starts[q + 1] as number) - (starts[q] as number);
      if (keys === 0) continue;
      sum += keys / (name === 'first' ? q + 1 : q);
      queries++;
    }
    levels[index] = queries === 0 ? 0 : sum / queries;
  });
  return levels;
}

/** The scores of all heads, [layer, head, class]. @param sums of all rows of these triangles */
export function classScores(
  layers: LayerTriangles,
  n: number,
  patterns: Patterns,
  sums: FigureSums,
): Float32Array<ArrayBuffer> {
  const heads = layers.flat();
  const scores = new Float32Array(heads.length * HEAD_CLASSES.length);
  const { sink } = sums.figures();
  const spread = sums.spread();
  heads.forEach((triangle, head) => {
    const beside = sums.beside(head);
    HEAD_CLASSES.forEach((name, index) => {
      scores[head * HEAD_CLASSES.length + index] =
        name === 'first'
          ? (sink[head] as number)
          : name === 'broad'
            ? (spread[head] as number)
            : patternScore(triangle, n, beside, patterns, name);
    });
  });
  return scores;
}

function patternScore(
  triangle: Uint16Array,
  n: number,
  beside: Float32Array,
  patterns: Patterns,
  name: PatternClass,
): number {
  const { starts, keys } = patterns[name];
  let [found, whole, queries] = [0, 0, 0];
  for (let q = 1; q < Math.min(n, starts.length - 1); q++) {
    const [from, to] = [starts[q] as number, starts[q + 1] as number];
    if (from === to) continue;
    const row = rowStart(q);
    for (let i = from; i < to; i++) {
      const w = triangle[row + (keys[i] as number)] as number;
      found += w * w;
    }
    whole += beside[q] as number;
    queries++;
  }
  return queries > 0 ? Math.min(1, (found * fromU16(1)) / Math.max(whole, LEAST_BESIDE * queries)) : 0;
}
