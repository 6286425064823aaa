// Work that nobody waits for: the prompt that is likely to come next goes into the cache before it is asked for.
//
// It takes no more than half of the processor, by resting between two runs as long as the run took. Lowering the priority of the
// process would be the usual way, but it is none here: on Linux and macOS an unprivileged process may lower its priority and not
// raise it again, so that every later request would stay slow; and on Linux it counts for the calling thread alone, not for the
// threads that compute.

import { setTimeout as pause } from 'node:timers/promises';
import type { ForwardModel } from './generate';
import type { KvCache } from './kvCache';

/** Most tokens of a run, and at most half a chunk: a keystroke waits until the run that it meets has ended. */
const IDLE_CHUNK = 32;

/**
 * Brings the keys and values of `prompt` into the cache, in short runs. An abort takes effect within one of them, and at once
 * between two; what was computed until then stays.
 * @param urgent somebody waits: long runs, without a rest between them
 * @returns how many tokens the cache held already, and whether all of them are there now
 * @throws EngineError `inference_failed`
 */
export async function prefill(
  model: ForwardModel,
  cache: KvCache,
  prompt: readonly number[],
  signal: AbortSignal,
  urgent = false,
): Promise<{ reused: number; finished: boolean }> {
  // What was written after it may be accepted yet: then it is the prompt.
  if (cache.common(prompt) === prompt.length) return { reused: prompt.length, finished: true };
  const reused = cache.keepPrefix(prompt, prompt.length);
  const most = urgent ? model.chunk : Math.min(IDLE_CHUNK, Math.ceil(model.chunk / 2));
  let took = 0;
  for (let start = reused, end = 0; start < prompt.length; start = end) {
    await pause(urgent ? 0 : took, undefined, { signal }).catch(() => undefined); // an abort ends the rest; it is looked at next
    if (signal.aborted) return { reused, finished: false };
    const began = performance.now();
    end = Math.min(prompt.length, start + most);
    await model.forward(prompt.slice(start, end), cache);
    took = performance.now() - began;
  }
  return { reused, finished: true };
}
