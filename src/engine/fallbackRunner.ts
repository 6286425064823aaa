// Runs a model on a device that may fail at any time: lost drivers, memory that ran out, numbers that are none. The run that failed is
// made again elsewhere, on caches that are computed anew from their ids, so that whoever asked gets the answer all the same.

import { t } from '../l10n';
import { KvCache } from './kvCache';
import { rowsOf, type Runner, type Wanted } from './runner';

/** Most tokens of a run while a cache is computed anew. */
const CHUNK = 256;

/** A cache that can be moved to another runner: what holds its keys and values lies inside. */
class MovableCache extends KvCache {
  runner: Runner;
  inside: KvCache;

  constructor(runner: Runner, inside: KvCache) {
    super();
    this.runner = runner;
    this.inside = inside;
  }

  override get bytes(): number {
    return this.inside.bytes;
  }

  override branch(): MovableCache {
    const branch = new MovableCache(this.runner, this.inside.branch());
    branch.add(this.held);
    branch.cut = this.cut;
    return branch;
  }

  add(ids: readonly number[]): void {
    this.held.push(...ids);
  }

  override get sliding(): boolean {
    return this.inside.sliding;
  }

  override drop(keep: number, count: number): void {
    this.inside.drop(keep, count);
    this.held = [...this.inside.ids];
    this.cut = true;
  }

  override dispose(): void {
    this.held = [];
    this.inside.dispose();
  }

  protected override shorten(length: number): void {
    this.inside.truncate(length);
  }
}

export class FallbackRunner implements Runner {
  #runner: Runner;
  #fallback: (() => Promise<Runner>) | undefined;
  readonly #onFallback: (reason: string) => void;

  /**
   * @param first runs until it fails
   * @param fallback opens what runs from then on
   * @param onFallback told why, once
   */
  constructor(first: Runner, fallback: () => Promise<Runner>, onFallback: (reason: string) => void) {
    this.#runner = first;
    this.#fallback = fallback;
    this.#onFallback = onFallback;
  }

  get lastLogitsAlone(): boolean {
    return this.#runner.lastLogitsAlone;
  }

  newCache(): MovableCache {
    return new MovableCache(this.#runner, this.#runner.newCache());
  }

  async forward(ids: readonly number[], cache: MovableCache, wanted: Wanted): Promise<Float32Array> {
    let logits: Float32Array;
    try {
      logits = await this.#run(ids, cache, wanted);
    } catch (error) {
      await this.#fallBack(error);
      logits = await this.#run(ids, cache, wanted);
    }
    cache.add(ids);
    return logits;
  }

  dispose(): Promise<void> {
    return this.#runner.dispose();
  }

  async #run(ids: readonly number[], cache: MovableCache, wanted: Wanted): Promise<Float32Array> {
    if (cache.runner !== this.#runner) await this.#move(cache);
    const logits = await this.#runner.forward(ids, cache.inside, wanted);
    if (this.#fallback !== undefined && !areUsable(logits, rowsOf(wanted, ids.length)))
      throw new Error(t('it gave logits that are no numbers'));
    return logits;
  }

  /** Leaves the device that failed for good. @throws `error` where there is nowhere else to go */
  async #fallBack(error: unknown): Promise<void> {
    const fallback = this.#fallback;
    if (fallback === undefined) throw error;
    this.#fallback = undefined;
    const failed = this.#runner;
    this.#runner = await fallback().catch(() => {
      throw error;
    });
    await failed.dispose().catch(() => undefined); // it may be beyond that
    this.#onFallback(error instanceof Error ? error.message : String(error));
  }

  /** Computes what the cache holds with the runner of now. */
  async #move(cache: MovableCache): Promise<void> {
    try {
      cache.inside.dispose();
    } catch {
      // its device is gone, and with it what it held
    }
    cache.runner = this.#runner;
    cache.inside = this.#runner.newCache();
    for (let at = 0; at < cache.length; at += CHUNK)
      await this.#runner.forward(cache.ids.slice(at, at + CHUNK), cache.inside, 'last');
  }
}

/**
 * Whether a token can be drawn from each row of logits: no NaN and no +∞ in it, and not -∞ alone, which hides single ids.
 * @param logits [rows, vocab], row-major
 */
export function areUsable(logits: Float32Array, rows: number): boolean {
  // NaN and infinities outlast every addition; in float64 sums of finite float32 stay finite. Four sums do not wait for each other.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = logits.length - (logits.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += logits[i] as number;
    b += logits[i + 1] as number;
    c += logits[i + 2] as number;
    d += logits[i + 3] as number;
  }
  for (let i = whole; i < logits.length; i++) a += logits[i] as number;
  const sum = a + b + c + d;
  if (sum !== -Infinity) return Number.isFinite(sum);
  const vocab = logits.length / rows;
  return Array.from({ length: rows }, (_, row) => logits.subarray(row * vocab, (row + 1) * vocab)).every((row) =>
    row.some(Number.isFinite),
  );
}
