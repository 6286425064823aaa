// The loop: prefill, sample, decode. Token ids in, token ids out; it does not know text or where a suggestion ends.

import type { Sampling } from '../protocol';
import type { CopyText } from './copying';
import type { Typed } from './healing';
import type { KvCache } from './kvCache';
import { seededRandom } from './random';
import { sample, type Sampled } from './sampler';

/** What the loop needs of a model. */
export interface ForwardModel {
  /** Most tokens to run at once. */
  readonly chunk: number;
  /** Runs ids after what the cache holds; returns the logits [vocab] after the last. */
  forward(ids: readonly number[], cache: KvCache): Promise<Float32Array>;
}

export interface GenerateOptions {
  /** Ids to continue; at least one. */
  prompt: readonly number[];
  /** What stands behind the prompt already: written first, and not counted. */
  typed?: Typed;
  /** Given: the text so far, which has a say beside the model; what is generated is added to it. */
  copying?: CopyText;
  maxTokens: number;
  /** The text does not end before it has this many tokens. */
  minTokens: number;
  sampling: Sampling;
  /** Ids that end the text; they are not yielded. */
  eosIds: ReadonlySet<number>;
  signal: AbortSignal;
  /** Told once how many tokens of the prompt were still in the cache. */
  onReuse?: (tokens: number) => void;
}

/**
 * Yields the tokens that follow the prompt. A token is yielded before the next run is paid for, so a consumer that stops
 * pays for nothing more. An abort takes effect before the next run: within one token or one chunk of the prompt.
 * @returns why it ended
 */
export async function* generate(
  model: ForwardModel,
  cache: KvCache,
  options: GenerateOptions,
): AsyncGenerator<Sampled, 'eos' | 'length' | 'cancelled'> {
  const { prompt, typed, copying, maxTokens, minTokens, sampling, eosIds, signal } = options;
  // 1) keep what the cache shares with the prompt; the last token must run again, for its logits
  const reused = cache.keepPrefix(prompt, prompt.length - 1);
  options.onReuse?.(reused);

  // 2) prefill the rest in chunks
  let logits: Float32Array | undefined;
  for (let start = reused; start < prompt.length; start += model.chunk) {
    await letMessagesIn();
    if (signal.aborted) return 'cancelled';
    logits = await model.forward(prompt.slice(start, start + model.chunk), cache);
  }

  // 3) sample, yield, decode
  const random = seededRandom(sampling.seed);
  for (let written = 0; ;) {
    const limits =
      typed?.done === false ? { allowed: typed.allowed() } : written < minTokens ? { forbidden: eosIds } : {};
    const own = logits as Float32Array;
    const next = sample(copying === undefined ? own : copying.mix(own), sampling, random, { ...limits, own });
    if (eosIds.has(next.id)) return 'eos';
    if (typed === undefined || typed.done || typed.take(next.id)) written++;
    copying?.push(next.id);
    yield next;
    await letMessagesIn();
    if (signal.aborted) return 'cancelled';
    if (written >= maxTokens) return 'length';
    logits = await model.forward([next.id], cache);
  }
}

/** A run blocks the thread; between two of them the event loop must turn once so that a cancel can arrive. */
function letMessagesIn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
