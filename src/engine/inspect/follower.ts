// Brings the weights of a sequence into the store. While it is written they are taken from the runs that write it, which have them anyway.
// What was run while nobody looked, or too fast to be looked at run by run, is run once more, on a cache of its own; a sequence that goes on,
// or shares its beginning with the one before, costs its new ids only.

import { t } from '../../l10n';
import type { AttentionReader } from '../attention';
import { EngineError } from '../errors';
import { letMessagesIn } from '../generate';
import type { KvCache } from '../kvCache';
import type { Model } from '../model';
import type { RowCache } from '../rowCache';
import type { LayerWeights, RunTap } from '../rowRunner';
import { slid } from './checked';
import { SeenRuns } from './seenRuns';
import { WeightStore } from './weightStore';

/** What the weights may take, in bytes. */
const MAX_BYTES = 512 * 2 ** 20;
/** What one run's weights of all layers may take, in bytes. */
const MAX_RUN_BYTES = 48 * 2 ** 20;
/**
 * Fetching a run's weights costs a tenth of a millisecond or two, however few its tokens: where runs of fewer tokens than MANY come faster than
 * this, in milliseconds, running many of them again in one run costs the writer less.
 */
const WORTH_MS = 2;
const MANY = 16;
/** What was seen and not taken in may hold so many bytes. */
const MAX_SEEN_BYTES = 64 * 2 ** 20;

export class Follower implements RunTap {
  readonly #model: Model;
  readonly #reader: AttentionReader;
  readonly #store: WeightStore;
  readonly #cache: KvCache;
  /** The ids whose weights are held. */
  #ids: readonly number[] = [];
  /** The cache whose runs are taken; and whether a run of its own is under way, which may not be disturbed. */
  #tapped: KvCache | undefined;
  #busy = false;
  /** Mean time from one run of a few tokens to the next; when the last one began, 0: before this text. */
  #runMs = 0;
  #lastRunAt = 0;
  readonly #seen = new SeenRuns();
  /** What the cache will hold when what was seen has been taken in. */
  #known: number[] = [];

  /** @param reader gives the weights where the model's own graph does not */
  constructor(model: Model, reader: AttentionReader) {
    this.#model = model;
    this.#reader = reader;
    const { layers, heads } = model.folder.config;
    this.#store = new WeightStore(layers, heads);
    this.#cache = model.newCache();
  }

  get store(): WeightStore {
    this.#takeIn();
    return this.#store;
  }

  /** Keys and values of what was followed; empty where the weights come from a copy of the graph. */
  get cache(): KvCache {
    this.#takeIn();
    return this.#cache;
  }

  /** Most tokens whose weights may be held. */
  get most(): number {
    const { layers, heads, contextLength } = this.#model.folder.config;
    let rows = Math.floor(Math.sqrt((2 * MAX_BYTES) / (2 * layers * heads)));
    while (WeightStore.bytes(layers, heads, rows) > MAX_BYTES) rows--;
    return Math.min(contextLength, rows);
  }

  /**
   * Follows a sequence as far as it goes now. Between two runs the event loop turns.
   * @param aborted ends it between two runs; what was run stays
   * @throws EngineError `bad_request` where it is too long, `model_unsupported`, `inference_failed`
   */
  async follow(sequence: readonly number[], aborted: () => boolean = () => false): Promise<void> {
    const ids = [...sequence];
    const { contextLength } = this.#model.folder.config;
    if (ids.length > contextLength) throw slid(ids.length, contextLength);
    if (ids.length > this.most)
      throw new EngineError(
        'bad_request',
        t('The text has {0} tokens; attention maps of this model reach up to {1}. Shorten it.', ids.length, this.most),
      );
    if (!this.#model.givesAttention) return this.#fromCopy(ids);
    this.#takeIn();
    this.#busy = true;
    try {
      await this.#again(ids, aborted);
    } finally {
      this.#known = [...this.#cache.ids];
      this.#busy = false;
    }
  }

  /** Runs what has no weights yet. */
  async #again(ids: readonly number[], aborted: () => boolean): Promise<void> {
    this.#store.truncate(this.#cache.keepPrefix(ids, ids.length));
    const { layers, heads } = this.#model.folder.config;
    const chunk = Math.max(
      1,
      Math.min(this.#model.chunk, Math.floor(MAX_RUN_BYTES / (4 * layers * heads * ids.length))),
    );
    while (this.#store.rows < ids.length) {
      await letMessagesIn();
      if (aborted()) return;
      const start = this.#store.rows;
      this.#store.append(await this.#model.allAttention(ids.slice(start, start + chunk), this.#cache));
    }
  }

  /** How many tokens of a sequence have their weights here. */
  held(sequence: readonly number[]): number {
    if (this.#model.givesAttention) return this.#common(sequence);
    const n = this.#ids.length;
    return n <= sequence.length && this.#ids.every((id, i) => id === sequence[i]) ? n : 0;
  }

  /** Does `work`, whose runs on `cache` need not be run again. */
  async tapping<T>(cache: KvCache, work: () => Promise<T>): Promise<T> {
    this.#tapped = cache;
    this.#lastRunAt = 0;
    this.#model.tap = this;
    try {
      return await work();
    } finally {
      if (this.#tapped === cache) this.stop();
    }
  }

  wants(cache: KvCache, ids: readonly number[]): boolean {
    const now = performance.now();
    if (ids.length < MANY) {
      if (this.#lastRunAt > 0) this.#runMs += (now - this.#lastRunAt - this.#runMs) / (this.#runMs > 0 ? 8 : 1);
      this.#lastRunAt = now;
      if (this.#runMs < WORTH_MS) return false;
    }
    const { layers, heads } = this.#model.folder.config;
    const keys = cache.length + ids.length;
    return keys <= this.most && 4 * layers * heads * ids.length * keys <= MAX_RUN_BYTES && this.#continues(cache);
  }

  ran(cache: KvCache, ids: readonly number[], added: readonly Float32Array[], weights: readonly LayerWeights[]): void {
    if (!this.#continues(cache)) return;
    this.#seen.add({ start: cache.length, ids, added, weights });
    this.#known.length = cache.length;
    this.#known.push(...ids);
    if (this.#seen.bytes > MAX_SEEN_BYTES) this.#takeIn();
  }

  /** Takes nothing more from the runs of who writes. */
  stop(): void {
    if (this.#tapped !== undefined) this.#model.tap = undefined;
    this.#tapped = undefined;
  }

  dispose(): void {
    this.stop();
    this.#seen.take();
    this.#known = [];
    this.#cache.dispose();
  }

  /** Whether all that a cache holds has its weights here. */
  #continues(cache: KvCache): boolean {
    return !this.#busy && cache === this.#tapped && cache.common(this.#known) === cache.length;
  }

  #common(sequence: readonly number[]): number {
    const most = Math.min(sequence.length, this.#known.length);
    let common = 0;
    while (common < most && this.#known[common] === sequence[common]) common++;
    return common;
  }

  /** Takes in what was seen. */
  #takeIn(): void {
    for (const { start, ids, added, weights } of this.#seen.take()) {
      this.#cache.truncate(start);
      this.#store.truncate(start);
      this.#store.append(weights, ids.length);
      const row = (rows: Float32Array): number => rows.length / (weights[0]?.queries ?? 1);
      const counted = added.map((rows) => rows.subarray(0, row(rows) * ids.length));
      (this.#cache as RowCache).advance(ids, counted);
    }
  }

  async #fromCopy(ids: readonly number[]): Promise<void> {
    const n = ids.length;
    if (this.#store.rows === n && this.#ids.every((id, i) => id === ids[i])) return;
    this.#store.truncate(0);
    this.#ids = [];
    const { layers } = this.#model.folder.config;
    for (let layer = 0; layer < layers; layer++) {
      await letMessagesIn();
      this.#store.put(layer, { weights: await this.#reader.layer(ids, layer), queries: n, keys: n });
    }
    this.#ids = ids;
  }
}
