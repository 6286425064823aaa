// Runs a graph on WebGPU. Keys and values never leave the GPU; ids go in and logits come out.

import { t } from '../l10n';
import { emptyPasts, liesAsUsual, type CacheInput } from './cacheInputs';
import { EngineError } from './errors';
import type { GpuGraph } from './graph/forGpu';
import { firstRows, KEPT } from './graph/firstRows';
import { NAMES } from './graph/attentionBlock';
import { GpuCache } from './gpuCache';
import type { ModelFolder } from './modelFolder';
import {
  checkInputs,
  counting,
  feedsFor,
  int64,
  oneAfterAnother,
  rowsOf,
  wantedLogits,
  type Runner,
  type Wanted,
} from './runner';
import { openSession, run, type Session, type Tensor } from './session';

/** Largest difference of two runs that should give the same, relative to the largest logit. */
const SAME = 1e-3;

export class GpuRunner implements Runner {
  readonly lastLogitsAlone: boolean;
  readonly #session: Session;
  readonly #folder: ModelFolder;
  readonly #pasts: CacheInput[];
  /** The graph reads no further than the attention mask says: what was cut off may stay in the tensors. */
  #looseRows: boolean;
  #cutter: Promise<Session> | undefined;

  private constructor(session: Session, folder: ModelFolder, { logitRows, looseRows }: GpuGraph) {
    this.#session = session;
    this.#folder = folder;
    this.#pasts = checkInputs(session, folder);
    const odd = this.#pasts.find((past) => !liesAsUsual(past));
    if (odd !== undefined)
      throw new EngineError('device_failed', t('on a GPU, a cache cannot lie as {0} does', odd.name));
    this.lastLogitsAlone = logitRows;
    this.#looseRows = looseRows;
  }

  /**
   * @param graph what graph/forGpu.ts made of the model's
   * @throws EngineError `device_failed`, `model_unsupported`, `inference_failed`
   */
  static async open(folder: ModelFolder, graph: GpuGraph | { reason: string }): Promise<GpuRunner> {
    if ('reason' in graph) throw new EngineError('device_failed', graph.reason);
    const { layers } = folder.config;
    const onDevice = Array.from({ length: layers }, (_, i) => [`present.${i}.key`, `present.${i}.value`]).flat();
    const session = await openSession(folder.weightsPath, 'webgpu', { graph: graph.bytes, onDevice });
    let runner: GpuRunner;
    try {
      runner = new GpuRunner(session, folder, graph);
    } catch (error) {
      await session.release();
      throw error;
    }
    try {
      if (graph.looseRows && !(await runner.#cutsCleanly())) runner.#looseRows = false;
      return runner;
    } catch (error) {
      await runner.dispose();
      throw error;
    }
  }

  /** How a cache is cut back, for the log. */
  get note(): string {
    return `its cache on the GPU, cut ${this.#looseRows ? 'in place' : 'by copying'}`;
  }

  newCache(): GpuCache {
    return new GpuCache(() => emptyPasts(this.#pasts));
  }

  async forward(ids: readonly number[], cache: GpuCache, wanted: Wanted): Promise<Float32Array> {
    try {
      return await this.#run(ids, cache, wanted);
    } catch (error) {
      // The masks of some graphs are right for several tokens on an empty cache only.
      if (ids.length === 1 || cache.length === 0) throw error;
    }
    return oneAfterAnother(ids, wanted, (id) => this.#run([id], cache, 'last'));
  }

  async dispose(): Promise<void> {
    await this.#session.release();
    if (this.#cutter !== undefined) await (await this.#cutter).release();
  }

  async #run(ids: readonly number[], cache: GpuCache, wanted: Wanted): Promise<Float32Array> {
    if (cache.rows > cache.length && !this.#looseRows) await this.#cut(cache);
    const feeds = { ...feedsFor(this.#session, ids, cache.length, wanted), ...cache.tensors };
    const rows = rowsOf(wanted, ids.length);
    if (this.lastLogitsAlone) feeds[NAMES.rows] = int64(counting(ids.length - rows, rows), [rows]);
    const outputs = await run(this.#session, feeds, ['logits', ...this.#pasts.map(({ present }) => present)]);
    cache.advance(ids, Object.fromEntries(this.#pasts.map(({ name, present }) => [name, outputs[present] as Tensor])));
    return wantedLogits(outputs['logits'] as Tensor, wanted, ids.length);
  }

  /** Makes tensors that hold the cache's positions and no more. */
  async #cut(cache: GpuCache): Promise<void> {
    const presentOf = (name: string): string => name.replace('past_key_values', 'present');
    this.#cutter ??= openSession(this.#folder.weightsPath, 'webgpu', {
      graph: firstRows(this.#pasts, presentOf),
      onDevice: this.#pasts.map(({ present }) => present),
    });
    const feeds = { ...cache.tensors, [KEPT]: int64([cache.length], [1]) };
    const outputs = await run(
      await this.#cutter,
      feeds,
      this.#pasts.map(({ present }) => present),
    );
    cache.advance([], Object.fromEntries(this.#pasts.map(({ name, present }) => [name, outputs[present] as Tensor])));
  }

  /** Whether what was cut off is indeed of no account, for one more token and for several: a few runs tell. */
  async #cutsCleanly(): Promise<boolean> {
    const id = (i: number): number => (i * 7919 + 11) % this.#folder.config.vocab;
    const ids = Array.from({ length: 12 }, (_, i) => id(i));
    const logits = async (more: number[], left: number): Promise<Float32Array> => {
      const cache = this.newCache();
      await this.#run(ids, cache, 'last');
      cache.truncate(left);
      if (left === 0) await this.#run(ids.slice(0, 7), cache, 'last');
      const all = await this.#run(more, cache, 'all');
      cache.dispose();
      return all;
    };
    for (const more of [[id(20)], [id(21), id(22), id(23)]]) {
      const [cut, fresh] = [await logits(more, 7), await logits(more, 0)];
      const largest = fresh.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
      if (!cut.every((x, i) => Math.abs(x - (fresh[i] as number)) <= SAME * largest)) return false;
    }
    return true;
  }
}
