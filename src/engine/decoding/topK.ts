// Top-k (Fan et al. 2018, arXiv:1805.04833): the k likeliest tokens; of equal ones the lower id first.

import { cutAt } from './cut';
import type { Left } from './left';
import { smallestOf, type Peaks } from './peaks';

/** Begins a step with the k likeliest tokens; fewer where fewer logits are finite. Weights are not set. @param k from 1 to vocab */
export function gatherTopK(left: Left, peaks: Peaks, k: number): void {
  left.gather(peaks, smallestOf(peaks, k));
  if (left.count <= k) return;
  left.weights.fill(1, 0, left.count); // each counts one
  left.keep(left.logits, cutAt(left.logits, left.weights, left.count, k));
}
