// Top-p, the nucleus (Holtzman et al. 2020, arXiv:1904.09751): the smallest set of likeliest tokens whose probability reaches p; of
// equal ones the lower id first.

import { cutAt, type Cut } from './cut';
import { FARTHEST, sumOfWeights } from './exponential';
import type { Left } from './left';
import { weightBelow, type Peaks } from './peaks';

/** Tokens less than e^−NEAR times as probable as the likeliest are first looked at from afar. */
const NEAR = 12;
/** More than any rounding of a distance. */
const SLACK = 1e-6;

/** Keeps the nucleus of what is left, weights set. @param total weight of all tokens among which p counts */
export function keepTopP(left: Left, p: number, total = left.mass()): void {
  left.keep(left.logits, nucleusEnd(left, p * total));
}

/**
 * Begins a step with the nucleus of all tokens, weights set. What p counts among is the weight of all, and to add that up is most of the
 * work; but where the nucleus ends at the same token whatever the far tokens weigh, from nothing to the most they can, it need not be known.
 * @param scale one over the temperature
 */
export function gatherTopP(left: Left, peaks: Peaks, scale: number, p: number): void {
  const { logits, max } = peaks;
  left.gather(peaks, max - NEAR / scale);
  const near = left.weigh(max, scale);
  const far = left.count === logits.length ? 0 : weightBelow(peaks, scale, NEAR);
  const end = nucleusEnd(left, p * near);
  if (far > 0 && (p * (near + far) > near || !isSame(end, nucleusEnd(left, p * (near + far))))) {
    const total = sumOfWeights(logits, max, scale);
    // Tokens below (1 − p) / vocab hold together less than 1 − p: none of them is in the nucleus.
    const farthest = Math.min(FARTHEST, Math.log(logits.length / (1 - p) / total) + SLACK);
    left.gather(peaks, max - farthest / scale);
    left.weigh(max, scale);
    keepTopP(left, p, total);
  } else {
    left.keep(left.logits, end);
  }
}

function nucleusEnd(left: Left, wanted: number): Cut {
  return cutAt(left.logits, left.weights, left.count, wanted);
}

function isSame(a: Cut, b: Cut): boolean {
  return a.value === b.value && a.equal === b.equal;
}
