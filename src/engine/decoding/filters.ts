// The order of the filters, in one place. It is that of Hugging Face transformers:
//   repetition penalty (in sampler.ts, for it holds at temperature 0 too), temperature, top-k, top-p, min-p, typical.
// Each works on what the one before has left. Top-k comes before the temperature here: it keeps the same tokens, and there is less to weigh.

import type { Sampling } from '../../protocol';
import { FARTHEST } from './exponential';
import { Left } from './left';
import { farthestMinP, keepMinP } from './minP';
import type { Peaks } from './peaks';
import { gatherTopK } from './topK';
import { gatherTopP, keepTopP } from './topP';
import { keepTypical } from './typical';

/** One step at a time, and never two at once. */
const left = new Left();

/**
 * The tokens that survive all filters, weighed; valid until the next call. Where neither top-k nor top-p is set, tokens less than e^−50
 * times as probable as the likeliest are left out: all of them together hold less than the rounding of a sum.
 * @param sampling its temperature is not 0
 */
export function survivors(peaks: Peaks, { temperature, topK, topP, minP = 0, typicalP = 1 }: Sampling): Left {
  const { logits, max } = peaks;
  const scale = Math.min(1 / temperature, Number.MAX_VALUE);
  if (topK > 0 && topK < logits.length) {
    gatherTopK(left, peaks, topK);
    left.weigh(max, scale);
    if (topP < 1) keepTopP(left, topP);
  } else if (topP < 1) {
    gatherTopP(left, peaks, scale, topP);
  } else {
    left.gather(peaks, max - (minP > 0 ? farthestMinP(minP) : FARTHEST) / scale);
    left.weigh(max, scale);
  }
  if (minP > 0) keepMinP(left, minP);
  if (typicalP < 1) keepTypical(left, max, scale, typicalP);
  return left;
}
