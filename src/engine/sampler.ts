// Logits → the next token. Pure; the randomness is passed in. What may be drawn is limited here, what is worth drawing by decoding/filters.ts.

import type { Sampling } from '../protocol';
import { survivors } from './decoding/filters';
import type { Left } from './decoding/left';
import { likeliest, likeliestOf, logProbability, peaksOf } from './decoding/peaks';
import { sumOfWeights } from './decoding/exponential';
import { penaliseRepetition } from './decoding/repetitionPenalty';
import type { Random } from './random';

/** A token that might be drawn. */
export interface Choice {
  id: number;
  /** Natural logarithm of its probability under the model itself, before temperature and filters. */
  logprob: number;
  /**
   * The logarithm of its probability given that it is one of those allowed, under the logits that were drawn from, before temperature and
   * filters: equal to `logprob` where all are allowed and nothing but the model has a say.
   */
  conditional: number;
}

/** A drawn token. */
export interface Sampled extends Choice {
  /** The likeliest others that were allowed, likeliest first, where they were asked for. */
  others?: readonly Choice[];
}

/** Limits on what may be drawn, and what is known of the text. */
export interface Limits {
  /** Ids that must not be drawn. */
  forbidden?: ReadonlySet<number>;
  /** The only ids that may be drawn; at least one. */
  allowed?: readonly number[];
  /** [vocab] The model's own logits, where those given were changed. */
  own?: Float32Array;
  /** The text so far, prompt included; a repetition penalty counts from it. */
  ids?: readonly number[];
  /** So many of the likeliest others are wanted; 0, the default: none. */
  others?: number;
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
  { forbidden, allowed, own = logits, ids, others = 0 }: Limits = {},
): Sampled {
  const changed = limited(logits, sampling, { forbidden, allowed, ids });
  const peaks = peaksOf(changed);
  const id = sampling.temperature === 0 ? likeliest(peaks) : draw(survivors(peaks, sampling), random);
  const logprob = logProbability(own === changed ? peaks : peaksOf(own), id);
  const conditional =
    allowed !== undefined
      ? logShare(logits, new Set(allowed), id)
      : own === logits
        ? logprob
        : logProbability(peaksOf(logits), id);
  if (others === 0) return { id, logprob, conditional };
  const [ownTotal, total] = [(own[id] as number) - logprob, (logits[id] as number) - conditional];
  const found = likeliestOf(peaks, others + 1)
    .filter((other) => other !== id)
    .slice(0, others)
    .map((other) => ({
      id: other,
      logprob: (own[other] as number) - ownTotal,
      conditional: (logits[other] as number) - total,
    }));
  return { id, logprob, conditional, others: found };
}

/** Index of the largest logit; the lowest index among equals. @throws EngineError `nan_logits` */
export function argmax(logits: Float32Array): number {
  return likeliest(peaksOf(logits));
}

/** log Σ exp(logit), computed relative to the largest logit so that nothing overflows. */
export function logSumExp(logits: Float32Array, max: number): number {
  return max + Math.log(sumOfWeights(logits, max));
}

/**
 * The filtered distribution, in the order and by the definitions of decoding/filters.ts.
 * @param logits [vocab]
 * @param sampling its temperature is not 0
 * @param ids the text so far, for a repetition penalty
 * @throws EngineError `nan_logits`
 */
export function candidates(logits: Float32Array, sampling: Sampling, ids?: readonly number[]): Candidates {
  const peaks = peaksOf(limited(logits, sampling, { ids }));
  const left = survivors(peaks, sampling);
  const mass = left.mass();
  const order = Array.from({ length: left.count }, (_, i) => i);
  if (left.count < logits.length)
    order.sort((a, b) => (left.logits[b] as number) - (left.logits[a] as number) || a - b);
  return {
    ids: order.map((i) => left.ids[i] as number),
    probabilities: order.map((i) => (left.weights[i] as number) / mass),
  };
}

function draw(left: Left, random: Random): number {
  let rest = random() * left.mass();
  for (let i = 0; i < left.count; i++) {
    rest -= left.weights[i] as number;
    if (rest < 0) return left.ids[i] as number;
  }
  return left.ids[left.count - 1] as number; // rounding left a crumb
}

/** [vocab] A copy that is changed; kept from step to step. */
let copy = new Float32Array(0);

/** The logits after the repetition penalty, those that must not be drawn at −∞; the ones given where nothing changes. */
function limited(
  logits: Float32Array,
  { repetitionPenalty = 1 }: Sampling,
  { forbidden, allowed, ids }: { [Name in 'forbidden' | 'allowed' | 'ids']?: Limits[Name] | undefined },
): Float32Array {
  const penalised = repetitionPenalty !== 1 && ids !== undefined;
  if (!penalised && forbidden === undefined && allowed === undefined) return logits;
  if (copy.length !== logits.length) copy = new Float32Array(logits.length);
  copy.set(logits);
  if (penalised) penaliseRepetition(logits, ids, repetitionPenalty, copy);
  if (allowed !== undefined) {
    const values = allowed.map((id) => copy[id] as number);
    copy.fill(-Infinity);
    allowed.forEach((id, i) => (copy[id] = values[i] as number));
  } else if (forbidden !== undefined) {
    for (const id of forbidden) copy[id] = -Infinity;
  }
  return copy;
}

/** The logarithm of a token's probability given that it is one of some. */
function logShare(logits: Float32Array, among: ReadonlySet<number>, id: number): number {
  const values = Float32Array.from(among, (one) => logits[one] as number);
  const { max } = peaksOf(values);
  return (logits[id] as number) - logSumExp(values, max);
}
