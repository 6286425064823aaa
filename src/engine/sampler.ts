// Logits → the next token. Pure; the randomness is passed in. Filters apply as in Hugging Face transformers:
// temperature, then top-k, then top-p.

import type { Sampling } from '../protocol';
import { EngineError } from './errors';
import type { Random } from './random';

/** A drawn token. */
export interface Sampled {
  id: number;
  /** Natural logarithm of its probability under the model itself, before temperature and filters. */
  logprob: number;
  /**
   * The logarithm of its probability given that it is one of those allowed, under the logits that were drawn from, before temperature and
   * filters: equal to `logprob` where all are allowed and nothing but the model has a say.
   */
  conditional: number;
}

/** Limits on what may be drawn. */
export interface Limits {
  /** Ids that must not be drawn. */
  forbidden?: ReadonlySet<number>;
  /** The only ids that may be drawn; at least one. */
  allowed?: readonly number[];
  /** [vocab] The model's own logits, where those given were changed. */
  own?: Float32Array;
}

/**
 * The tokens that survive the filters and their probabilities, which sum to 1: likeliest first (equal logits: lower id first), or by id
 * where there is no filter.
 */
export interface Candidates {
  ids: number[];
  probabilities: number[];
}

/**
 * Draws the next token.
 * @param logits [vocab]
 * @throws EngineError `nan_logits` when the model's output holds no usable number
 */
export function sample(
  logits: Float32Array,
  sampling: Sampling,
  random: Random,
  { forbidden, allowed, own = logits }: Limits = {},
): Sampled {
  const left =
    allowed !== undefined ? only(logits, allowed) : forbidden !== undefined ? without(logits, forbidden) : logits;
  const id = sampling.temperature === 0 ? argmax(left) : draw(candidates(left, sampling), random);
  const logprob = logProbability(own, id);
  const drawnFrom = allowed === undefined ? logits : left;
  return { id, logprob, conditional: drawnFrom === own ? logprob : logProbability(drawnFrom, id) };
}

function logProbability(logits: Float32Array, id: number): number {
  return (logits[id] as number) - logSumExp(logits, logits[argmax(logits)] as number);
}

function without(logits: Float32Array, forbidden: ReadonlySet<number>): Float32Array {
  const left = logits.slice();
  for (const id of forbidden) left[id] = -Infinity;
  return left;
}

function only(logits: Float32Array, allowed: readonly number[]): Float32Array {
  const left = new Float32Array(logits.length).fill(-Infinity);
  for (const id of allowed) left[id] = logits[id] as number;
  return left;
}

/** Index of the largest logit; the lowest index among equals. */
export function argmax(logits: Float32Array): number {
  let best = -1;
  let bestLogit = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] as number;
    if (logit > bestLogit) {
      bestLogit = logit;
      best = id;
    } else if (Number.isNaN(logit)) {
      best = -1;
      break;
    }
  }
  if (best < 0 || bestLogit === Infinity) {
    throw new EngineError(
      'nan_logits',
      'The model returned values that are not numbers. The weights are damaged or do not fit the device: restore the model folder or set the device to cpu.',
    );
  }
  return best;
}

/** log Σ exp(logit), computed relative to the largest logit so that nothing overflows. */
export function logSumExp(logits: Float32Array, max: number): number {
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp((logits[id] as number) - max);
  return max + Math.log(sum);
}

/**
 * The filtered distribution. Top-k keeps the k largest logits. Top-p ("nucleus", Holtzman et al. 2020, arXiv:1904.09751)
 * keeps the smallest set of likeliest tokens whose probability reaches p.
 *
 * Only a few tokens are sorted: those below (1 − p) / vocab hold together less than 1 − p, so none of them is in the nucleus.
 * @param logits [vocab]; temperature must not be 0
 */
export function candidates(logits: Float32Array, { temperature, topK, topP }: Sampling): Candidates {
  const max = logits[argmax(logits)] as number;
  const weights = new Float64Array(logits.length); // [vocab], exp((logit − max) / temperature)
  let total = 0;
  for (let id = 0; id < logits.length; id++)
    total += weights[id] = Math.exp(((logits[id] as number) - max) / temperature);

  let ids: number[];
  if (topK > 0 && topK < logits.length) {
    ids = sortByWeight(idsAtLeast(weights, kthLargest(weights, topK)), weights).slice(0, topK);
    total = sum(ids, weights);
  } else if (topP < 1) {
    ids = sortByWeight(idsAtLeast(weights, ((1 - topP) / logits.length) * total), weights);
  } else {
    ids = Array.from(weights.keys()); // all of them; nothing depends on their order
  }
  if (topP < 1) {
    let reached = 0;
    const size = ids.findIndex((id) => (reached += weights[id] as number) >= topP * total);
    if (size >= 0) ids = ids.slice(0, size + 1);
    total = sum(ids, weights);
  }
  return { ids, probabilities: ids.map((id) => (weights[id] as number) / total) };
}

function draw({ ids, probabilities }: Candidates, random: Random): number {
  let left = random();
  for (let i = 0; i < ids.length; i++) {
    left -= probabilities[i] as number;
    if (left < 0) return ids[i] as number;
  }
  return ids[ids.length - 1] as number; // rounding left a crumb
}

/** The k-th largest weight: a heap of the k largest so far, its smallest on top. */
function kthLargest(weights: Float64Array, k: number): number {
  const heap = weights.slice(0, k).sort(); // a sorted array is a heap
  for (let id = k; id < weights.length; id++) {
    const weight = weights[id] as number;
    if (weight <= (heap[0] as number)) continue;
    let at = 0;
    for (let child = 1; child < k; child = 2 * at + 1) {
      if (child + 1 < k && (heap[child + 1] as number) < (heap[child] as number)) child++;
      if ((heap[child] as number) >= weight) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = weight;
  }
  return heap[0] as number;
}

function idsAtLeast(weights: Float64Array, threshold: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < weights.length; id++) if ((weights[id] as number) >= threshold) ids.push(id);
  return ids;
}

function sortByWeight(ids: number[], weights: Float64Array): number[] {
  return ids.sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);
}

function sum(ids: number[], weights: Float64Array): number {
  let total = 0;
  for (const id of ids) total += weights[id] as number;
  return total;
}
