// The warm contexts: several caches under one memory budget, so that two documents that are edited in turn both stay warm.
// Chooses the cache that a prompt runs in. Knows token ids and bytes, no text, no model and no document.

import type { KvCache } from './kvCache';

/**
 * Fewer tokens of an earlier prompt than this may be lost without a thought: computing them again is one short run, and a
 * context for every backspace would drive out those of other documents.
 */
const SMALL_LOSS = 16;
/** A shorter beginning is not worth a copy: it is computed in the same run as what follows. */
const MIN_SHARED = 8;

interface Context {
  cache: KvCache;
  /** Length of its last prompt; what the cache holds after it was generated, and is not missed. */
  promptTokens: number;
}

export class Contexts {
  readonly #newCache: () => KvCache;
  readonly #budget: number;
  /** The one used last is at the end. */
  readonly #all: Context[] = [];
  #inUse: Context | undefined;

  /**
   * @param newCache makes a cache that holds nothing
   * @param budget bytes that all caches together may hold; the one in use is kept even where it alone is larger
   */
  constructor(newCache: () => KvCache, budget: number) {
    this.#newCache = newCache;
    this.#budget = budget;
  }

  /** All caches, the one used last at the end. */
  get caches(): readonly KvCache[] {
    return this.#all.map(({ cache }) => cache);
  }

  /** Bytes that all caches hold together. */
  get bytes(): number {
    return this.#all.reduce((sum, { cache }) => sum + cache.bytes, 0);
  }

  /**
   * The cache to run `prompt` in, at the longest common prefix of all. Where that would forget much of another prompt, the prefix is
   * copied and the other left as it is, if both fit into the budget.
   * The caller runs one prompt at a time and calls `release` after it.
   */
  take(prompt: readonly number[]): KvCache {
    let best: Context | undefined;
    let shared = -1;
    let lost = 0;
    for (const context of this.#all) {
      const common = context.cache.common(prompt, prompt.length);
      const loss = Math.max(0, Math.min(context.promptTokens, context.cache.ids.length) - common);
      // Among equals, the one that loses least; then the one used last.
      if (common > shared || (common === shared && loss <= lost)) [best, shared, lost] = [context, common, loss];
    }
    const context =
      best !== undefined && (lost === 0 || (lost <= SMALL_LOSS && lost <= shared) || !this.#fits(best, prompt.length))
        ? this.#remove(best)
        : {
            cache: best === undefined || shared < MIN_SHARED ? this.#newCache() : best.cache.branchAt(shared),
            promptTokens: 0,
          };
    context.promptTokens = prompt.length;
    this.#all.push(context);
    this.#inUse = context;
    this.#evict(this.#bytesPerToken() * Math.max(0, prompt.length - context.cache.ids.length));
    return context.cache;
  }

  /**
   * Ends the use of the cache taken last, if one is in use, and gives back what is over the budget: what was used longest ago first.
   * @param sound false: its run failed, so that what it holds cannot be trusted and is forgotten
   */
  release(sound: boolean): void {
    if (!sound && this.#inUse !== undefined) this.#remove(this.#inUse).cache.dispose();
    this.#inUse = undefined;
    this.#evict(0);
  }

  /** Gives all of it back. */
  dispose(): void {
    for (const { cache } of this.#all.splice(0)) cache.dispose();
  }

  /** Whether a context and another one of `tokens` tokens fit into the budget together. */
  #fits({ cache }: Context, tokens: number): boolean {
    return cache.bytes + this.#bytesPerToken() * tokens <= this.#budget;
  }

  /** As all caches show; 0 where they hold nothing. */
  #bytesPerToken(): number {
    const tokens = this.#all.reduce((sum, { cache }) => sum + cache.ids.length, 0);
    return tokens === 0 ? 0 : this.bytes / tokens;
  }

  /** @param expected bytes that the cache used last is about to grow by */
  #evict(expected: number): void {
    while (this.#all.length > 1 && this.bytes + expected > this.#budget)
      this.#remove(this.#all[0] as Context).cache.dispose();
  }

  #remove(context: Context): Context {
    this.#all.splice(this.#all.indexOf(context), 1);
    return context;
  }
}
