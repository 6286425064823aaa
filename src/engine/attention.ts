// The attention weights of one head over a finished sequence. A rewritten graph has them at hand: the sequence is run once more, on a cache
// of its own. For any other graph a session is made when first asked for, so that nobody pays for maps that nobody looks at.

import { readFileSync } from 'node:fs';
import { t } from '../l10n';
import { exposeAttention, type AttentionGraph } from './attentionGraph';
import { emptyPasts } from './cacheInputs';
import { EngineError } from './errors';
import type { Model } from './model';
import { checkInputs, feedsFor, toFloat32 } from './runner';
import { openSession, run, type Session } from './session';

/** Longest sequence whose maps are computed: one layer's weights are heads × n² floats. */
const MAX_ATTENTION_TOKENS = 2048;

interface MapSession {
  session: Session;
  /** By layer, the output with the weights [1, head, query, key]. */
  outputs: string[];
}

/** Reads attention weights from a model. */
export class AttentionReader {
  readonly #model: Model;
  readonly #chunk: number;
  #opened: Promise<MapSession> | undefined;

  /** @param chunk most tokens of a run, where the model itself gives the weights */
  constructor(model: Model, chunk = model.allChunk) {
    this.#model = model;
    this.#chunk = chunk;
  }

  /**
   * @param ids the sequence, length n
   * @returns softmax weights [query, key], row-major n × n, zero above the diagonal
   * @throws EngineError `bad_request` for a layer or head that is not there or a sequence that is empty or too long; `model_unsupported` when the graph's attention is not understood
   */
  async read(ids: readonly number[], layer: number, head: number): Promise<Float32Array<ArrayBuffer>> {
    const { layers, heads, contextLength } = this.#model.folder.config;
    const most = Math.min(MAX_ATTENTION_TOKENS, contextLength);
    const n = ids.length;
    if (!Number.isInteger(layer) || layer < 0 || layer >= layers)
      throw new EngineError(
        'bad_request',
        t('There is no layer {0}: the model has layers 0 to {1}.', layer, layers - 1),
      );
    if (!Number.isInteger(head) || head < 0 || head >= heads)
      throw new EngineError('bad_request', t('There is no head {0}: the model has heads 0 to {1}.', head, heads - 1));
    if (n === 0) throw new EngineError('bad_request', t('There is no text to look at: the prompt is empty.'));
    if (n > most)
      throw new EngineError(
        'bad_request',
        t('The text has {0} tokens; attention maps reach up to {1}. Shorten it.', n, most),
      );
    return this.#model.givesAttention ? this.#fromRuns(ids, layer, head) : this.#fromMapSession(ids, layer, head);
  }

  async dispose(): Promise<void> {
    if (this.#opened !== undefined)
      await this.#opened.then(
        ({ session }) => session.release(),
        () => undefined,
      );
  }

  async #fromRuns(ids: readonly number[], layer: number, head: number): Promise<Float32Array<ArrayBuffer>> {
    const n = ids.length;
    const map = new Float32Array(n * n);
    const cache = this.#model.newCache();
    try {
      for (let at = 0; at < n; at += this.#chunk) {
        const part = await this.#model.attention(ids.slice(at, at + this.#chunk), cache, layer);
        const first = head * part.queries;
        for (let query = 0; query < part.queries; query++) {
          const row = part.weights.subarray((first + query) * part.keys, (first + query + 1) * part.keys);
          map.set(row.subarray(0, at + query + 1), (at + query) * n);
        }
      }
    } finally {
      cache.dispose();
    }
    return map;
  }

  async #fromMapSession(ids: readonly number[], layer: number, head: number): Promise<Float32Array<ArrayBuffer>> {
    const n = ids.length;
    const weights = Float32Array.from((await this.layer(ids, layer)).subarray(head * n * n, (head + 1) * n * n));
    for (let query = 0; query < n; query++) weights.fill(0, query * n + query + 1, (query + 1) * n);
    return weights;
  }

  /**
   * All heads' weights of a layer, from a copy of the graph that gives them.
   * @returns [head, query, key]; what lies above the diagonal means nothing
   * @throws EngineError `model_unsupported`
   */
  async layer(ids: readonly number[], layer: number): Promise<Float32Array> {
    const { folder } = this.#model;
    const { heads } = folder.config;
    const n = ids.length;
    const { session, outputs } = await (this.#opened ??= this.#open());
    const output = outputs[layer] as string;
    const feeds = { ...feedsFor(session, ids, 0, 'last'), ...emptyPasts(checkInputs(session, folder)) };
    const tensor = (await run(session, feeds, [output]))[output];
    const [, rows, queries, keys] = (tensor?.dims ?? []) as [number, number, number, number];
    if (tensor === undefined || rows !== heads || queries !== n || keys !== n) {
      throw new EngineError(
        'model_unsupported',
        t(
          'The attention weights of {0} have the shape [{1}]; [1, {2}, {3}, {4}] was expected.',
          folder.weightsPath,
          String(tensor?.dims),
          heads,
          n,
          n,
        ),
      );
    }
    return toFloat32(tensor);
  }

  async #open(): Promise<MapSession> {
    const { weightsPath, config } = this.#model.folder;
    let graph: AttentionGraph | undefined;
    try {
      graph = exposeAttention(readFileSync(weightsPath), config.layers);
    } catch (error) {
      throw new EngineError(
        'model_unsupported',
        t('The attention weights of {0} cannot be read ({1}).', weightsPath, (error as Error).message),
        { cause: error },
      );
    }
    if (graph === undefined) {
      throw new EngineError(
        'model_unsupported',
        t(
          'The attention in {0} is of a form whose weights cannot be read (known: GroupQueryAttention, MultiHeadAttention, Attention, and plain Softmax).',
          weightsPath,
        ),
      );
    }
    const session = await openSession(weightsPath, 'cpu', { graph: graph.bytes });
    return { session, outputs: graph.outputs };
  }
}
