// A decoder as an ONNX graph: names and shapes checked once at load, then one forward(). Knows token ids, no text.

import { EngineError } from './errors';
import { KvCache } from './kvCache';
import type { ModelFolder } from './modelFolder';
import { openSession, run, Tensor, type Session, type TensorMap } from './session';

/** Matches the cache inputs of the Hugging Face layout: past_key_values.{layer}.key|value. */
const PAST = /^past_key_values\.(\d+)\.(key|value)$/;
const KNOWN_INPUTS = new Set([
  'input_ids',
  'attention_mask',
  'position_ids',
  'use_cache_branch',
  'num_logits_to_keep',
  'logits_to_keep',
]);
/** Bounds the logits of one prefill run, [token, vocab] float32, to 16 MiB. */
const MAX_LOGITS_PER_RUN = 4 * 1024 * 1024;
const MAX_CHUNK = 256;

interface PastInput {
  name: string;
  /** The output that holds the same array, longer by the new tokens. */
  present: string;
  type: 'float32' | 'float16';
  kvHeads: number;
  headDim: number;
}

/** A loaded model. */
export class Model {
  readonly #session: Session;
  readonly #pasts: PastInput[];
  readonly folder: ModelFolder;
  readonly device: string;
  readonly deviceNote: string | undefined;
  /** Most tokens to run at once: bounds both the memory of a run and the time until a cancel is noticed. */
  readonly chunk: number;

  private constructor(session: Session, folder: ModelFolder, device: string, deviceNote: string | undefined) {
    this.#session = session;
    this.#pasts = checkInputs(session, folder);
    this.folder = folder;
    this.device = device;
    this.deviceNote = deviceNote;
    this.chunk = Math.max(8, Math.min(MAX_CHUNK, Math.floor(MAX_LOGITS_PER_RUN / folder.config.vocab)));
  }

  /** @throws EngineError `model_damaged` or `model_unsupported`, naming the file and what was expected */
  static async load(folder: ModelFolder, device: string): Promise<Model> {
    const opened = await openSession(folder.weightsPath, device);
    return new Model(opened.session, folder, opened.device, opened.deviceNote);
  }

  /** A cache that holds nothing. */
  newCache(): KvCache {
    return new KvCache(emptyPasts(this.#pasts));
  }

  /**
   * Runs `ids` after what the cache holds, and leaves their keys and values in it.
   * @param ids at most `chunk` of them keep cancelling prompt
   * @param wanted 'last': the logits [vocab] after the last id; 'all': [ids, vocab], row-major
   * @throws EngineError `inference_failed`
   */
  async forward(ids: readonly number[], cache: KvCache, wanted: 'last' | 'all' = 'last'): Promise<Float32Array> {
    const feeds = feedsFor(this.#session, ids, cache.ids.length, wanted);
    for (const past of this.#pasts) feeds[past.name] = cache.tensors[past.name] as Tensor;
    const outputs = await run(this.#session, feeds, ['logits', ...this.#pasts.map((past) => past.present)]);
    cache.advance(ids, Object.fromEntries(this.#pasts.map((past) => [past.name, outputs[past.present] as Tensor])));

    const logits = toFloat32(outputs['logits'] as Tensor);
    const vocab = (outputs['logits'] as Tensor).dims[2] as number;
    return wanted === 'all' ? logits : logits.subarray(logits.length - vocab);
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * The inputs of a decoder run besides the cache.
 * @param past number of tokens the cache holds
 */
export function feedsFor(session: Session, ids: readonly number[], past: number, wanted: 'last' | 'all'): TensorMap {
  const n = ids.length;
  const int64 = (values: ArrayLike<number>, dims: number[]): Tensor =>
    new Tensor('int64', BigInt64Array.from(values as number[], BigInt), dims);
  const feeds: TensorMap = {};
  for (const name of session.inputNames) {
    if (name === 'input_ids') feeds[name] = int64(ids, [1, n]);
    else if (name === 'attention_mask')
      feeds[name] = new Tensor('int64', new BigInt64Array(past + n).fill(1n), [1, past + n]);
    else if (name === 'position_ids')
      feeds[name] = int64(
        Array.from(ids, (_, i) => past + i),
        [1, n],
      );
    else if (name === 'use_cache_branch') feeds[name] = new Tensor('bool', [past > 0], [1]);
    else if (name === 'num_logits_to_keep' || name === 'logits_to_keep')
      feeds[name] = int64([wanted === 'last' ? 1 : 0], []);
  }
  return feeds;
}

/** Tensors for a cache without a position, by input name. */
export function emptyPasts(pasts: readonly PastInput[]): TensorMap {
  return Object.fromEntries(
    pasts.map(({ name, type, kvHeads, headDim }) => [
      name,
      new Tensor(type, type === 'float16' ? new Uint16Array(0) : new Float32Array(0), [1, kvHeads, 0, headDim]),
    ]),
  );
}

/** Checks the graph against the contract of the model folder and lists its cache inputs. */
export function checkInputs(session: Session, { config, weightsPath }: ModelFolder): PastInput[] {
  const unsupported = (what: string): EngineError =>
    new EngineError(
      'model_unsupported',
      `${weightsPath} ${what}. Export the model as a decoder with a cache (inputs input_ids, attention_mask, past_key_values.*; outputs logits, present.*).`,
    );
  const pasts: PastInput[] = [];
  for (const input of session.inputMetadata) {
    const match = PAST.exec(input.name);
    if (match === null) {
      if (!KNOWN_INPUTS.has(input.name)) throw unsupported(`has an input "${input.name}" that is not known`);
      continue;
    }
    if (!input.isTensor || (input.type !== 'float32' && input.type !== 'float16'))
      throw unsupported(`has a cache input "${input.name}" that is neither float32 nor float16`);
    const present = input.name.replace('past_key_values', 'present');
    if (!session.outputNames.includes(present))
      throw unsupported(`has no output "${present}" for its input "${input.name}"`);
    const [, kvHeads, , headDim] = input.shape;
    for (const [name, inGraph, inConfig] of [
      ['key heads', kvHeads, config.kvHeads],
      ['numbers a head', headDim, config.headDim],
    ] as const) {
      if (typeof inGraph === 'number' && inGraph > 0 && inGraph !== inConfig)
        throw unsupported(`has ${inGraph} ${name} in "${input.name}" where config.json says ${inConfig}`);
    }
    pasts.push({
      name: input.name,
      present,
      type: input.type,
      kvHeads: config.kvHeads,
      headDim: config.headDim,
    });
  }
  if (!session.inputNames.includes('input_ids')) throw unsupported('has no input "input_ids"');
  if (!session.outputNames.includes('logits')) throw unsupported('has no output "logits"');
  if (pasts.length !== 2 * config.layers)
    throw unsupported(
      `has ${pasts.length} cache inputs where config.json's ${config.layers} layers need ${2 * config.layers}`,
    );
  return pasts;
}

/** The numbers of a float32 or float16 tensor. */
export function toFloat32(tensor: Tensor): Float32Array {
  if (tensor.type === 'float32') return tensor.data as Float32Array;
  return Float32Array.from(tensor.data as Uint16Array, halfToFloat);
}

/** IEEE 754 binary16 bits → number. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
