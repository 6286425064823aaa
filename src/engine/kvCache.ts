// The keys and values of the tokens that the model has seen, and the ids they stand for. It owns its position: `ids.length` says how far
// its arrays count. How they lie in memory is the business of the kinds: rowCache.ts for rewritten graphs, tensorCache.ts for others.

/** The cache of one context. */
export abstract class KvCache {
  protected held: number[] = [];
  /** True once tokens were taken out of its middle: what it holds is no longer what a run over its ids would give. */
  protected cut = false;

  /** The tokens whose keys and values are held, in order. */
  get ids(): readonly number[] {
    return this.held;
  }

  get length(): number {
    return this.held.length;
  }

  /** Memory that is held for it, in bytes; what several share counts in parts. */
  abstract get bytes(): number;

  /** A cache that holds the same; what either does from here on, the other does not see. */
  abstract branch(): KvCache;

  /** A branch that holds the first `length` tokens. */
  branchAt(length: number): KvCache {
    const branch = this.branch();
    branch.truncate(length);
    return branch;
  }

  /** Forgets all but the first `length` tokens. */
  truncate(length: number): void {
    if (length >= this.held.length) return;
    this.held.length = length;
    if (length === 0) this.cut = false;
    this.shorten(length);
  }

  /**
   * Forgets everything after the longest common prefix with `ids`, but keeps at most `limit` tokens.
   * @returns the number of tokens kept
   */
  keepPrefix(ids: readonly number[], limit: number): number {
    const kept = this.common(ids, limit);
    this.truncate(kept);
    return kept;
  }

  /** Length of the longest prefix of `ids` that it holds, at most `limit`; 0 once tokens were taken out of its middle. */
  common(ids: readonly number[], limit = ids.length): number {
    const most = this.cut ? 0 : Math.min(this.held.length, ids.length, limit);
    let common = 0;
    while (common < most && this.held[common] === ids[common]) common++;
    return common;
  }

  /** Whether tokens can be taken out of the middle; see `drop`. */
  get sliding(): boolean {
    return false;
  }

  /**
   * Takes `count` tokens after the first `keep` out and moves those behind them forward, as if they had stood there.
   * Only where `sliding`.
   */
  drop(keep: number, count: number): void {
    throw new RangeError(`tokens ${keep} to ${keep + count} cannot be taken out of this cache`);
  }

  /** Gives the memory back; the cache is not used again. */
  dispose(): void {
    this.truncate(0);
  }

  /** The arrays count as far as `length` only. */
  protected abstract shorten(length: number): void;
}
