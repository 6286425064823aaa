// Tensors and attributes inside an ONNX file: small ones are read as numbers, new ones are written.

import { bytesOf, concat, fields, lengthField, stringField, text, varintField, type Field } from '../protobuf';

const TENSOR = { dims: 1, element: 2, floats: 4, ints32: 5, ints64: 7, name: 8, raw: 9 };
const ATTRIBUTE = { name: 1, float: 2, int: 3, string: 4, tensor: 5, floats: 7, ints: 8, type: 20 };
const TYPE = { float: 1, int: 2, ints: 7 };
const ELEMENT_FLOAT = 1;
const ELEMENT_INT64 = 7;
const ELEMENT_INT32 = 6;
const ELEMENT_FLOAT16 = 10;
/** Tensors of more numbers are never asked for theirs: a table of a million positions is the longest that somebody reads. */
const MOST_VALUES = 1 << 26;
/** Bytes of a number in `raw`, by element type. */
const WIDTHS = new Map([
  [ELEMENT_FLOAT, 4],
  [ELEMENT_INT32, 4],
  [ELEMENT_INT64, 8],
  [ELEMENT_FLOAT16, 2],
]);
/** Bytes of the longest varint. */
const LONGEST_VARINT = 10;

/** What an initializer or a constant holds. */
export interface ReadTensor {
  name: string;
  element: number;
  dims: number[];
  /** Its numbers; undefined where they lie outside the file, are of a type that nobody here reads, or are not as many as `dims` says. */
  values: () => number[] | Float64Array | undefined;
}

export type AttributeValue = number | number[] | string | ReadTensor;
/** What a new node's attribute may be; { float } tells a float from an integer. */
export type GivenAttribute = number | readonly number[] | { float: number };

/** Reads a TensorProto. @throws RangeError where the bytes are none */
export function readTensor(bytes: Uint8Array): ReadTensor {
  const parts = fields(bytes);
  const element = parts.find((f) => f.number === TENSOR.element)?.value ?? 0;
  const name = parts.find((f) => f.number === TENSOR.name);
  const dims = parts.filter((f) => f.number === TENSOR.dims).flatMap(integers);
  return {
    name: name === undefined ? '' : text(name),
    element,
    dims,
    values: () => {
      const size = dims.reduce((product, dim) => product * dim, 1);
      if (size > MOST_VALUES) return undefined;
      const values = tensorValues(parts, element, size);
      return values?.length === size ? values : undefined;
    },
  };
}

function tensorValues(parts: Field[], element: number, size: number): number[] | Float64Array | undefined {
  const field = parts.find((f) => f.number === TENSOR.raw);
  const raw = field === undefined ? undefined : bytesOf(field);
  if (raw !== undefined && raw.length > 0) {
    const width = WIDTHS.get(element);
    if (width === undefined || raw.length !== size * width) return undefined;
    const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
    const read = (at: (offset: number) => number): Float64Array => {
      const values = new Float64Array(size);
      for (let i = 0; i < size; i++) values[i] = at(i * width);
      return values;
    };
    if (element === ELEMENT_FLOAT) return read((at) => view.getFloat32(at, true));
    if (element === ELEMENT_INT32) return read((at) => view.getInt32(at, true));
    if (element === ELEMENT_INT64) return read((at) => Number(view.getBigInt64(at, true)));
    return read((at) => halfToFloat(view.getUint16(at, true)));
  }
  const of = (number: number): Field[] => parts.filter((f) => f.number === number);
  if (element === ELEMENT_FLOAT) return of(TENSOR.floats).flatMap(floats);
  if (element === ELEMENT_INT32) return of(TENSOR.ints32).flatMap(integers);
  if (element === ELEMENT_INT64) return of(TENSOR.ints64).flatMap(integers);
  return undefined;
}

/** Writes a TensorProto. */
export function tensorBytes(
  name: string,
  element: 'float32' | 'int64',
  values: readonly number[],
  dims: readonly number[],
): Uint8Array {
  const data = element === 'float32' ? Float32Array.from(values) : BigInt64Array.from(values, BigInt);
  return concat([
    ...dims.map((dim) => varintField(TENSOR.dims, dim)),
    varintField(TENSOR.element, element === 'float32' ? ELEMENT_FLOAT : ELEMENT_INT64),
    stringField(TENSOR.name, name),
    lengthField(TENSOR.raw, new Uint8Array(data.buffer)),
  ]);
}

/** A TensorProto with the bytes of several along their first axis; undefined where one has none in the file, or other sizes behind it. */
export function joinedTensor(name: string, parts: readonly (Uint8Array | undefined)[]): Uint8Array | undefined {
  const read = parts.map((bytes) => (bytes === undefined ? undefined : { ...readTensor(bytes), raw: rawOf(bytes) }));
  const [first] = read;
  if (first?.raw === undefined || first.dims.length === 0) return undefined;
  let rows = 0;
  for (const part of read) {
    const alike = part?.raw !== undefined && part.element === first.element;
    if (!alike || part.dims.slice(1).join() !== first.dims.slice(1).join()) return undefined;
    rows += part.dims[0] as number;
  }
  return concat([
    ...[rows, ...first.dims.slice(1)].map((dim) => varintField(TENSOR.dims, dim)),
    varintField(TENSOR.element, first.element),
    stringField(TENSOR.name, name),
    lengthField(TENSOR.raw, concat(read.map((part) => part?.raw as Uint8Array))),
  ]);
}

function rawOf(bytes: Uint8Array): Uint8Array | undefined {
  const raw = fields(bytes).find((f) => f.number === TENSOR.raw)?.bytes;
  return raw === undefined || raw.length === 0 ? undefined : raw;
}

/** Reads an AttributeProto. @returns its name and value; '' for kinds that nobody here asks for. @throws RangeError where the bytes are none */
export function readAttribute(bytes: Uint8Array): [string, AttributeValue] {
  let name = '';
  let value: AttributeValue = '';
  const lists: number[][] = [];
  for (const field of fields(bytes)) {
    if (field.number === ATTRIBUTE.name) name = text(field);
    else if (field.number === ATTRIBUTE.float) value = floats(field)[0] ?? 0;
    else if (field.number === ATTRIBUTE.int) value = integers(field)[0] ?? 0;
    else if (field.number === ATTRIBUTE.string) value = text(field);
    else if (field.number === ATTRIBUTE.tensor) value = readTensor(bytesOf(field));
    else if (field.number === ATTRIBUTE.ints) lists.push(integers(field));
    else if (field.number === ATTRIBUTE.floats) lists.push(floats(field));
  }
  const list = lists.flat();
  return [name, list.length > 0 ? list : value];
}

/** Writes an AttributeProto; integers from 0 up. */
export function encodeAttribute(name: string, value: GivenAttribute): Uint8Array {
  if (typeof value === 'number')
    return concat([
      stringField(ATTRIBUTE.name, name),
      varintField(ATTRIBUTE.int, value),
      varintField(ATTRIBUTE.type, TYPE.int),
    ]);
  if ('float' in value) {
    const four = new Uint8Array(Float32Array.of(value.float).buffer);
    return concat([
      stringField(ATTRIBUTE.name, name),
      Uint8Array.of(ATTRIBUTE.float * 8 + 5),
      four,
      varintField(ATTRIBUTE.type, TYPE.float),
    ]);
  }
  return concat([
    stringField(ATTRIBUTE.name, name),
    ...value.map((i) => varintField(ATTRIBUTE.ints, i)),
    varintField(ATTRIBUTE.type, TYPE.ints),
  ]);
}

/** The integers of a field: one varint, or several packed; negative ones take ten bytes. */
function integers(field: Field): number[] {
  const bytes = field.wire === 0 ? field.whole.subarray(tagLength(field.whole)) : field.bytes;
  const found: number[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    if (shift >= 7n * BigInt(LONGEST_VARINT))
      throw new RangeError(`not a protobuf message: a number in field ${field.number} does not end`);
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte < 0x80) {
      found.push(Number(BigInt.asIntN(64, value)));
      value = shift = 0n;
    }
  }
  return found;
}

/** The float32 numbers of a field: one, or several packed. */
function floats(field: Field): number[] {
  const bytes = field.wire === 5 ? field.whole.subarray(tagLength(field.whole)) : field.bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => view.getFloat32(i * 4, true));
}

function tagLength(whole: Uint8Array): number {
  return whole.findIndex((byte) => byte < 0x80) + 1;
}

/** IEEE 754 binary16 bits → number. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
