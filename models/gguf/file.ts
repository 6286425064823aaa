// Writes GGUF files, version 3 (github.com/ggml-org/ggml, docs/gguf.md): metadata, then the list of tensors, then their numbers.
// Knows the format, not what a model is.

/** Numbers of the value types. */
const TYPE = { uint32: 4, float32: 6, bool: 7, string: 8, array: 9 } as const;
const INT32 = 5;
/** Numbers of the tensor types (ggml.h). */
export const TENSOR_TYPE = { f32: 0, f16: 1, q8_0: 8 } as const;
export type TensorType = keyof typeof TENSOR_TYPE;
const VERSION = 3;
const ALIGNMENT = 32;

/** A value of the metadata: what JavaScript cannot tell apart is said in words. */
export type Value =
  | { uint32: number }
  | { float32: number }
  | { bool: boolean }
  | { string: string }
  | { strings: readonly string[] }
  | { int32s: readonly number[] };

export interface Tensor {
  name: string;
  /** Rows first, as in ONNX and PyTorch; the file lists them the other way round. */
  dims: readonly number[];
  type: TensorType;
  /** The numbers as they stand in the file, row-major. */
  bytes: Uint8Array;
}

/** The bytes of a GGUF file. Every tensor begins at a multiple of 32 bytes. */
export function ggufFile(metadata: Readonly<Record<string, Value>>, tensors: readonly Tensor[]): Uint8Array {
  const head = new Writer();
  head.bytes(new TextEncoder().encode('GGUF'));
  head.uint32(VERSION);
  head.uint64(tensors.length);
  head.uint64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    head.string(key);
    head.value(value);
  }
  let offset = 0;
  for (const { name, dims, type, bytes } of tensors) {
    head.string(name);
    head.uint32(dims.length);
    for (const dim of [...dims].reverse()) head.uint64(dim);
    head.uint32(TENSOR_TYPE[type]);
    head.uint64(offset);
    offset += aligned(bytes.length);
  }
  const start = aligned(head.length);
  const file = new Uint8Array(start + offset);
  file.set(head.finish());
  let at = start;
  for (const { bytes } of tensors) {
    file.set(bytes, at);
    at += aligned(bytes.length);
  }
  return file;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

/** Little-endian numbers and strings, one after the other. */
class Writer {
  readonly #parts: Uint8Array[] = [];
  length = 0;

  bytes(part: Uint8Array): void {
    this.#parts.push(part);
    this.length += part.length;
  }

  uint32(value: number): void {
    this.bytes(new Uint8Array(Uint32Array.of(value).buffer));
  }

  uint64(value: number): void {
    this.bytes(new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.uint64(bytes.length);
    this.bytes(bytes);
  }

  value(value: Value): void {
    if ('uint32' in value) {
      this.uint32(TYPE.uint32);
      this.uint32(value.uint32);
    } else if ('float32' in value) {
      this.uint32(TYPE.float32);
      this.bytes(new Uint8Array(Float32Array.of(value.float32).buffer));
    } else if ('bool' in value) {
      this.uint32(TYPE.bool);
      this.bytes(Uint8Array.of(value.bool ? 1 : 0));
    } else if ('string' in value) {
      this.uint32(TYPE.string);
      this.string(value.string);
    } else if ('strings' in value) {
      this.uint32(TYPE.array);
      this.uint32(TYPE.string);
      this.uint64(value.strings.length);
      for (const text of value.strings) this.string(text);
    } else {
      this.uint32(TYPE.array);
      this.uint32(INT32);
      this.uint64(value.int32s.length);
      this.bytes(new Uint8Array(Int32Array.from(value.int32s).buffer));
    }
  }

  finish(): Uint8Array {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}
