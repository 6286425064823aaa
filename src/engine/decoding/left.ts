// The tokens that are left while the filters of one step take theirs away: by id, each with its logit and its weight. The arrays are
// kept from step to step, so a step over a large vocabulary allocates nothing; what is left is valid until the next step begins.

import { writeWeights } from './exponential';
import { nextBlock, type Peaks } from './peaks';
import type { Cut } from './cut';

export class Left {
  /** [count], rising. */
  ids = new Int32Array(0);
  /** [count], finite. */
  logits = new Float64Array(0);
  /** [count] e^((logit − max) / temperature): probabilities up to a factor, the likeliest token's is 1. */
  weights = new Float64Array(0);
  count = 0;

  /** Begins a step with the tokens whose logit is finite and at least `least`; weights are not set yet. */
  gather(peaks: Peaks, least: number): void {
    const vocab = peaks.logits.length;
    if (this.ids.length < vocab) {
      this.ids = new Int32Array(vocab);
      this.logits = new Float64Array(vocab);
      this.weights = new Float64Array(vocab);
    }
    const { ids, logits } = this;
    const all = peaks.logits;
    const smallest = Math.max(least, -Number.MAX_VALUE);
    let count = 0;
    for (let span = nextBlock(peaks, 0, smallest); span; span = nextBlock(peaks, span.block + 1, smallest)) {
      for (let id = span.start; id < span.end; id++) {
        const logit = all[id] as number;
        ids[count] = id; // written over by the next one where it does not count
        logits[count] = logit;
        if (logit >= smallest) count++;
      }
    }
    this.count = count;
  }

  /** Sets the weights. @param scale one over the temperature @returns their sum */
  weigh(max: number, scale: number): number {
    return writeWeights(this.logits, this.count, max, scale, this.weights);
  }

  /** Sum of the weights. */
  mass(): number {
    const { weights, count } = this;
    let mass = 0;
    for (let i = 0; i < count; i++) mass += weights[i] as number;
    return mass;
  }

  /** Keeps the tokens whose value lies above the cut, and of those equal to it the first by id. @param values [count] */
  keep(values: Float64Array, { value: least, equal }: Cut): void {
    const { ids, logits, weights, count } = this;
    let kept = 0;
    let allowed = equal;
    for (let i = 0; i < count; i++) {
      const value = values[i] as number;
      ids[kept] = ids[i] as number; // written over by the next one where it is not kept
      logits[kept] = logits[i] as number;
      weights[kept] = weights[i] as number;
      if (value > least || (value === least && allowed-- > 0)) kept++;
    }
    this.count = kept;
  }
}
