// Decoding strategies by the book: everything sorted, everything normalised, double precision. Slow, and short enough to be read.

import type { Random } from '../../src/engine/random';
import type { Sampling } from '../../src/protocol';

interface Token {
  id: number;
  logit: number;
  /** Probability up to a factor; the likeliest token's is 1, so that equal tokens add up without rounding. */
  weight: number;
  probability: number;
}

/** Repetition penalty by its formula, in the precision of the logits. */
export function penalised(logits: Float32Array, ids: readonly number[], penalty: number): Float32Array {
  const standing = new Set(ids);
  return logits.map((logit, id) => (!standing.has(id) ? logit : logit < 0 ? logit * penalty : logit / penalty));
}

function normalised(tokens: Token[], temperature: number): Token[] {
  const max = tokens.reduce((largest, { logit }) => Math.max(largest, logit), -Infinity);
  const weights = tokens.map(({ logit }) => Math.exp((logit - max) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return tokens.map((token, i) => ({ ...token, weight: weights[i]!, probability: weights[i]! / total }));
}

/** The first tokens whose probabilities reach p. */
function untilReached(tokens: Token[], p: number): Token[] {
  const total = tokens.reduce((sum, { weight }) => sum + weight, 0);
  let sum = 0;
  const last = tokens.findIndex(({ weight }) => (sum += weight) >= p * total);
  return last < 0 ? tokens : tokens.slice(0, last + 1);
}

/** The filtered distribution, likeliest first, equal logits by id; filters in the order of the fields of `Sampling`. */
export function filtered(logits: Float32Array, sampling: Sampling, ids: readonly number[] = []): Token[] {
  const { repetitionPenalty = 1, temperature, topK, topP, minP = 0, typicalP = 1 } = sampling;
  const changed = penalised(logits, ids, repetitionPenalty);
  let tokens = Array.from(changed, (logit, id) => ({ id, logit, weight: 0, probability: 0 })).filter(
    ({ logit }) => logit > -Infinity,
  );
  tokens.sort((a, b) => b.logit - a.logit || a.id - b.id);
  tokens = normalised(tokens, temperature);
  if (topK > 0) tokens = normalised(tokens.slice(0, topK), temperature);
  if (topP < 1) tokens = normalised(untilReached(tokens, topP), temperature);
  if (minP > 0)
    tokens = normalised(
      tokens.filter(({ probability }) => probability >= minP * tokens[0]!.probability),
      temperature,
    );
  if (typicalP < 1) {
    const surprise = ({ probability }: Token): number => -Math.log(probability);
    const entropy = tokens.reduce(
      (sum, token) => sum + (token.probability > 0 ? token.probability * surprise(token) : 0),
      0,
    );
    const shift = (token: Token): number => Math.abs(surprise(token) - entropy);
    tokens = untilReached(
      [...tokens].sort((a, b) => shift(a) - shift(b) || a.id - b.id),
      typicalP,
    );
    tokens = normalised(tokens, temperature).sort((a, b) => b.logit - a.logit || a.id - b.id);
  }
  return tokens;
}

/** log softmax(logits)[id] */
export function logSoftmax(logits: Float32Array, id: number): number {
  const max = logits.reduce((largest, logit) => Math.max(largest, logit), -Infinity);
  return logits[id]! - max - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
}

/** One token, drawn from the sorted list. */
export function sampleSlowly(
  logits: Float32Array,
  sampling: Sampling,
  random: Random,
  ids: readonly number[] = [],
): { id: number; logprob: number } {
  const greedy = sampling.temperature === 0;
  const tokens = filtered(logits, greedy ? { ...sampling, temperature: 1, topK: 1 } : sampling, ids);
  let rest = random();
  const { id } = tokens.find(({ probability }) => (rest -= probability) < 0) ?? tokens.at(-1)!;
  return { id, logprob: logSoftmax(logits, id) };
}
