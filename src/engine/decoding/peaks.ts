// The largest logit of every block of a vocabulary, from one pass. Whoever looks for large logits afterwards skips the blocks that have none.

import { t } from '../../l10n';
import { EngineError } from '../errors';
import { sumOfWeights } from './exponential';

/** Logits in a block. */
const BLOCK = 256;

/** Logits and where the large ones are. */
export interface Peaks {
  /** [vocab] */
  logits: Float32Array;
  /** [block] the largest logit of each. */
  maxima: Float32Array;
  /** The largest of all; finite. */
  max: number;
}

/**
 * @param logits [vocab]
 * @throws EngineError `nan_logits` when one is not a number or +∞, or none is finite
 */
export function peaksOf(logits: Float32Array): Peaks {
  const maxima = new Float32Array(Math.ceil(logits.length / BLOCK));
  let max = -Infinity;
  for (let block = 0; block < maxima.length; block++) {
    const end = Math.min(logits.length, (block + 1) * BLOCK);
    let at = block * BLOCK;
    // Four maxima at once do not wait for each other. Math.max keeps a NaN, so one check at the end finds it.
    let [a, b, c, d] = [-Infinity, -Infinity, -Infinity, -Infinity];
    for (; at + 3 < end; at += 4) {
      a = Math.max(a, logits[at] as number);
      b = Math.max(b, logits[at + 1] as number);
      c = Math.max(c, logits[at + 2] as number);
      d = Math.max(d, logits[at + 3] as number);
    }
    for (; at < end; at++) a = Math.max(a, logits[at] as number);
    const largest = Math.max(Math.max(a, b), Math.max(c, d));
    maxima[block] = largest;
    max = Math.max(max, largest);
  }
  if (!Number.isFinite(max)) {
    throw new EngineError(
      'nan_logits',
      t(
        'The model returned values that are not numbers. The weights are damaged or do not fit the device: restore the model folder or set the device to cpu.',
      ),
    );
  }
  return { logits, maxima, max };
}

/** The first block from `block` on that has a logit of at least `least`, as [first id, last id + 1]; undefined after the last. */
export function nextBlock(
  { logits, maxima }: Peaks,
  block: number,
  least: number,
): { block: number; start: number; end: number } | undefined {
  for (let at = block; at < maxima.length; at++) {
    if ((maxima[at] as number) >= least)
      return { block: at, start: at * BLOCK, end: Math.min(logits.length, (at + 1) * BLOCK) };
  }
  return undefined;
}

/** A logit that at least `count` others reach or exceed, itself included: the count-th largest of the blocks' maxima, or −∞ where there are fewer. */
export function smallestOf({ maxima }: Peaks, count: number): number {
  return count > maxima.length ? -Infinity : (maxima.slice().sort()[maxima.length - count] as number);
}

/** More than all tokens farther than `distance` from the likeliest can weigh together; see `sumOfWeights`. @param scale one over the temperature */
export function weightBelow({ maxima, max }: Peaks, scale: number, distance: number): number {
  let most = 0;
  for (let block = 0; block < maxima.length; block++)
    most += BLOCK * Math.exp(-Math.max(distance, (max - (maxima[block] as number)) * scale));
  return most;
}

/** Index of the largest logit; the lowest index among equals. */
export function likeliest(peaks: Peaks): number {
  const { start = 0 } = nextBlock(peaks, 0, peaks.max) ?? {};
  return peaks.logits.indexOf(peaks.max, start);
}

/** At most `count` indices of the largest logits above −∞, largest first; of equal ones the lower index first. */
export function likeliestOf(peaks: Peaks, count: number): number[] {
  const { logits } = peaks;
  // No other block than those with the largest maxima can hold one of them; fewer blocks than `count`: all are looked at.
  const least = smallestOf(peaks, count);
  const found: number[] = [];
  for (let part = nextBlock(peaks, 0, least); part !== undefined; part = nextBlock(peaks, part.block + 1, least)) {
    for (let id = part.start; id < part.end; id++) {
      const logit = logits[id] as number;
      if (logit === -Infinity || logit < least) continue;
      if (found.length === count && logit <= (logits[found[count - 1] as number] as number)) continue;
      let at = found.length;
      while (at > 0 && (logits[found[at - 1] as number] as number) < logit) at--;
      found.splice(at, 0, id);
      if (found.length > count) found.pop();
    }
  }
  return found;
}

/** log softmax(logits)[id], in nats. */
export function logProbability({ logits, max }: Peaks, id: number): number {
  return (logits[id] as number) - max - Math.log(sumOfWeights(logits, max));
}
