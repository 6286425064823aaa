// Locally typical sampling (Meister et al. 2023, arXiv:2202.00666): the smallest set of tokens, those first whose surprise is nearest to
// the entropy, whose probability reaches p; of equally near ones the lower id first.

import { cutAt } from './cut';
import type { Left } from './left';

/** [count] */
let nearness = new Float64Array(0);

/**
 * With distance d = −log weight, a token's surprise is d + log Σ weights and the entropy is E[d] + log Σ weights: their difference is d − E[d].
 * @param scale one over the temperature
 */
export function keepTypical(left: Left, max: number, scale: number, p: number): void {
  if (nearness.length < left.count) nearness = new Float64Array(left.ids.length);
  const { logits, weights, count } = left;
  let total = 0;
  let mean = 0;
  for (let i = 0; i < count; i++) {
    // finite, whatever the temperature
    const distance = Math.min((max - (logits[i] as number)) * scale, Number.MAX_VALUE / 4);
    nearness[i] = distance;
    total += weights[i] as number;
    if ((weights[i] as number) > 0) mean += (weights[i] as number) * distance;
  }
  mean /= total;
  for (let i = 0; i < count; i++) nearness[i] = -Math.abs((nearness[i] as number) - mean);
  left.keep(nearness, cutAt(nearness, weights, count, p * total));
}
