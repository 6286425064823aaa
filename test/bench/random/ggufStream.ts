// Writes GGUF files, version 3 (github.com/ggml-org/ggml, docs/gguf.md), array by array, for files too large to hold.

import { closeSync, openSync, writeSync } from 'node:fs';
import type { Value } from '../../../models/gguf/file';

/** Numbers of the tensor types (ggml.h). */
export const TENSOR_TYPE = { f32: 0, q4_0: 2 } as const;
/** Numbers of the value types; int32 stands in arrays only. */
const TYPE = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const [VERSION, ALIGNMENT] = [3, 32];

export interface StreamedTensor {
  name: string;
  /** Rows first; the file lists them the other way round. */
  dims: readonly number[];
  type: keyof typeof TENSOR_TYPE;
  /** Length of what `bytes` returns. */
  size: number;
  /** Called once, when its turn has come. */
  bytes: () => Uint8Array;
}

/** Writes the file; the numbers of one tensor at a time are in memory. */
export function writeGguf(
  path: string,
  metadata: Readonly<Record<string, Value>>,
  tensors: readonly StreamedTensor[],
): void {
  const values = Object.entries(metadata);
  const parts = [Buffer.from('GGUF'), uint32(VERSION), uint64(tensors.length), uint64(values.length)];
  for (const [key, value] of values) parts.push(string(key), encoded(value));
  let offset = 0;
  for (const { name, dims, type, size } of tensors) {
    parts.push(string(name), uint32(dims.length), ...[...dims].reverse().map(uint64));
    parts.push(uint32(TENSOR_TYPE[type]), uint64(offset));
    offset += aligned(size);
  }
  const file = openSync(path, 'w');
  try {
    write(file, Buffer.concat(parts));
    for (const { name, size, bytes } of tensors) {
      const numbers = bytes();
      if (numbers.length !== size) throw new RangeError(`${name} has ${numbers.length} bytes, not ${size}`);
      write(file, numbers);
    }
  } finally {
    closeSync(file);
  }
}

/** Bytes, and zeros up to the next multiple of the alignment. */
function write(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  const rest = aligned(bytes.length) - bytes.length;
  if (rest > 0) writeSync(file, new Uint8Array(rest));
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function encoded(value: Value): Buffer {
  if ('uint32' in value) return Buffer.concat([uint32(TYPE.uint32), uint32(value.uint32)]);
  if ('float32' in value) return Buffer.concat([uint32(TYPE.float32), raw(Float32Array.of(value.float32))]);
  if ('bool' in value) return Buffer.concat([uint32(TYPE.bool), Buffer.of(value.bool ? 1 : 0)]);
  if ('string' in value) return Buffer.concat([uint32(TYPE.string), string(value.string)]);
  const head = (type: number, length: number): Buffer[] => [uint32(TYPE.array), uint32(type), uint64(length)];
  return 'strings' in value
    ? Buffer.concat([...head(TYPE.string, value.strings.length), ...value.strings.map(string)])
    : Buffer.concat([...head(TYPE.int32, value.int32s.length), raw(Int32Array.from(value.int32s))]);
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  return raw(Uint32Array.of(value));
}

function uint64(value: number): Buffer {
  return raw(BigUint64Array.of(BigInt(value)));
}

/** Numbers as they stand in memory: little-endian on every machine that Node runs on. */
function raw(numbers: { buffer: ArrayBufferLike }): Buffer {
  return Buffer.from(numbers.buffer);
}
