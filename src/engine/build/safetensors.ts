// Reads safetensors (github.com/huggingface/safetensors): eight bytes of length, a JSON header of that length, then the numbers. Its bytes are
// not trusted: whatever is read ends in numbers or in an error that names the file.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { t } from '../../l10n';
import { EngineError } from '../errors';
import { toFloats, WIDTHS } from './floats';

/** The length in front of the header. */
const PREFIX = 8;
/** No header is longer; the format's own reader says so. */
const LONGEST_HEADER = 100_000_000;
const INDEX = 'model.safetensors.index.json';
const WHOLE = 'model.safetensors';

/** A tensor that lies in a file. */
export interface StoredTensor {
  dtype: string;
  shape: number[];
  /** Numbers in it. */
  size: number;
  file: string;
  /** First byte in the file. */
  offset: number;
}

/** Weights by name, read in pieces. */
export interface Weights {
  /** Sizes of a tensor; undefined where there is none. */
  shape: (name: string) => readonly number[] | undefined;
  /** `count` numbers of a tensor, row-major, from the number `first`. @throws EngineError `model_damaged`, naming the file */
  read: (name: string, first: number, count: number) => Promise<Float32Array>;
}

/** Whether a folder has weights in safetensors. */
export function hasSafetensors(dir: string): boolean {
  return readdirSync(dir).some((name) => name.endsWith('.safetensors'));
}

/** The open files of a folder. Close it. */
export class Safetensors implements Weights {
  readonly #tensors = new Map<string, StoredTensor>();
  readonly #files = new Map<string, FileHandle>();

  /**
   * Reads the headers of a folder's files: all that model.safetensors.index.json names, or the one file that is there.
   * @throws EngineError `model_missing` or `model_damaged`, naming the file
   */
  static async open(dir: string): Promise<Safetensors> {
    const all = new Safetensors();
    try {
      for (const file of filesOf(dir)) await all.#add(join(dir, file));
      return all;
    } catch (error) {
      await all.close();
      throw error;
    }
  }

  get names(): string[] {
    return [...this.#tensors.keys()];
  }

  tensor(name: string): StoredTensor | undefined {
    return this.#tensors.get(name);
  }

  shape(name: string): readonly number[] | undefined {
    return this.#tensors.get(name)?.shape;
  }

  async read(name: string, first: number, count: number): Promise<Float32Array> {
    const { dtype, file, offset, size } = this.#tensors.get(name) as StoredTensor;
    const width = WIDTHS[dtype];
    if (width === undefined || first < 0 || first + count > size)
      throw new RangeError(`${name}: ${count} numbers of ${dtype} from ${first} of ${size}`);
    return toFloats(
      await bytesAt(this.#files.get(file) as FileHandle, file, offset + first * width, count * width),
      dtype,
    );
  }

  async close(): Promise<void> {
    for (const handle of this.#files.values()) await handle.close();
    this.#files.clear();
  }

  async #add(file: string): Promise<void> {
    const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT')
        throw new EngineError(
          'model_missing',
          t('The weights {0} are missing. Restore the file or choose another model folder.', file),
        );
      throw new EngineError('model_damaged', t('{0} cannot be read ({1}). Restore the file.', file, error.message));
    });
    this.#files.set(file, handle);
    const { size: length } = await handle.stat();
    for (const [name, tensor] of await readHeader(handle, file, length)) {
      if (this.#tensors.has(name)) throw damaged(file, `${name} is in another file, too`);
      this.#tensors.set(name, tensor);
    }
  }
}

/** The files that hold a folder's weights. */
function filesOf(dir: string): string[] {
  const index = join(dir, INDEX);
  if (statSync(index, { throwIfNoEntry: false }) !== undefined) {
    let map: unknown;
    try {
      map = (JSON.parse(readFileSync(index, 'utf8')) as Record<string, unknown> | null)?.['weight_map'];
    } catch (error) {
      throw damaged(index, (error as Error).message);
    }
    const files = typeof map === 'object' && map !== null ? [...new Set(Object.values(map) as unknown[])] : [];
    if (files.length === 0) throw damaged(index, 'it has no "weight_map"');
    return files.map((file) => {
      if (typeof file !== 'string' || ['', '.', '..'].includes(file) || file !== basename(file) || file.includes('\\'))
        throw damaged(index, `it names ${JSON.stringify(file)}, which is no file of the folder`);
      return file;
    });
  }
  const there = readdirSync(dir).filter((name) => name.endsWith('.safetensors'));
  const only = there.includes(WHOLE) ? WHOLE : there.length === 1 ? there[0] : undefined;
  if (only !== undefined) return [only];
  throw new EngineError(
    'model_missing',
    there.length === 0
      ? t(
          'The folder {0} has no model.safetensors. Choose a folder with config.json, tokenizer.json and safetensors.',
          dir,
        )
      : t(
          'The folder {0} has {1} safetensors files but no {2}, which says what is in them. Restore that file.',
          dir,
          there.length,
          INDEX,
        ),
  );
}

async function readHeader(handle: FileHandle, file: string, length: number): Promise<Map<string, StoredTensor>> {
  if (length < PREFIX) throw damaged(file, `it has ${length} bytes`);
  const prefix = await bytesAt(handle, file, 0, PREFIX);
  const headerLength = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true));
  if (headerLength > Math.min(LONGEST_HEADER, length - PREFIX))
    throw damaged(file, `its header is said to have ${headerLength} bytes, of ${length} in all`);
  const start = PREFIX + headerLength;
  let header: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await bytesAt(handle, file, PREFIX, headerLength));
    header = JSON.parse(text);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw damaged(file, `its header is not JSON: ${(error as Error).message}`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw damaged(file, 'its header is not a JSON object');
  const tensors = new Map<string, StoredTensor>();
  const spans: { name: string; from: number; to: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, from, to } = checkedEntry(file, name, entry, length - start);
    const size = shape.reduce((product, dim) => product * dim, 1);
    tensors.set(name, { dtype, shape, size, file, offset: start + from });
    if (to > from) spans.push({ name, from, to });
  }
  spans.sort((a, b) => a.from - b.from);
  for (const [i, { name, from }] of spans.entries()) {
    const before = spans[i - 1];
    if (before !== undefined && from < before.to) throw damaged(file, `${before.name} and ${name} overlap`);
  }
  return tensors;
}

/** What the header says of a tensor. @param length bytes of all numbers */
function checkedEntry(
  file: string,
  name: string,
  entry: unknown,
  length: number,
): { dtype: string; shape: number[]; from: number; to: number } {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const count = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !shape.every(count))
    throw damaged(file, `${name} has no type or no shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(count))
    throw damaged(file, `${name} has no place`);
  const [from, to] = offsets as [number, number];
  if (from > to || to > length) throw damaged(file, `${name} is said to lie at ${from} to ${to} of ${length} bytes`);
  const width = WIDTHS[dtype];
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (width !== undefined && size * width !== to - from)
    throw damaged(file, `${name} has ${to - from} bytes for the shape ${shape.join(' × ')} in ${dtype}`);
  return { dtype, shape, from, to };
}

async function bytesAt(handle: FileHandle, file: string, at: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    let bytesRead: number;
    try {
      ({ bytesRead } = await handle.read(bytes, done, length - done, at + done));
    } catch (error) {
      throw new EngineError(
        'model_damaged',
        t('{0} cannot be read ({1}). Restore the file.', file, (error as Error).message),
      );
    }
    if (bytesRead === 0) throw damaged(file, `it ends at byte ${at + done}`);
    done += bytesRead;
  }
  return bytes;
}

/** @param why for people who know the format */
export function damaged(file: string, why: string): EngineError {
  return new EngineError(
    'model_damaged',
    t('{0} is damaged ({1}). Restore the file, or fetch the model again.', file, why),
  );
}
