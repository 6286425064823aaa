// The loop: prefill, sample, decode. Token ids in, token ids out; it does not know text, where a suggestion ends, or what is guessed ahead.

import type { Sampling } from '../protocol';
import type { CopyText } from './copying';
import type { Typed } from './healing';
import type { KvCache } from './kvCache';
import { Lookahead, type Drafter, type RunCounts } from './lookahead';
import { seededRandom } from './random';
import type { Wanted } from './runner';
import { sample, type Sampled } from './sampler';

/** What the loop needs of a model. */
export interface ForwardModel {
  /** Most tokens to run at once. */
  readonly chunk: number;
  /**
   * Runs ids after what the cache holds.
   * @param wanted the logits to return, [rows, vocab]: 'last', the default, after the last id; a number, after so many last ids; 'all', after each
   */
  forward(ids: readonly number[], cache: KvCache, wanted?: Wanted): Promise<Float32Array>;
}

export interface GenerateOptions {
  /** Ids to continue; at least one. */
  prompt: readonly number[];
  /** What stands behind the prompt already: written first, and not counted. */
  typed?: Typed;
  /** Given: tokens that come first, whatever would be drawn; they run together with the prompt. */
  begun?: readonly Sampled[];
  /** Of so many tokens after those, the likeliest others are told, too; 0, the default: of none. */
  branching?: { tokens: number; others: number };
  /** Given: the text so far, which has a say beside the model; what is generated is added to it. */
  copying?: CopyText;
  /** Given: tokens are guessed, and several checked in one run. What is yielded is the same, up to rounding. */
  drafts?: Drafter;
  maxTokens: number;
  /** Given: the cache holds at most so many tokens, and what lies in its middle goes when it is full (sliding.ts). */
  window?: number;
  /** The text does not end before it has this many tokens. */
  minTokens: number;
  sampling: Sampling;
  /** Ids that end the text; they are not yielded. */
  eosIds: ReadonlySet<number>;
  signal: AbortSignal;
  /** Told once how many tokens of the prompt, and of what comes first, were still in the cache. */
  onReuse?: (tokens: number) => void;
  /** Counts what was run, as it is run. */
  counts?: RunCounts;
}

/**
 * Yields the tokens that follow the prompt. A token is yielded before the next run is paid for, so a consumer that stops
 * pays for nothing more. An abort takes effect before the next run: within one run for tokens or one chunk of the prompt.
 * The cache is left with what was run: the prompt, the tokens, and with `drafts` perhaps a guess at more of them.
 * @returns why it ended
 */
export async function* generate(
  model: ForwardModel,
  cache: KvCache,
  options: GenerateOptions,
): AsyncGenerator<Sampled, 'eos' | 'length' | 'cancelled'> {
  const { prompt, typed, copying, drafts, maxTokens, minTokens, sampling, eosIds, signal, begun = [] } = options;
  const ids = [...prompt];
  let written = 0;
  const take = ({ id }: Sampled): void => {
    if (typed === undefined || typed.done || typed.take(id)) written++;
    ids.push(id);
    copying?.push(id);
    drafts?.push(id);
  };
  // 1) what comes first; then keep what the cache shares with all that; the last token must run again, for its logits
  for (const token of begun) {
    take(token);
    yield token;
  }
  if (written >= maxTokens) return 'length';
  const reused = cache.keepPrefix(ids, ids.length - 1);
  options.onReuse?.(reused);

  // 2) prefill the rest in chunks
  const ahead = new Lookahead(
    model,
    cache,
    drafts,
    options.counts ?? { runs: 0, drafted: 0, accepted: 0 },
    options.window,
  );
  for (let start = reused, end = 0; start < ids.length; start = end) {
    await letMessagesIn();
    if (signal.aborted) return 'cancelled';
    end = Math.min(ids.length, start + model.chunk);
    await ahead.run(ids.slice(start, end), end === ids.length ? maxTokens - written - 1 : 0, typed);
  }

  // 3) sample, yield, decode
  const random = seededRandom(sampling.seed);
  const first = ids.length;
  const { tokens: most, others: wanted } = options.branching ?? { tokens: 0, others: 0 };
  try {
    for (;;) {
      const others = ids.length - first < most ? wanted : 0;
      const limits =
        typed?.done === false ? { allowed: typed.allowed() } : written < minTokens ? { forbidden: eosIds } : {};
      const own = ahead.logits;
      const next = sample(copying === undefined ? own : copying.mix(own), sampling, random, {
        ...limits,
        own,
        ids,
        others,
      });
      if (eosIds.has(next.id)) return 'eos';
      take(next);
      const known = ahead.take(next.id);
      yield next;
      await letMessagesIn();
      if (signal.aborted) return 'cancelled';
      if (written >= maxTokens) return 'length';
      if (!known) await ahead.run([next.id], maxTokens - written - 1, typed);
    }
  } finally {
    if (!signal.aborted) ahead.end();
  }
}

/** A run blocks the thread; between two of them the event loop must turn once so that a cancel can arrive. */
export function letMessagesIn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
