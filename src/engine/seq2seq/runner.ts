// Runs an encoder–decoder model: the encoder once for a text that is read, the decoder for each token that is written. The graphs are run
// as they are; where positions come from (relative buckets, sinusoids) is their business.

import { t } from '../../l10n';
import { EngineError } from '../errors';
import type { ForwardModel } from '../generate';
import type { KvCache } from '../kvCache';
import type { ModelFolder } from '../modelFolder';
import { int64, oneAfterAnother, wantedLogits, type Wanted } from '../runner';
import { openSession, run, Tensor, type Session, type SessionOptions, type TensorMap } from '../session';
import { TensorCache } from '../tensorCache';
import type { Seq2SeqFiles } from './folder';

/** Cache inputs of a decoder that reads an encoder's output. */
const PAST = /^past_key_values\.(\d+)\.(decoder|encoder)\.(key|value)$/;
const KNOWN = new Set([
  'input_ids',
  'encoder_attention_mask',
  'encoder_hidden_states',
  'decoder_attention_mask',
  'use_cache_branch',
]);

/** A model folder that is known to be an encoder–decoder's. */
export type Seq2SeqFolder = ModelFolder & { seq2seq: Seq2SeqFiles };

/** A text that the encoder has read. */
export interface Source {
  ids: readonly number[];
  /** [1, source token, hidden] */
  states: Tensor;
  /** Keys and values of the source in the decoder's layers, by input name, each [1, head, source token, headDim]; none before the first run. */
  crossed: TensorMap | undefined;
}

/** The cache of a text that is written about a source. */
export class SourceCache extends TensorCache {
  readonly source: Source;

  constructor(source: Source, empty: TensorMap) {
    super(empty);
    this.source = source;
  }

  override branch(): SourceCache {
    const branch = new SourceCache(this.source, { ...this.tensors });
    branch.advance(this.ids, { ...this.tensors });
    return branch;
  }
}

/** A cache input of the decoder. */
interface Past {
  name: string;
  present: string;
  /** It holds the source, not what was written. */
  crossed: boolean;
  type: 'float32' | 'float16';
  dims: [1, heads: number, 0, headDim: number];
}

/** A loaded encoder–decoder model. */
export class Seq2Seq implements ForwardModel {
  readonly folder: Seq2SeqFolder;
  readonly device: string;
  /** Set where the device that was asked for could not be used: why. */
  readonly deviceNote: string | undefined;
  /** The decoder is run one token at a time. */
  readonly chunk = 1;
  readonly #encoder: Session;
  /** The decoder for the first token, and for those after it; one session where a graph has both branches. */
  readonly #first: Session;
  readonly #later: Session;
  readonly #pasts: Past[];

  private constructor(
    folder: Seq2SeqFolder,
    sessions: { encoder: Session; first: Session; later: Session },
    place: { device: string; deviceNote?: string },
  ) {
    this.folder = folder;
    this.device = place.device;
    this.deviceNote = place.deviceNote;
    this.#encoder = sessions.encoder;
    this.#first = sessions.first;
    this.#later = sessions.later;
    this.#pasts = pastsOf(folder, sessions.first, sessions.later);
  }

  /**
   * Loads the graphs on a device, or on the CPU where it cannot run them.
   * @param note says why a device is not used, for people
   * @throws EngineError `model_damaged`, `model_unsupported`, naming the file
   */
  static async open(
    folder: Seq2SeqFolder,
    device: string,
    options: SessionOptions,
    note: (reason: string) => string,
  ): Promise<Seq2Seq> {
    if (device === 'cpu') return Seq2Seq.#open(folder, { device }, options);
    try {
      return await Seq2Seq.#open(folder, { device }, options);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return Seq2Seq.#open(folder, { device: 'cpu', deviceNote: note(error.message) }, options);
    }
  }

  static async #open(
    folder: Seq2SeqFolder,
    place: { device: string; deviceNote?: string },
    options: SessionOptions,
  ): Promise<Seq2Seq> {
    const { encoderPath, laterPath } = folder.seq2seq;
    const opened: Session[] = [];
    const open = async (path: string): Promise<Session> => {
      const session = await openSession(path, place.device, options);
      opened.push(session);
      return session;
    };
    try {
      const encoder = await open(encoderPath);
      const first = await open(folder.weightsPath);
      const later = laterPath === undefined ? first : await open(laterPath);
      checkEncoder(encoder, encoderPath);
      return new Seq2Seq(folder, { encoder, first, later }, place);
    } catch (error) {
      for (const session of opened) await session.release();
      throw error;
    }
  }

  /**
   * Reads a text.
   * @param ids at least one
   * @throws EngineError `inference_failed`
   */
  async read(ids: readonly number[]): Promise<Source> {
    const feeds: TensorMap = { input_ids: int64(ids, [1, ids.length]) };
    if (this.#encoder.inputNames.includes('attention_mask')) feeds['attention_mask'] = ones(ids.length);
    const { last_hidden_state: states } = await run(this.#encoder, feeds, ['last_hidden_state']);
    return { ids, states: states as Tensor, crossed: undefined };
  }

  /** A cache for a text about a source, which holds nothing of that text. */
  newCache(source: Source): SourceCache {
    return new SourceCache(source, empty(this.#pasts.filter(({ crossed }) => !crossed)));
  }

  /**
   * Runs `ids` after what the cache holds, and leaves their keys and values in it.
   * @param cache one of `newCache`, or a branch of it
   * @returns the logits [wanted, vocab], row-major; those of tokens that are never written are −∞
   * @throws EngineError `inference_failed`
   */
  async forward(ids: readonly number[], cache: KvCache, wanted: Wanted = 'last'): Promise<Float32Array> {
    if (!(cache instanceof SourceCache)) throw new TypeError('a cache without a source');
    return oneAfterAnother(ids, wanted, (id) => this.#run(id, cache));
  }

  async dispose(): Promise<void> {
    for (const session of new Set([this.#encoder, this.#first, this.#later])) await session.release();
  }

  async #run(id: number, cache: SourceCache): Promise<Float32Array> {
    const { source } = cache;
    const begins = cache.length === 0;
    const session = begins ? this.#first : this.#later;
    // A branch may come before the first run: then the source's keys and values are computed here.
    const crossed = begins ? empty(this.#pasts) : (source.crossed ?? {});
    const feeds: TensorMap = {};
    for (const name of session.inputNames) {
      if (name === 'input_ids') feeds[name] = int64([id], [1, 1]);
      else if (name === 'encoder_attention_mask') feeds[name] = ones(source.ids.length);
      else if (name === 'decoder_attention_mask') feeds[name] = ones(cache.length + 1);
      else if (name === 'encoder_hidden_states') feeds[name] = source.states;
      else if (name === 'use_cache_branch') feeds[name] = new Tensor('bool', [!begins], [1]);
      else feeds[name] = (cache.tensors[name] ?? crossed[name]) as Tensor;
    }
    const wanted = this.#pasts.filter((past) => begins || !past.crossed);
    const outputs = await run(session, feeds, ['logits', ...wanted.map(({ present }) => present)]);
    if (begins) source.crossed ??= presents(wanted, true, outputs);
    cache.advance([id], presents(wanted, false, outputs));
    const logits = wantedLogits(outputs['logits'] as Tensor, 'last', 1).slice();
    for (const never of this.folder.seq2seq.never) if (never < logits.length) logits[never] = -Infinity;
    const { firstId } = this.folder.seq2seq;
    return begins && firstId !== undefined ? logits.map((x, other) => (other === firstId ? x : -Infinity)) : logits;
  }
}

/** What a run gave of the source, or of what is written, by input name. */
function presents(pasts: readonly Past[], crossed: boolean, outputs: TensorMap): Record<string, Tensor> {
  return Object.fromEntries(
    pasts.filter((past) => past.crossed === crossed).map(({ name, present }) => [name, outputs[present] as Tensor]),
  );
}

/** Tensors for caches that hold nothing. */
function empty(pasts: readonly Past[]): Record<string, Tensor> {
  return Object.fromEntries(
    pasts.map(({ name, type, dims }) => [
      name,
      new Tensor(type, type === 'float16' ? new Uint16Array(0) : new Float32Array(0), dims),
    ]),
  );
}

function ones(length: number): Tensor {
  return new Tensor('int64', new BigInt64Array(length).fill(1n), [1, length]);
}

function checkEncoder(session: Session, path: string): void {
  const stray = session.inputNames.find((name) => name !== 'input_ids' && name !== 'attention_mask');
  if (stray !== undefined) throw unsupported(t('{0} has an input "{1}" that is not known.', path, stray));
  if (!session.outputNames.includes('last_hidden_state'))
    throw unsupported(t('{0} has no output "{1}".', path, 'last_hidden_state'));
}

/** The decoder's cache inputs. @throws EngineError `model_unsupported` */
function pastsOf(folder: Seq2SeqFolder, first: Session, later: Session): Past[] {
  const { config, weightsPath, seq2seq } = folder;
  const path = seq2seq.laterPath ?? weightsPath;
  const pasts: Past[] = [];
  for (const input of later.inputMetadata) {
    const match = PAST.exec(input.name);
    if (match === null) {
      if (!KNOWN.has(input.name)) throw unsupported(t('{0} has an input "{1}" that is not known.', path, input.name));
      continue;
    }
    if (!input.isTensor || (input.type !== 'float32' && input.type !== 'float16'))
      throw unsupported(t('{0} has a cache input "{1}" that is neither float32 nor float16.', path, input.name));
    const present = input.name.replace('past_key_values', 'present');
    const [, heads, , headDim] = input.shape;
    const size = (given: number | string | undefined, otherwise: number): number =>
      typeof given === 'number' && given > 0 ? given : otherwise;
    const past: Past = {
      name: input.name,
      present,
      crossed: match[2] === 'encoder',
      type: input.type,
      dims: [1, size(heads, config.heads), 0, size(headDim, config.headDim)],
    };
    // What the first run gives of the source is used for all that follow.
    for (const session of past.crossed ? [first] : [first, later])
      if (!session.outputNames.includes(present))
        throw unsupported(t('{0} has no output "{1}" for its input "{2}".', path, present, input.name));
    pasts.push(past);
  }
  if (pasts.length === 0) throw unsupported(t('{0} has no cache inputs.', path));
  const stray = first.inputNames.find((name) => !KNOWN.has(name) && !PAST.test(name));
  if (stray !== undefined) throw unsupported(t('{0} has an input "{1}" that is not known.', weightsPath, stray));
  return pasts;
}

function unsupported(what: string): EngineError {
  return new EngineError(
    'model_unsupported',
    t(
      '{0} Export the model as encoder_model.onnx and decoder_model_merged.onnx (inputs encoder_hidden_states, past_key_values.*.decoder.*, past_key_values.*.encoder.*), as Optimum does.',
      what,
    ),
  );
}
