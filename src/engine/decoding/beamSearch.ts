// Beam search: of all texts one token longer, the likeliest few go on (Lowerre 1976; with length penalty and n best as in Hugging Face
// transformers). It draws nothing and filters nothing: scores are sums of the model's own log-probabilities.

import { letMessagesIn, type ForwardModel } from '../generate';
import type { KvCache } from '../kvCache';
import { sumOfWeights } from './exponential';
import { Hypotheses, type EarlyStopping, type Hypothesis } from './hypotheses';
import { Left } from './left';
import { peaksOf } from './peaks';
import { gatherTopK } from './topK';

export interface BeamOptions {
  /** Ids to continue; at least one. */
  prompt: readonly number[];
  /** How many texts go on at every step; at least 1. */
  beams: number;
  /** How many texts are returned, at most `beams`. */
  nBest: number;
  maxTokens: number;
  /** Exponent of the length by which a sum of log-probabilities is divided: above 0 favours longer texts, 0 takes the sum as it is. */
  lengthPenalty: number;
  earlyStopping?: EarlyStopping;
  /** Ids that end a text. */
  eosIds: ReadonlySet<number>;
  signal: AbortSignal;
}

/** A token that may follow, and the logarithm of its probability. */
interface Step {
  id: number;
  logprob: number;
}

/** A text that goes on. */
interface Beam {
  ids: number[];
  logprobs: number[];
  /** Of the log-probabilities. */
  sum: number;
  cache: KvCache;
  steps: Step[];
}

/**
 * Finds the best continuations of the prompt. An abort takes effect before the next run.
 * @param cache is left with the prompt; every text has a branch of it
 * @returns best first; undefined when it was cancelled
 * @throws EngineError `nan_logits`, `inference_failed`
 */
export async function beamSearch(
  model: ForwardModel,
  cache: KvCache,
  { prompt, beams, nBest, maxTokens, lengthPenalty, earlyStopping = false, eosIds, signal }: BeamOptions,
): Promise<Hypothesis[] | undefined> {
  // So many that as many as there are beams go on even where every end comes first.
  const looked = Math.max(2, 1 + eosIds.size) * beams;
  let steps: Step[] = [];
  for (let start = cache.keepPrefix(prompt, prompt.length - 1), end = 0; start < prompt.length; start = end) {
    await letMessagesIn();
    if (signal.aborted) return undefined;
    end = Math.min(prompt.length, start + model.chunk);
    steps = likeliestSteps(await model.forward(prompt.slice(start, end), cache), looked);
  }

  const finished = new Hypotheses(beams, lengthPenalty, earlyStopping, maxTokens);
  let running: Beam[] = [{ ids: [], logprobs: [], sum: 0, cache, steps }];
  const branches = new Set<KvCache>();
  try {
    for (let length = 1; ; length++) {
      const next: Longer[] = [];
      for (const [rank, longer] of best(running, looked).entries()) {
        const { from, id, logprob } = longer;
        const ends = eosIds.has(id);
        if (!ends && length < maxTokens) {
          if (next.length < beams) next.push(longer);
        } else if (rank < beams) {
          const ids = ends ? from.ids : [...from.ids, id];
          finished.add({ ids, logprobs: [...from.logprobs, logprob], finish: ends ? 'eos' : 'length' });
        }
      }
      const [first] = next;
      if (first === undefined || finished.isFull(first.sum, length)) return finished.best.slice(0, nBest);

      const before = [...branches];
      running = [];
      for (const { from, id, logprob, sum } of next) {
        await letMessagesIn();
        if (signal.aborted) return undefined;
        const branch = from.cache.branch();
        branches.add(branch);
        const after = likeliestSteps(await model.forward([id], branch), looked);
        running.push({
          ids: [...from.ids, id],
          logprobs: [...from.logprobs, logprob],
          sum,
          cache: branch,
          steps: after,
        });
      }
      for (const branch of before) {
        branch.dispose();
        branches.delete(branch);
      }
    }
  } finally {
    for (const branch of branches) branch.dispose();
  }
}

/** A text one token longer. */
interface Longer extends Step {
  from: Beam;
  sum: number;
}

/** The likeliest `count` of all texts one token longer; of equal ones, that of the better beam first, then that of the lower id. */
function best(running: readonly Beam[], count: number): Longer[] {
  return running
    .flatMap((from) => from.steps.map((step): Longer => ({ ...step, from, sum: from.sum + step.logprob })))
    .sort((a, b) => b.sum - a.sum)
    .slice(0, count);
}

const left = new Left();

/** The likeliest `count` tokens, by id. @param logits [vocab] */
function likeliestSteps(logits: Float32Array, count: number): Step[] {
  const peaks = peaksOf(logits);
  const logSum = Math.log(sumOfWeights(logits, peaks.max));
  gatherTopK(left, peaks, count);
  return Array.from({ length: left.count }, (_, i) => ({
    id: left.ids[i] as number,
    logprob: (left.logits[i] as number) - peaks.max - logSum,
  }));
}
