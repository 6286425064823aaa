// Min-p (Nguyen et al. 2024, arXiv:2407.01082): the tokens at least p times as probable as the likeliest.

import { FARTHEST } from './exponential';
import type { Left } from './left';

/** A weight is the ratio to the likeliest token's, which no filter before takes away. */
export function keepMinP(left: Left, p: number): void {
  left.keep(left.weights, { value: p, equal: left.count });
}

/** No token at a larger distance, −log weight, is kept; a little more, so that rounding takes none away. @param p above 0 */
export function farthestMinP(p: number): number {
  return Math.min(FARTHEST, 1e-6 - Math.log(p));
}
