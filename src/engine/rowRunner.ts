// Runs a rewritten graph (graph/rewrite.ts): our own arrays go in as they are, only the new tokens' keys and values come out.

import { HIDDEN, NAMES } from './graph/attentionBlock';
import type { RewrittenGraph } from './graph/rewrite';
import type { KvCache } from './kvCache';
import { RowCache } from './rowCache';
import { counting, feedsFor, int64, rowsOf, toFloat32, wantedLogits, type Runner, type Wanted } from './runner';
import { run, Tensor, type Session, type TensorMap } from './session';
import { ThreadChoice } from './threads';

/** The softmax of one layer over a run's queries. */
export interface LayerWeights {
  /** [head, query, key], key 0 being the first token. */
  weights: Float32Array;
  queries: number;
  keys: number;
  /** Given: rows are so long; those of the run itself are the last of their columns, the others the first, and between them is nothing. */
  stride?: number;
}

/** The weights of runs one after another as those of one run; what a query could not see yet, it gives 0. @throws RangeError for no run */
export function stacked(parts: readonly LayerWeights[]): LayerWeights {
  const [first] = parts;
  if (first === undefined) throw new RangeError('no run, no weights');
  if (parts.length === 1) return first;
  const queries = parts.reduce((sum, part) => sum + part.queries, 0);
  const keys = Math.max(...parts.map((part) => part.keys));
  const heads = first.weights.length / (first.queries * first.keys);
  const weights = new Float32Array(heads * queries * keys);
  let at = 0;
  for (const part of parts) {
    for (let row = 0; row < heads * part.queries; row++) {
      const [head, query] = [Math.floor(row / part.queries), at + (row % part.queries)];
      weights.set(part.weights.subarray(row * part.keys, (row + 1) * part.keys), (head * queries + query) * keys);
    }
    at += part.queries;
  }
  return { weights, queries, keys };
}

/** Somebody who wants to see what the runs on a cache give anyway. */
export interface RunTap {
  /** Whether a run of `ids` on this cache is wanted; asked before it. */
  wants(cache: KvCache, ids: readonly number[]): boolean;
  /**
   * A wanted run is over; `cache` is as it was before it.
   * @param added by layer, keys then values: [ids, kvHead, headDim]
   * @param weights by layer
   */
  ran(cache: KvCache, ids: readonly number[], added: readonly Float32Array[], weights: readonly LayerWeights[]): void;
}

export class RowRunner implements Runner {
  readonly #sessions: readonly Session[];
  readonly #choice: ThreadChoice;
  readonly lastLogitsAlone: boolean;
  readonly #graph: RewrittenGraph;
  readonly #fetches: string[];
  /** By input, so that a run need not look: which of them the session has. */
  readonly #inputs: ReadonlySet<string>;
  tap: RunTap | undefined;
  /** @param sessions of the same graph, with different numbers of threads */
  constructor(sessions: readonly [Session, ...Session[]], graph: RewrittenGraph) {
    this.#sessions = sessions;
    this.#choice = new ThreadChoice(sessions.length);
    this.#graph = graph;
    this.lastLogitsAlone = graph.logitRows;
    this.#inputs = new Set(sessions[0].inputNames);
    const rows = graph.layers.flatMap((_, layer) => [NAMES.newKey(layer), NAMES.newValue(layer)]);
    this.#fetches = ['logits', ...(graph.together ? [NAMES.newRows] : rows)];
  }

  newCache(): RowCache {
    return new RowCache(this.#graph.layers, this.#graph.rotary);
  }

  async forward(ids: readonly number[], cache: RowCache, wanted: Wanted): Promise<Float32Array> {
    const outputs = await this.outputs(ids, cache, wanted, []);
    return wantedLogits(outputs['logits'] as Tensor, wanted, ids.length);
  }

  /** Runs `ids` and returns the attention weights of one layer besides; the cache goes on as in `forward`. */
  async attention(ids: readonly number[], cache: RowCache, layer: number): Promise<LayerWeights> {
    const name = NAMES.attention(layer);
    return packed((await this.outputs(ids, cache, 'last', [name]))[name] as Tensor, ids.length, cache.length);
  }

  /** The same of all layers. */
  async allAttention(ids: readonly number[], cache: RowCache): Promise<LayerWeights[]> {
    const outputs = await this.outputs(ids, cache, 'last', this.#weightNames());
    return this.#weightsOf(outputs, ids.length, cache.length, packed);
  }

  #weightNames(): string[] {
    return this.#graph.layers.map((_, layer) => NAMES.attention(layer));
  }

  #weightsOf(outputs: TensorMap, queries: number, keys: number, form: typeof packed): LayerWeights[] {
    return this.#weightNames().map((name) => form(outputs[name] as Tensor, queries, keys));
  }

  /** Whether scores are query · key · scale, but for masks. */
  get plainScores(): boolean {
    return this.#graph.plainScores;
  }

  /** In what numbers the matrices are; empty: not known. */
  get matrices(): string {
    return this.#graph.matrices;
  }

  /** By layer: keys that a query can see; 0: all. */
  get windows(): number[] {
    return this.#graph.layers.map(({ window }) => window);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.release()));
  }

  protected async outputs(ids: readonly number[], cache: RowCache, wanted: Wanted, also: string[]): Promise<TensorMap> {
    const feeds = this.feeds(ids, cache, wanted);
    const arm = this.#choice.choose(ids.length);
    const tap = also.length === 0 && this.tap?.wants(cache, ids) ? this.tap : undefined;
    const names = tap === undefined ? also : this.#weightNames();
    const start = performance.now();
    const outputs = await run(this.#sessions[arm] as Session, feeds, [...this.#fetches, ...names]);
    this.#choice.note(arm, ids.length, performance.now() - start);
    const fetched = this.#fetches.slice(1).map((name) => (outputs[name] as Tensor).data as Float32Array);
    const added = this.#graph.together ? parts(fetched[0] as Float32Array, 2 * this.#graph.layers.length) : fetched;
    tap?.ran(cache, ids, added, this.#weightsOf(outputs, ids.length, cache.length + ids.length, asGiven));
    cache.advance(ids, added);
    return outputs;
  }

  /** What goes into a run. */
  protected feeds(ids: readonly number[], cache: RowCache, wanted: Wanted): TensorMap {
    const { layers, windows } = this.#graph;
    const n = ids.length;
    const past = cache.length;
    const feeds = feedsFor(this.#sessions[0] as Session, ids, past, wanted);
    const { capacity, arrays } = cache.views();
    for (const [i, rows] of arrays.entries()) {
      const layer = i >> 1;
      const { kvHeads, headDim } = layers[layer] as { kvHeads: number; headDim: number };
      const dims = [kvHeads, 1, capacity, headDim];
      feeds[i % 2 === 0 ? NAMES.pastKey(layer) : NAMES.pastValue(layer)] = new Tensor('float32', rows, dims);
    }
    const give = (name: string, make: () => Tensor): void => {
      if (this.#inputs.has(name)) feeds[name] = make();
    };
    const { kvHeads = 1, headDim = 1 } = layers[0] ?? {};
    give(NAMES.split, () => int64([capacity, n], [2]));
    give(NAMES.columns, () => int64(columns(past, n, capacity), [capacity + n]));
    give(NAMES.positions, () => int64(counting(past, n), [1, n]));
    const rows = rowsOf(wanted, n);
    give(NAMES.rows, () => int64(counting(n - rows, rows), [rows]));
    give(NAMES.pastShape, () => int64([1, kvHeads, past, headDim], [4]));
    give(NAMES.totalShape, () => int64([1, kvHeads, past + n, headDim], [4]));
    give(NAMES.repeatedShape, () => int64([1, this.#graph.heads, past + n, headDim], [4]));
    for (const window of windows) give(NAMES.mask(window), () => maskOf(past, n, capacity, window));
    return feeds;
  }
}

/** Weights with the columns that hold nothing. @param tensor [.., n, capacity + n] */
function asGiven(tensor: Tensor, queries: number, keys: number): LayerWeights {
  return { weights: toFloat32(tensor), queries, keys, stride: tensor.dims[tensor.dims.length - 1] as number };
}

/** Weights without the columns that hold nothing. @param tensor [.., n, capacity + n] */
function packed(tensor: Tensor, queries: number, keys: number): LayerWeights {
  const all = toFloat32(tensor);
  const width = tensor.dims[tensor.dims.length - 1] as number;
  const past = keys - queries;
  const weights = new Float32Array((all.length / width) * keys);
  for (let row = 0; row * keys < weights.length; row++) {
    weights.set(all.subarray(row * width, row * width + past), row * keys);
    weights.set(all.subarray((row + 1) * width - queries, (row + 1) * width), row * keys + past);
  }
  return { weights, queries, keys };
}

/** [n, capacity + n]: 0 where a query may look, HIDDEN at the rows that do not count, at what comes later, and beyond the window. */
function maskOf(past: number, n: number, capacity: number, window: number): Tensor {
  const width = capacity + n;
  const mask = new Float32Array(n * width);
  for (let query = 0; query < n; query++) {
    const row = query * width;
    // keys from here on are in sight; key past + i is in column capacity + i
    const first = window === 0 ? 0 : Math.max(0, past + query + 1 - window);
    mask.fill(HIDDEN, row, row + Math.min(first, past));
    mask.fill(HIDDEN, row + past, row + capacity + Math.max(0, first - past));
    mask.fill(HIDDEN, row + capacity + query + 1, row + width);
  }
  return new Tensor('float32', mask, [n, width]);
}

/** By column of the scores, its column in [past | n | hidden]. */
function columns(past: number, n: number, capacity: number): number[] {
  return Array.from({ length: capacity + n }, (_, i) =>
    i < past ? i : i < capacity ? past + n : past + (i - capacity),
  );
}

/** An array as so many views of equal length. */
function parts(array: Float32Array, count: number): Float32Array[] {
  const length = array.length / count;
  return Array.from({ length: count }, (_, i) => array.subarray(i * length, (i + 1) * length));
}
