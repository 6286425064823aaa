// What runs a graph, and what all ways of it need: rowRunner.ts, plainRunner.ts, gpuRunner.ts, and fallbackRunner.ts before one of them.

import { t } from '../l10n';
import { cacheInputs, isCacheInput, noDecoder, type CacheInput } from './cacheInputs';
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

const KNOWN_INPUTS = new Set([
  'input_ids',
  'attention_mask',
  'position_ids',
  'use_cache_branch',
  'num_logits_to_keep',
  'logits_to_keep',
  NAMES.rows,
]);

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

/**
 * Checks an untouched graph against the contract of the model folder and lists its cache inputs.
 * @throws EngineError `model_unsupported`, naming the file and what was expected
 */
export function checkInputs(session: Session, folder: ModelFolder): CacheInput[] {
  const { weightsPath } = folder;
  for (const { name } of session.inputMetadata)
    if (!KNOWN_INPUTS.has(name) && !isCacheInput(name))
      throw noDecoder(t('{0} has an input "{1}" that is not known.', weightsPath, name));
  const pasts = cacheInputs(session, folder);
  if (!session.inputNames.includes('input_ids'))
    throw noDecoder(t('{0} has no input "{1}".', weightsPath, 'input_ids'));
  if (!session.outputNames.includes('logits')) throw noDecoder(t('{0} has no output "{1}".', weightsPath, 'logits'));
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
  return joinedRows(rows.slice(rows.length - rowsOf(wanted, ids.length)));
}

/** Arrays as one. */
export function joinedRows(rows: readonly Float32Array[]): Float32Array {
  if (rows.length === 1) return rows[0] as Float32Array;
  const all = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0));
  rows.reduce((at, row) => (all.set(row, at), at + row.length), 0);
  return all;
}
