// What runs a graph, and what all ways of it need: rowRunner.ts, plainRunner.ts, gpuRunner.ts, and fallbackRunner.ts before one of them.

import { t } from '../l10n';
import { EngineError } from './errors';
import { NAMES } from './graph/attentionBlock';
import { halfToFloat } from './graph/tensors';
import type { KvCache } from './kvCache';
import type { ModelFolder } from './modelFolder';
import { Tensor, type Session, type TensorMap } from './session';

/** Which logits a run returns: after the last id, after each of so many last ids, or after each. */
export type Wanted = 'last' | 'all' | number;

/** How many rows of logits that is, of a run of n ids. */
export function rowsOf(wanted: Wanted, n: number): number {
  return wanted === 'all' ? n : wanted === 'last' ? 1 : Math.min(wanted, n);
}

export interface Runner {
  /** Whether only the last id's logits are computed where no others are wanted. */
  readonly lastLogitsAlone: boolean;
  /** A cache that holds nothing. */
  newCache(): KvCache;
  /** Runs `ids` after what the cache holds, and leaves their keys and values in it. @returns logits [wanted, vocab], row-major */
  forward(ids: readonly number[], cache: KvCache, wanted: Wanted): Promise<Float32Array>;
  /** Gives the weights' memory back; it is not used again. */
  dispose(): Promise<void>;
}

/** Matches the cache inputs of the Hugging Face layout: past_key_values.{layer}.key|value. */
const PAST = /^past_key_values\.(\d+)\.(key|value)$/;
const KNOWN_INPUTS = new Set([
  'input_ids',
  'attention_mask',
  'position_ids',
  'use_cache_branch',
  'num_logits_to_keep',
  'logits_to_keep',
  NAMES.rows,
]);

/** A cache input of an untouched graph. */
export interface PastInput {
  name: string;
  /** The output that holds the same array, longer by the new tokens. */
  present: string;
  type: 'float32' | 'float16';
  kvHeads: number;
  headDim: number;
}

/**
 * The inputs of a decoder run besides the cache.
 * @param past number of tokens the cache holds
 */
export function feedsFor(session: Session, ids: readonly number[], past: number, wanted: Wanted): TensorMap {
  const n = ids.length;
  const feeds: TensorMap = {};
  for (const name of session.inputNames) {
    if (name === 'input_ids') feeds[name] = int64(ids, [1, n]);
    else if (name === 'attention_mask')
      feeds[name] = new Tensor('int64', new BigInt64Array(past + n).fill(1n), [1, past + n]);
    else if (name === 'position_ids') feeds[name] = int64(counting(past, n), [1, n]);
    else if (name === 'use_cache_branch') feeds[name] = new Tensor('bool', [past > 0], [1]);
    else if (name === 'num_logits_to_keep' || name === 'logits_to_keep')
      feeds[name] = int64([wanted === 'all' ? 0 : rowsOf(wanted, n)], []);
  }
  return feeds;
}

export function int64(values: ArrayLike<number>, dims: number[]): Tensor {
  const data = new BigInt64Array(values.length);
  for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i] as number);
  return new Tensor('int64', data, dims);
}

/** n whole numbers from `start` up. */
export function counting(start: number, n: number): number[] {
  return Array.from({ length: n }, (_, i) => start + i);
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

/**
 * Checks an untouched graph against the contract of the model folder and lists its cache inputs.
 * @throws EngineError `model_unsupported`, naming the file and what was expected
 */
export function checkInputs(session: Session, { config, weightsPath }: ModelFolder): PastInput[] {
  const unsupported = (what: string): EngineError =>
    new EngineError(
      'model_unsupported',
      t(
        '{0} Export the model as a decoder with a cache (inputs input_ids, attention_mask, past_key_values.*; outputs logits, present.*).',
        what,
      ),
    );
  const pasts: PastInput[] = [];
  for (const input of session.inputMetadata) {
    const match = PAST.exec(input.name);
    if (match === null) {
      if (!KNOWN_INPUTS.has(input.name))
        throw unsupported(t('{0} has an input "{1}" that is not known.', weightsPath, input.name));
      continue;
    }
    if (!input.isTensor || (input.type !== 'float32' && input.type !== 'float16'))
      throw unsupported(t('{0} has a cache input "{1}" that is neither float32 nor float16.', weightsPath, input.name));
    const present = input.name.replace('past_key_values', 'present');
    if (!session.outputNames.includes(present))
      throw unsupported(t('{0} has no output "{1}" for its input "{2}".', weightsPath, present, input.name));
    const [, kvHeads, positions, headDim] = input.shape;
    if (input.shape.length !== 4 || (typeof positions === 'number' && positions > 0))
      throw unsupported(
        t(
          '{0} has a cache input "{1}" of the shape [{2}] where [batch, {3}, position, {4}] was expected, with as many positions as there are tokens.',
          weightsPath,
          input.name,
          input.shape.join(', '),
          config.kvHeads,
          config.headDim,
        ),
      );
    const differs = (inGraph: unknown, inConfig: number): inGraph is number =>
      typeof inGraph === 'number' && inGraph > 0 && inGraph !== inConfig;
    if (differs(kvHeads, config.kvHeads))
      throw unsupported(
        t(
          '{0} has {1} key heads in "{2}" where config.json says {3}.',
          weightsPath,
          kvHeads,
          input.name,
          config.kvHeads,
        ),
      );
    if (differs(headDim, config.headDim))
      throw unsupported(
        t(
          '{0} has {1} numbers a head in "{2}" where config.json says {3}.',
          weightsPath,
          headDim,
          input.name,
          config.headDim,
        ),
      );
    pasts.push({
      name: input.name,
      present,
      type: input.type,
      kvHeads: config.kvHeads,
      headDim: config.headDim,
    });
  }
  if (!session.inputNames.includes('input_ids'))
    throw unsupported(t('{0} has no input "{1}".', weightsPath, 'input_ids'));
  if (!session.outputNames.includes('logits')) throw unsupported(t('{0} has no output "{1}".', weightsPath, 'logits'));
  if (pasts.length !== 2 * config.layers)
    throw unsupported(
      t(
        "{0} has {1} cache inputs where config.json's {2} layers need {3}.",
        weightsPath,
        pasts.length,
        config.layers,
        2 * config.layers,
      ),
    );
  return pasts;
}

/** The numbers of a float32 or float16 tensor. */
export function toFloat32(tensor: Tensor): Float32Array {
  if (tensor.type === 'float32') return tensor.data as Float32Array;
  return Float32Array.from(tensor.data as Uint16Array, halfToFloat);
}

/** Of a tensor [1, at least those wanted, vocab] the logits wanted, [wanted, vocab]. @param n how many ids were run */
export function wantedLogits(tensor: Tensor, wanted: Wanted, n: number): Float32Array {
  const logits = toFloat32(tensor);
  const vocab = tensor.dims[tensor.dims.length - 1] as number;
  return logits.subarray(logits.length - rowsOf(wanted, n) * vocab);
}

/** The ids one after another through `forward`, and of their logits those wanted. */
export async function oneAfterAnother(
  ids: readonly number[],
  wanted: Wanted,
  forward: (id: number) => Promise<Float32Array>,
): Promise<Float32Array> {
  const rows: Float32Array[] = [];
  for (const id of ids) rows.push(await forward(id));
  const last = rows.slice(rows.length - rowsOf(wanted, ids.length));
  if (last.length === 1) return last[0] as Float32Array;
  const all = new Float32Array(last.reduce((sum, { length }) => sum + length, 0));
  last.forEach((row, i) => all.set(row, i * row.length));
  return all;
}
