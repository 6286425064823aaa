// How much of what a completion looked at lay on each token. Pure.

import type { DrawnAnswer } from '../../inspectionProtocol';

export interface Share {
  /** In [0, 1]: mean over the generated tokens, and over layers and heads. */
  share: number;
  /** 1: no other counted token drew more. */
  rank: number;
}

/**
 * The share of one key in what the generated tokens drew: the mean of their weights on it.
 * @param counted whether a key counts for the rank: tokens of the frame have no place where people could look at them
 * @returns undefined where no token was generated after the key
 */
export function shareOf(
  { from, n, weights }: DrawnAnswer,
  key: number,
  counted: (key: number) => boolean,
): Share | undefined {
  const sums = new Float64Array(n);
  let at = 0;
  for (let position = from; position < n; position++)
    for (let each = 0; each < position; each++) sums[each] = (sums[each] as number) + (weights[at++] as number);
  const own = sums[key];
  if (own === undefined || n <= from || key >= n - 1) return undefined;
  let rank = 1;
  sums.forEach((sum, other) => {
    if (sum > own && counted(other)) rank++;
  });
  return { share: own / (n - from), rank };
}
