// A decoder, loaded: its graph rewritten where it is understood, run as it is where not. Knows token ids, no text.

import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { EngineError } from './errors';
import { rewriteGraph, type RewrittenGraph } from './graph/rewrite';
import type { KvCache } from './kvCache';
import type { ModelFolder } from './modelFolder';
import { Pace } from './pace';
import { PlainRunner } from './plainRunner';
import type { RowCache } from './rowCache';
import { RowRunner, type LayerWeights } from './rowRunner';
import type { Runner, Wanted } from './runner';
import { openSession } from './session';

/** Bounds the logits of one run, [token, vocab] float32, to 16 MiB. */
const MAX_LOGITS_PER_RUN = 4 * 1024 * 1024;
/** Bounds the attention scores of one run. */
const MAX_CHUNK = 256;
/** A protobuf, and so a file that is rewritten, holds less than 2 GiB. */
const MAX_FILE = 2 ** 31;
/** Where a rewritten graph is tried beside the untouched one: largest difference, relative to the largest logit. */
const SAME = 1e-3;

export interface ModelOptions {
  /** Threads of a run; by default as many as suit the machine. */
  threads?: number;
  /** True: the graph is run as it is. For comparing. */
  plain?: boolean;
}

/** A loaded model. */
export class Model {
  readonly #runner: Runner;
  /** The graph takes several tokens at once on an empty cache only. */
  #oneAfterAnother = false;
  readonly folder: ModelFolder;
  readonly device: string;
  readonly deviceNote: string | undefined;
  /** How the graph is run, for the log: rewritten from which form, or as it is and why. */
  readonly graphNote: string;
  /** Most tokens to run at once where all their logits are wanted: bounds the memory of a run. */
  readonly allChunk: number;
  readonly #pace: Pace;

  private constructor(
    runner: Runner,
    folder: ModelFolder,
    { device, deviceNote }: { device: string; deviceNote?: string },
    graphNote: string,
  ) {
    this.#runner = runner;
    this.folder = folder;
    this.device = device;
    this.deviceNote = deviceNote;
    this.graphNote = graphNote;
    this.allChunk = Math.max(8, Math.min(MAX_CHUNK, Math.floor(MAX_LOGITS_PER_RUN / folder.config.vocab)));
    this.#pace = new Pace(runner.lastLogitsAlone ? MAX_CHUNK : this.allChunk);
  }

  /** Most tokens to run at once; may change after each run: bounds the memory of a run and the time until a cancel is noticed. */
  get chunk(): number {
    return this.#pace.chunk;
  }

  /** @throws EngineError `model_damaged` or `model_unsupported`, naming the file and what was expected */
  static async load(folder: ModelFolder, device: string, options: ModelOptions = {}): Promise<Model> {
    const graph = device === 'cpu' && options.plain !== true ? rewritten(folder) : { reason: 'asked for' };
    if ('reason' in graph) return Model.#plain(folder, device, options, graph.reason);
    const opened = await openSession(folder.weightsPath, device, { graph: graph.bytes, ...options });
    const model = new Model(new RowRunner(opened.session, graph), folder, opened, `rewritten from ${graph.form}`);
    if (!graph.ownMasks || (await model.#agrees(folder, options))) return model;
    await model.dispose();
    return Model.#plain(folder, device, options, 'the rewritten graph gives other logits');
  }

  static async #plain(folder: ModelFolder, device: string, options: ModelOptions, reason: string): Promise<Model> {
    const opened = await openSession(folder.weightsPath, device, options);
    return new Model(new PlainRunner(opened.session, folder), folder, opened, `as it is: ${reason}`);
  }

  /** Whether `attention` can be asked for. */
  get givesAttention(): boolean {
    return this.#runner instanceof RowRunner;
  }

  /**
   * Runs `ids` like `forward` and returns one layer's attention weights. Only where `givesAttention`.
   * @throws EngineError `inference_failed`
   */
  attention(ids: readonly number[], cache: KvCache, layer: number): Promise<LayerWeights> {
    return (this.#runner as RowRunner).attention(ids, cache as RowCache, layer);
  }

  /** A cache that holds nothing. */
  newCache(): KvCache {
    return this.#runner.newCache();
  }

  /**
   * Runs `ids` after what the cache holds, and leaves their keys and values in it.
   * @param ids at most `chunk` of them keep cancelling prompt
   * @param wanted 'last': the logits [vocab] after the last id; 'all': [ids, vocab], row-major
   * @throws EngineError `inference_failed`
   */
  async forward(ids: readonly number[], cache: KvCache, wanted: Wanted = 'last'): Promise<Float32Array> {
    if (!this.#oneAfterAnother || cache.length === 0 || ids.length === 1) {
      const start = performance.now();
      const logits = await this.#runner.forward(ids, cache, wanted);
      if (wanted === 'last') this.#pace.note(ids.length, performance.now() - start);
      return logits;
    }
    const rows: Float32Array[] = [];
    for (const id of ids) rows.push(await this.#runner.forward([id], cache, 'last'));
    if (wanted === 'last') return rows[rows.length - 1] as Float32Array;
    const all = new Float32Array(rows.length * this.folder.config.vocab);
    rows.forEach((row, i) => all.set(row, i * row.length));
    return all;
  }

  async dispose(): Promise<void> {
    await this.#runner.session.release();
  }

  /**
   * Masks that the graph makes itself can hide what nobody thought of: a few tokens through both graphs tell. Some masks are made for
   * several tokens on an empty cache only; then tokens are run one after another.
   */
  async #agrees(folder: ModelFolder, options: ModelOptions): Promise<boolean> {
    const plain = await Model.#plain(folder, 'cpu', options, 'for comparison');
    const ids = Array.from({ length: 24 }, (_, i) => (i * 7919 + 11) % folder.config.vocab);
    const [first, one, several] = [ids.slice(0, 16), ids.slice(16, 17), ids.slice(17)];
    try {
      const [a, b] = [this.newCache(), plain.newCache()];
      if (!(await this.#same(plain, first, a, b)) || !(await this.#same(plain, one, a, b))) return false;
      try {
        await plain.forward(several, b.branch(), 'all');
      } catch {
        this.#oneAfterAnother = true;
      }
      for (const part of this.#oneAfterAnother ? several.map((id) => [id]) : [several])
        if (!(await this.#same(plain, part, a, b))) return false;
      return true;
    } catch {
      return false; // it runs, but not as it should
    } finally {
      await plain.dispose();
    }
  }

  /** Whether `ids` get the same logits from both. */
  async #same(plain: Model, ids: number[], a: KvCache, b: KvCache): Promise<boolean> {
    const [ours, theirs] = [await this.forward(ids, a, 'all'), await plain.forward(ids, b, 'all')];
    const largest = theirs.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    return ours.every((x, i) => Math.abs(x - (theirs[i] as number)) <= SAME * largest);
  }
}

/** @throws EngineError `model_damaged` where the file is not an ONNX model */
function rewritten(folder: ModelFolder): RewrittenGraph | { reason: string } {
  const { weightsPath, config } = folder;
  try {
    const { size } = statSync(weightsPath);
    if (size >= MAX_FILE) return { reason: `the file has ${size} bytes` };
    return rewriteGraph(readFileSync(weightsPath), config, basename(weightsPath));
  } catch (error) {
    if (error instanceof RangeError)
      throw new EngineError(
        'model_damaged',
        `${weightsPath} is not an ONNX model (${error.message}). Restore the file, or export the model again.`,
      );
    throw new EngineError(
      'model_damaged',
      `${weightsPath} cannot be read (${(error as Error).message}). Restore the file.`,
    );
  }
}
