// Text without end in constant memory: when the window is full, a block in the middle of the cache goes. The first tokens stay, because
// attention that has nowhere else to go rests on them (attention sinks; Xiao et al. 2023, arXiv:2309.17453), and the last ones stay because
// the text goes on from them.

import type { ForwardModel } from './generate';
import type { KvCache } from './kvCache';

/** Tokens at the start that are never dropped. */
export const SINKS = 4;
/** Share of the window that goes at once: so much can then be written before the next block has to go. */
const BLOCK = 1 / 4;

/**
 * Makes room in a cache, if it has too little.
 *
 * Where keys can be turned to other positions (KvCache.sliding), nothing is computed anew. Elsewhere the tokens that stay are run again.
 * @param needed tokens that are going to be run
 * @param window most tokens that the cache may hold
 * @param sinks tokens at the start that stay
 * @throws RangeError where the window is too small to keep anything
 * @throws EngineError `inference_failed`
 */
export async function makeRoom(
  model: Pick<ForwardModel, 'chunk' | 'forward'>,
  cache: KvCache,
  needed: number,
  window: number,
  sinks = SINKS,
): Promise<void> {
  const over = cache.length + needed - window;
  if (over <= 0) return;
  const count = Math.max(over, Math.floor(window * BLOCK));
  if (sinks + count > cache.length) throw new RangeError(`${needed} tokens do not fit into a window of ${window}`);
  if (cache.sliding) return cache.drop(sinks, count);
  const rest = cache.ids.slice(sinks + count);
  cache.truncate(sinks);
  for (let start = 0, end = 0; start < rest.length; start = end) {
    end = Math.min(rest.length, start + model.chunk);
    await model.forward(rest.slice(start, end), cache);
  }
}
