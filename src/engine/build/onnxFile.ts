// Puts an ONNX graph into protobuf (field numbers: onnx/onnx.proto), large arrays into a file beside it, piece by piece.

import { writeSync } from 'node:fs';
import { concat, lengthField, stringField, varintField } from '../protobuf';

/** Element types, by their numbers in TensorProto. */
const TYPES = { float32: 1, uint8: 2, int64: 7, int32: 6 } as const;
type Type = keyof typeof TYPES;
/** Kinds of an attribute. */
const [FLOAT, INT] = [1, 2];
/** TensorProto.DataLocation */
const EXTERNAL = 1;
/** Arrays of the file begin at such a multiple, so that it can be mapped into memory. */
const PAGE = 4096;

export type Attribute = { int: number } | { float: number };
export interface Value {
  name: string;
  type: Type;
  shape: readonly (number | string)[];
}
/** An array in the file of large arrays. */
export interface Stored {
  offset: number;
  length: number;
}

/** A graph under construction. */
export class OnnxGraph {
  readonly #parts: Uint8Array[] = [];
  readonly #data: { file: number; name: string };
  #end = 0;

  /** @param data the open file for large arrays, and its name beside the graph */
  constructor(data: { file: number; name: string }) {
    this.#data = data;
  }

  /** Adds a node of ONNX, or of ONNX Runtime's domain. @returns its first output */
  node(
    op: string,
    inputs: string[],
    outputs: string | string[],
    attributes: Record<string, Attribute> = {},
    domain = '',
  ) {
    const names = [outputs].flat();
    this.#parts.push(
      lengthField(
        1,
        concat([
          ...inputs.map((name) => stringField(1, name)),
          ...names.map((name) => stringField(2, name)),
          stringField(3, names[0] as string),
          stringField(4, op),
          ...Object.entries(attributes).map(([name, value]) => lengthField(5, attribute(name, value))),
          stringField(7, domain),
        ]),
      ),
    );
    return names[0] as string;
  }

  /** Adds a small array. @returns its name */
  constant(name: string, type: Type, bytes: ArrayBufferView, dims: readonly number[]): string {
    const raw = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#initializer(name, type, dims, [lengthField(9, raw)]);
  }

  /** Keeps a place in the file for a large array, to be filled by `write`. @param length bytes */
  reserve(length: number): Stored {
    const offset = Math.ceil(this.#end / PAGE) * PAGE;
    this.#end = offset + length;
    return { offset, length };
  }

  /** Writes part of a large array. @param at byte of it that the part begins at @throws RangeError past its end */
  write({ offset, length }: Stored, at: number, bytes: ArrayBufferView): void {
    const raw = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (at + raw.length > length) throw new RangeError(`${at + raw.length} bytes for an array of ${length}`);
    for (let done = 0; done < raw.length;)
      done += writeSync(this.#data.file, raw, done, raw.length - done, offset + at + done);
  }

  /** Writes a large array into the file. */
  store(bytes: ArrayBufferView): Stored {
    const stored = this.reserve(bytes.byteLength);
    this.write(stored, 0, bytes);
    return stored;
  }

  /** Bytes of the file so far. */
  get size(): number {
    return this.#end;
  }

  /** Adds an array that stands in the file; several may stand for the same bytes. @returns its name */
  external(name: string, type: Type, { offset, length }: Stored, dims: readonly number[]): string {
    const entry = (key: string, value: string): Uint8Array =>
      lengthField(13, concat([stringField(1, key), stringField(2, value)]));
    const entries = [entry('location', this.#data.name), entry('offset', `${offset}`), entry('length', `${length}`)];
    return this.#initializer(name, type, dims, [...entries, varintField(14, EXTERNAL)]);
  }

  /** The bytes of the finished model. @param name of the graph */
  finish(inputs: readonly Value[], outputs: readonly Value[], name = 'random'): Uint8Array {
    const graph = concat([
      ...this.#parts,
      stringField(2, name),
      ...inputs.map((value) => lengthField(11, valueInfo(value))),
      ...outputs.map((value) => lengthField(12, valueInfo(value))),
    ]);
    const opset = (domain: string, version: number): Uint8Array =>
      lengthField(8, concat([stringField(1, domain), varintField(2, version)]));
    return concat([varintField(1, 8), opset('', 17), opset('com.microsoft', 1), lengthField(7, graph)]);
  }

  #initializer(name: string, type: Type, dims: readonly number[], where: Uint8Array[]): string {
    const fields = [
      ...dims.map((dim) => varintField(1, dim)),
      varintField(2, TYPES[type]),
      stringField(8, name),
      ...where,
    ];
    this.#parts.push(lengthField(5, concat(fields)));
    return name;
  }
}

function attribute(name: string, value: Attribute): Uint8Array {
  if ('int' in value) return concat([stringField(1, name), varintField(3, value.int), varintField(20, INT)]);
  const tag = Uint8Array.of(2 * 8 + 5); // field 2, four bytes
  const bytes = new Uint8Array(Float32Array.of(value.float).buffer);
  return concat([stringField(1, name), tag, bytes, varintField(20, FLOAT)]);
}

function valueInfo({ name, type, shape }: Value): Uint8Array {
  const dims = shape.map((dim) => lengthField(1, typeof dim === 'number' ? varintField(1, dim) : stringField(2, dim)));
  const tensor = concat([varintField(1, TYPES[type]), lengthField(2, concat(dims))]);
  return concat([stringField(1, name), lengthField(2, lengthField(1, tensor))]);
}
