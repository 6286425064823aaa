// A decoder, loaded: its graph rewritten where it is understood, run as it is where not. Knows token ids, no text.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { t } from '../l10n';
import { EngineError, otherVocabulary } from './errors';
import { FallbackRunner } from './fallbackRunner';
import { GpuRunner } from './gpuRunner';
import { graphForGpu } from './graph/forGpu';
import { rewriteGraph, type RewrittenGraph } from './graph/rewrite';
import type { KvCache } from './kvCache';
import type { ModelFolder } from './modelFolder';
import { Pace } from './pace';
import { PlainRunner } from './plainRunner';
import type { RowCache } from './rowCache';
import { RowRunner, stacked, type LayerWeights, type RunTap } from './rowRunner';
import { oneAfterAnother, type Runner, type Wanted } from './runner';
import { openSession, type Session } from './session';
import { threadArms } from './threads';

/** Bounds the logits of one run, [token, vocab] float32, to 16 MiB. */
const MAX_LOGITS_PER_RUN = 4 * 1024 * 1024;
/** Bounds the attention scores of one run. */
const MAX_CHUNK = 256;
/** A protobuf, and so a file that is rewritten, holds less than 2 GiB. */
const MAX_FILE = 2 ** 31;
/** Weights of at most so many bytes may be held more than once. */
const SMALL = 32 << 20;
/** Where a rewritten graph is tried beside the untouched one: largest difference, relative to the largest logit. */
const SAME = 1e-3;
/** The same of a graph that rounds on its way, to half precision or 8 bits. What a wrong mask does is larger. */
const SAME_ROUNDED = 3e-2;

export interface ModelOptions {
  /** Threads of a run; by default as many as suit the machine. */
  threads?: number;
  /** True: the graph is run as it is. For comparing. */
  plain?: boolean;
  /** True: no CPU takes over from a device, and what fails there throws. For measuring. */
  alone?: boolean;
  /** Told when the device failed after the model was loaded; `device` and `deviceNote` are those of the CPU by then. */
  onFallback?: () => void;
}

/** Where a model runs and how. */
interface Place {
  device: string;
  /** Set when another device was asked for: why it could not be used. */
  deviceNote?: string;
  /** How the graph is run, for the log: rewritten from which form, or as it is and why. */
  graphNote: string;
}

/** A loaded model. */
export class Model {
  readonly #runner: Runner;
  /** The graph takes several tokens at once on an empty cache only. */
  #oneAfterAnother = false;
  readonly folder: ModelFolder;
  #place: Place;
  /** Most tokens to run at once where all their logits are wanted: bounds the memory of a run. */
  readonly allChunk: number;
  readonly #pace: Pace;

  private constructor(runner: Runner, folder: ModelFolder, place: Place) {
    this.#runner = runner;
    this.folder = folder;
    this.#place = place;
    this.allChunk = Math.max(8, Math.min(MAX_CHUNK, Math.floor(MAX_LOGITS_PER_RUN / folder.config.vocab)));
    this.#pace = new Pace(runner.lastLogitsAlone ? MAX_CHUNK : this.allChunk);
  }

  get device(): string {
    return this.#place.device;
  }

  get deviceNote(): string | undefined {
    return this.#place.deviceNote;
  }

  get graphNote(): string {
    return this.#place.graphNote;
  }

  /** Most tokens to run at once; may change after each run: bounds the memory of a run and the time until a cancel is noticed. */
  get chunk(): number {
    return this.#pace.chunk;
  }

  /**
   * Loads a model on a device, or on the CPU where the device cannot be used.
   * @param device cpu, webgpu, cuda, dml or coreml
   * @throws EngineError `model_damaged` or `model_unsupported`, naming the file and what was expected
   */
  static async load(folder: ModelFolder, device: string, options: ModelOptions = {}): Promise<Model> {
    if (folder.seq2seq !== undefined)
      throw new EngineError(
        'model_unsupported',
        t('{0} is an encoder–decoder model: it can be used for Generate only.', folder.name),
      );
    if (device === 'cpu') return Model.#onCpu(folder, options);
    try {
      return await Model.#onDevice(folder, device, options);
    } catch (error) {
      if (!(error instanceof EngineError) || options.alone === true) throw error;
      const model = await Model.#onCpu(folder, options);
      model.#place.deviceNote = noteOn(device, 'unusable', error.message);
      return model;
    }
  }

  static async #onCpu(folder: ModelFolder, options: ModelOptions): Promise<Model> {
    const graph = options.plain === true ? { reason: 'asked for' } : rewritten(folder);
    if ('reason' in graph) return Model.#plain(folder, options, graph.reason);
    const open = (threads: number): Promise<Session> =>
      openSession(folder.weightsPath, 'cpu', { graph: graph.bytes, threads });
    const [first = 1, ...others] = threadsFor(folder, options.threads);
    const opened = await open(first).catch((error: unknown) => error as Error);
    if (opened instanceof Error)
      return Model.#plain(folder, options, `the rewritten graph is refused: ${opened.message}`);
    const sessions: [Session, ...Session[]] = [opened];
    for (const threads of others) sessions.push(await open(threads));
    const place = { device: 'cpu', graphNote: `rewritten from ${graph.form}` };
    const model = new Model(new RowRunner(sessions, graph), folder, place);
    const tolerance = graph.rounds ? SAME_ROUNDED : SAME;
    if (!graph.ownMasks || (await model.#agrees(folder, options, tolerance))) return model;
    await model.dispose();
    return Model.#plain(folder, options, 'the rewritten graph gives other logits');
  }

  /** Takes the CPU's place at the first failure; see fallbackRunner.ts. */
  static async #onDevice(folder: ModelFolder, device: string, options: ModelOptions): Promise<Model> {
    const first =
      device === 'webgpu'
        ? await GpuRunner.open(
            folder,
            readGraph(folder, (bytes, file) => graphForGpu(bytes, file)),
          )
        : new PlainRunner(await openSession(folder.weightsPath, device, options), folder);
    if (options.alone === true)
      return new Model(first, folder, { device, graphNote: first instanceof GpuRunner ? first.note : 'as it is' });
    const model: Model = new Model(
      new FallbackRunner(
        first,
        () => Model.#onCpu(folder, options),
        (reason) => {
          model.#place = {
            device: 'cpu',
            deviceNote: noteOn(device, 'failed', reason),
            graphNote: 'after a device failed',
          };
          options.onFallback?.();
        },
      ),
      folder,
      { device, graphNote: first instanceof GpuRunner ? first.note : 'as it is' },
    );
    return model;
  }

  static async #plain(folder: ModelFolder, options: ModelOptions, reason: string): Promise<Model> {
    const session = await openSession(folder.weightsPath, 'cpu', options);
    return new Model(new PlainRunner(session, folder), folder, { device: 'cpu', graphNote: `as it is: ${reason}` });
  }

  /** Whether only the last id's logits are computed where no others are wanted. */
  get lastLogitsAlone(): boolean {
    return this.#runner.lastLogitsAlone;
  }

  /** Whether `attention` can be asked for. */
  get givesAttention(): boolean {
    return this.#runner instanceof RowRunner;
  }

  /**
   * Runs `ids` like `forward` and returns one layer's attention weights. Only where `givesAttention`.
   * @throws EngineError `inference_failed`
   */
  async attention(ids: readonly number[], cache: KvCache, layer: number): Promise<LayerWeights> {
    const runs = this.#oneAfterAnother && cache.length > 0 ? ids.map((id) => [id]) : [ids];
    const parts: LayerWeights[] = [];
    for (const part of runs) parts.push(await (this.#runner as RowRunner).attention(part, cache as RowCache, layer));
    return stacked(parts);
  }

  /**
   * Runs `ids` like `forward` and returns all layers' attention weights. Only where `givesAttention`.
   * @throws EngineError `inference_failed`
   */
  async allAttention(ids: readonly number[], cache: KvCache): Promise<LayerWeights[]> {
    const runs = this.#oneAfterAnother && cache.length > 0 ? ids.map((id) => [id]) : [ids];
    const parts: LayerWeights[][] = [];
    for (const part of runs) parts.push(await (this.#runner as RowRunner).allAttention(part, cache as RowCache));
    return (parts[0] ?? []).map((_, layer) => stacked(parts.map((part) => part[layer] as LayerWeights)));
  }

  /** Shows somebody what runs give anyway. Only where `givesAttention`; undefined: nobody. */
  set tap(tap: RunTap | undefined) {
    if (this.#runner instanceof RowRunner) this.#runner.tap = tap;
  }

  /** Whether scores are known to be query · key · scale, but for masks. */
  get plainScores(): boolean {
    return this.#runner instanceof RowRunner && this.#runner.plainScores;
  }

  /** In what numbers the matrices are; where it is not known, the file that they are in. */
  get matrices(): string {
    return (this.#runner instanceof RowRunner && this.#runner.matrices) || this.folder.weights;
  }

  /** By layer: keys that a query can see, itself included; 0: all, or it is not known. */
  get windows(): number[] {
    return this.#runner instanceof RowRunner
      ? this.#runner.windows
      : new Array<number>(this.folder.config.layers).fill(0);
  }

  /** A cache that holds nothing. */
  newCache(): KvCache {
    return this.#runner.newCache();
  }

  /**
   * Runs `ids` after what the cache holds, and leaves their keys and values in it.
   * @param ids at most `chunk` of them keep cancelling prompt
   * @returns the logits [wanted, vocab], row-major: those after the last id, after so many last ids, or after each
   * @throws EngineError `inference_failed`
   */
  async forward(ids: readonly number[], cache: KvCache, wanted: Wanted = 'last'): Promise<Float32Array> {
    if (!this.#oneAfterAnother || cache.length === 0 || ids.length === 1) {
      const start = performance.now();
      const logits = await this.#runner.forward(ids, cache, wanted);
      if (wanted === 'last') this.#pace.note(ids.length, performance.now() - start);
      return logits;
    }
    return oneAfterAnother(ids, wanted, (id) => this.#runner.forward([id], cache, 'last'));
  }

  async dispose(): Promise<void> {
    await this.#runner.dispose();
  }

  /**
   * Masks that the graph makes itself can hide what nobody thought of: a few tokens through both graphs tell. Some masks are made for
   * several tokens on an empty cache only; then tokens are run one after another.
   */
  async #agrees(folder: ModelFolder, options: ModelOptions, tolerance: number): Promise<boolean> {
    const plain = await Model.#plain(folder, options, 'for comparison');
    const ids = Array.from({ length: 24 }, (_, i) => (i * 7919 + 11) % folder.config.vocab);
    const [first, one, several] = [ids.slice(0, 16), ids.slice(16, 17), ids.slice(17)];
    try {
      const [a, b] = [this.newCache(), plain.newCache()];
      if (!(await this.#same(plain, first, a, b, tolerance)) || !(await this.#same(plain, one, a, b, tolerance)))
        return false;
      await plain.forward(several, b.branch(), 'all');
      if (plain.#runner instanceof PlainRunner && plain.#runner.takesSeveral === false) this.#oneAfterAnother = true;
      for (const part of this.#oneAfterAnother ? several.map((id) => [id]) : [several])
        if (!(await this.#same(plain, part, a, b, tolerance))) return false;
      return true;
    } catch {
      return false; // it runs, but not as it should
    } finally {
      await plain.dispose();
    }
  }

  /** Whether `ids` get the same logits from both; the tolerance is relative to the largest. */
  async #same(plain: Model, ids: number[], a: KvCache, b: KvCache, tolerance: number): Promise<boolean> {
    const [ours, theirs] = [await this.forward(ids, a, 'all'), await plain.forward(ids, b, 'all')];
    const largest = theirs.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    return ours.every((x, i) => Math.abs(x - (theirs[i] as number)) <= tolerance * largest);
  }
}

/** What people are told when a device is not used. @param reason why, in a sentence */
export function noteOn(device: string, what: 'unusable' | 'failed', reason: string): string {
  const why = reason.trim().replace(/\.$/, '');
  return what === 'unusable'
    ? t(
        'The device {0} cannot run this model here ({1}); it runs on the CPU. Change the setting glassbox.device to cpu to silence this.',
        device,
        why,
      )
    : t(
        'The device {0} failed ({1}); it runs on the CPU. Change the setting glassbox.device to cpu to silence this.',
        device,
        why,
      );
}

/** The graph as ours runs it, or the reason why not. @param lens see rewriteGraph; @throws EngineError `model_damaged` */
export function rewritten(folder: ModelFolder, lens = false): RewrittenGraph | { reason: string } {
  const size = statSync(folder.weightsPath, { throwIfNoEntry: false })?.size ?? 0;
  if (size >= MAX_FILE) return { reason: `the file has ${size} bytes` };
  return readGraph(folder, (bytes, file) => rewriteGraph(bytes, folder.config, file, lens));
}

/** @throws EngineError `model_damaged` where the file cannot be read or is not an ONNX model */
function readGraph<T>({ weightsPath }: ModelFolder, read: (bytes: Uint8Array, file: string) => T): T {
  try {
    return read(readFileSync(weightsPath), basename(weightsPath));
  } catch (error) {
    if (error instanceof RangeError)
      throw new EngineError(
        'model_damaged',
        t('{0} is not an ONNX model ({1}). Restore the file, or export the model again.', weightsPath, error.message),
      );
    throw new EngineError(
      'model_damaged',
      t('{0} cannot be read ({1}). Restore the file.', weightsPath, (error as Error).message),
    );
  }
}

/** The numbers of threads of the sessions that are kept on the CPU. @param asked undefined: what suits the machine and the model */
export function threadsFor({ weightsPath }: ModelFolder, asked?: number): number[] {
  return threadArms(bytesOnDisk(weightsPath) < SMALL, asked);
}

/** Bytes of an ONNX file and of the data files beside it that carry its name. */
function bytesOnDisk(weightsPath: string): number {
  const folder = dirname(weightsPath);
  const names = readdirSync(folder).filter((name) => name.startsWith(basename(weightsPath)));
  return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/** Runs one token: what the graph says of its shapes need not be what it computes. @throws EngineError `model_damaged` */
export async function checkWidth(model: Model): Promise<void> {
  const { folder } = model;
  const cache = model.newCache();
  const { length } = await model.forward([0], cache);
  cache.dispose();
  if (length !== folder.config.vocab) throw otherVocabulary('weights', folder.weightsPath, length, folder);
}
