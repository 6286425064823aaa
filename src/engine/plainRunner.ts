// Runs a graph as it is: the cache goes in and comes out as tensors, copied at each run. For graphs that cannot be rewritten, and for
// devices on which the cache cannot stay (CUDA, DirectML, Core ML).

import { t } from '../l10n';
import { emptyPasts, type CacheInput } from './cacheInputs';
import { EngineError } from './errors';
import type { ModelFolder } from './modelFolder';
import {
  checkInputs,
  feedsFor,
  joinedRows,
  oneAfterAnother,
  rowsOf,
  wantedLogits,
  type Runner,
  type Wanted,
} from './runner';
import { run, type Session, type Tensor } from './session';
import { TensorCache } from './tensorCache';

/** Tokens that are run together and one after another, to see whether that is the same. */
const TRIED = 4;
/** A token among others costs so much less than one alone. */
const CHEAPER = 8;
/** Most tokens that are run anew at once: what a cancel may have to wait for. */
const MOST_ANEW = 512;
/** Largest difference of two runs that should give the same, relative to the largest logit. */
const SAME = 1e-3;
/** Tokens before those that are tried, where it has to be seen how much a graph rounds. */
const BEFORE = 8;
/** Logits may be so many times as far apart as those of the same tokens in two ways that are right. */
const ROUNDING = 1.5;
/** Two ways that are right are not so far apart, relative to the logits. */
const MOST_ROUNDING = 0.3;

export class PlainRunner implements Runner {
  readonly session: Session;
  readonly lastLogitsAlone = false;
  readonly #pasts: CacheInput[];
  readonly #axes: ReadonlyMap<string, number>;
  readonly #weightsPath: string;
  #several: boolean | undefined;

  /** @throws EngineError `model_unsupported` */
  constructor(session: Session, folder: ModelFolder) {
    this.session = session;
    this.#pasts = checkInputs(session, folder);
    this.#axes = new Map(this.#pasts.map(({ name, axis }) => [name, axis]));
    this.#weightsPath = folder.weightsPath;
  }

  /**
   * Whether the graph takes several tokens after others; undefined until it had to. Graphs that were recorded with a single token have no
   * mask among the new ones, or fail; they are then given one after another.
   */
  get takesSeveral(): boolean | undefined {
    return this.#several;
  }

  newCache(): TensorCache {
    return new TensorCache(emptyPasts(this.#pasts), this.#axes);
  }

  async forward(ids: readonly number[], cache: TensorCache, wanted: Wanted): Promise<Float32Array> {
    if (ids.length === 1 || cache.length === 0 || this.#several === true) return this.#run(ids, cache, wanted);
    if (this.#several === false) return this.#runSingly(ids, cache, wanted);
    const first = ids.slice(0, TRIED);
    const before = cache.ids.slice(0, BEFORE);
    const rest = ids.slice(TRIED);
    const together = await this.#run(first, cache.branch(), 'all').catch(() => undefined);
    const each = await oneAfterAnother(first, 'all', (id) => this.#run([id], cache, 'last'));
    this.#several = together !== undefined && (areAlike(together, each) || (await this.#onlyRounds(before, first)));
    if (rest.length === 0) return lastRows(each, ids.length, wanted);
    const others = await this.forward(rest, cache, wanted);
    return wanted === 'all' || (wanted !== 'last' && wanted > rest.length)
      ? lastRows(joinedRows([each, others]), ids.length, wanted)
      : others;
  }

  dispose(): Promise<void> {
    return this.session.release();
  }

  /**
   * Whether `ids` after `before` give, together, what they give one after another, up to rounding. With 8-bit activations, how a run rounds
   * depends on its tokens; how much that is, the whole text on an empty cache tells.
   */
  async #onlyRounds(before: readonly number[], ids: readonly number[]): Promise<boolean> {
    const whole = await this.#run([...before, ...ids], this.newCache(), ids.length);
    const cache = this.newCache();
    await this.#run(before, cache, 'last');
    const together = await this.#run(ids, cache.branch(), 'all');
    const each = await oneAfterAnother(ids, 'all', (id) => this.#run([id], cache, 'last'));
    const rounding = distance(whole, each);
    return rounding < MOST_ROUNDING && distance(together, each) <= ROUNDING * rounding;
  }

  /** Of a graph that takes several tokens on an empty cache only: one after another, or the whole text anew where that is less. */
  async #runSingly(ids: readonly number[], cache: TensorCache, wanted: Wanted): Promise<Float32Array> {
    const total = cache.length + ids.length;
    if (total > MOST_ANEW || total > CHEAPER * ids.length)
      return oneAfterAnother(ids, wanted, (id) => this.#run([id], cache, 'last'));
    const anew = this.newCache();
    const logits = await this.#run([...cache.ids, ...ids], anew, rowsOf(wanted, ids.length));
    cache.advance(ids, { ...anew.tensors });
    return logits;
  }

  async #run(ids: readonly number[], cache: TensorCache, wanted: Wanted): Promise<Float32Array> {
    const feeds = feedsFor(this.session, ids, cache.length, wanted);
    for (const past of this.#pasts) feeds[past.name] = cache.tensors[past.name] as Tensor;
    const outputs = await run(this.session, feeds, ['logits', ...this.#pasts.map((past) => past.present)]);
    const tensors: Record<string, Tensor> = {};
    for (const past of this.#pasts) {
      const tensor = outputs[past.present] as Tensor;
      this.#checkLength(past, tensor, cache.length + ids.length);
      tensors[past.name] = tensor;
    }
    cache.advance(ids, tensors);
    return wantedLogits(outputs['logits'] as Tensor, wanted, ids.length);
  }

  /** What a graph returns that forgets some positions, or puts them elsewhere, could not be cut. @throws EngineError `model_unsupported` */
  #checkLength({ present, axis, dims }: CacheInput, tensor: Tensor, length: number): void {
    if (tensor.dims.length === dims.length && tensor.dims[axis] === length) return;
    throw new EngineError(
      'model_unsupported',
      t(
        '{0} gives the cache "{1}" the shape [{2}] after {3} tokens; one position for each token was expected. Export the model with a cache that keeps all of them.',
        this.#weightsPath,
        present,
        tensor.dims.join(', '),
        length,
      ),
    );
  }
}

/** Of the logits of all of n ids those wanted. */
function lastRows(all: Float32Array, n: number, wanted: Wanted): Float32Array {
  return all.subarray(all.length - rowsOf(wanted, n) * (all.length / n));
}

/** How far apart logits are, relative to their size. */
function distance(a: Float32Array, b: Float32Array): number {
  const square = (x: Float32Array): number => x.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(square(a.map((x, i) => x - (b[i] as number))) / square(b));
}

function areAlike(a: Float32Array, b: Float32Array): boolean {
  const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  return a.length === b.length && a.every((x, i) => Math.abs(x - (b[i] as number)) <= SAME * largest);
}
