// Tensors and attributes of ONNX files, as protobuf (onnx/onnx.proto gives the numbers).

import { concat, lengthField, stringField, varintField } from '../src/engine/protobuf';

const FLOAT = 1;
const INT64 = 7;
/** Element types, by their numbers in TensorProto. */
export const TYPES = {
  float32: FLOAT,
  uint8: 2,
  int8: 3,
  float16: 10,
  int64: INT64,
  int32: 6,
  bool: 9,
  uint4: 21,
} as const;

/** A whole number or a list of them; a float is marked, for 1 is both; a tensor is made by `intsTensor` or `floatsTensor`, a graph by `GraphWriter`. */
export type Attribute = number | number[] | { float: number } | { tensor: Uint8Array } | { graph: Uint8Array };

/** A TensorProto of int64. */
export function intsTensor(values: number[], dims = [values.length], name = ''): Uint8Array {
  // 2⁶³ − 1, an open end of Slice, is no double: what is too large becomes it.
  const data = BigInt64Array.from(values, (v) => (v >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(v)));
  return tensorProto(name, INT64, new Uint8Array(data.buffer), dims);
}

/** A TensorProto of float32 or, with `half`, of float16. */
export function floatsTensor(data: Float32Array, dims: number[], half = false, name = ''): Uint8Array {
  const stored = half ? Uint16Array.from(data, toHalf) : data;
  const raw = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  return tensorProto(name, half ? TYPES.float16 : FLOAT, raw, dims);
}

/** A TensorProto of `raw` bytes; `type` is one of TYPES. */
export function tensorProto(name: string, type: number, raw: Uint8Array, dims: number[]): Uint8Array {
  return concat([
    ...dims.map((d) => varintField(1, d)),
    varintField(2, type),
    stringField(8, name),
    lengthField(9, raw),
  ]);
}

/** number → IEEE 754 binary16 bits, the nearest; finite numbers past the largest are that. */
export function toHalf(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  if (Math.abs(value) === Infinity) return sign + 0x7c00;
  const size = Math.min(Math.abs(value), 65504);
  if (size < 2 ** -14) return sign + Math.round(size * 2 ** 24); // a carry makes it the smallest normal number
  const exponent = Math.floor(Math.log2(size));
  return sign + ((exponent + 15) << 10) + Math.round((size / 2 ** exponent - 1) * 1024); // a carry goes into the exponent
}

/** An AttributeProto. */
export function attribute(name: string, value: Attribute): Uint8Array {
  const of = (type: number, ...fields: Uint8Array[]): Uint8Array =>
    concat([stringField(1, name), ...fields, varintField(20, type)]);
  if (typeof value === 'number') return of(2, signedField(3, value));
  if (Array.isArray(value)) return of(7, ...value.map((i) => signedField(8, i)));
  if ('float' in value) return of(1, floatField(2, value.float));
  return 'graph' in value ? of(5, lengthField(6, value.graph)) : of(4, lengthField(5, value.tensor));
}

/** A field that holds an int64: a negative number is its two's complement, ten bytes. */
function signedField(number: number, value: number): Uint8Array {
  if (value >= 0) return varintField(number, value);
  const bytes = [number * 8];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** A field of wire type 5. */
function floatField(number: number, value: number): Uint8Array {
  return concat([Uint8Array.of(number * 8 + 5), new Uint8Array(Float32Array.of(value).buffer)]);
}
