// Reads the benchmark's random models back, number by number, apart from what wrote them: onnx/onnx.proto, ONNX Runtime's MatMulNBits, ggml's
// docs/gguf.md and block_q4_0.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fields, text, type Field } from '../../src/engine/protobuf';

/** Numbers, row-major, by name. */
export type Numbers = Map<string, Float32Array>;
const BLOCK = 32;

/** The weights of onnx/model_q4.onnx: vectors by their names, matrices without the suffix of their codes. */
export function readOnnx(dir: string): Numbers {
  const graph = only(fields(readFileSync(join(dir, 'onnx', 'model_q4.onnx'))), 7);
  const arrays = new Map<string, { type: number; bytes: Uint8Array }>();
  for (const initializer of fields(graph.bytes).filter(({ number }) => number === 5)) {
    const parts = fields(initializer.bytes);
    const entries = parts.filter(({ number }) => number === 13).map(({ bytes }) => fields(bytes));
    const external = new Map(entries.map((entry) => [text(only(entry, 1)), text(only(entry, 2))]));
    const [location, offset, length] = ['location', 'offset', 'length'].map((key) => external.get(key));
    const bytes =
      location === undefined
        ? only(parts, 9).bytes
        : readFileSync(join(dir, 'onnx', location)).subarray(Number(offset), Number(offset) + Number(length));
    arrays.set(text(only(parts, 8)), { type: only(parts, 2).value, bytes });
  }
  const found: Numbers = new Map();
  for (const [name, { type, bytes }] of arrays) {
    if (type === 1) found.set(name, floats(bytes));
    if (!name.endsWith('_q4')) continue;
    const weight = name.slice(0, -'_q4'.length);
    const scales = floats(arrays.get(`${weight}_scales`)?.bytes as Uint8Array);
    const values = new Float32Array(bytes.length * 2);
    for (let i = 0; i < values.length; i++) {
      const byte = bytes[Math.floor(i / 2)] as number;
      const code = i % 2 === 0 ? byte % 16 : Math.floor(byte / 16);
      values[i] = (code - 8) * (scales[Math.floor(i / BLOCK)] as number);
    }
    found.set(weight, values);
  }
  return found;
}

/** The tensors of a GGUF file without arrays of arrays; types f32 and q4_0. */
export function readGgufQ4(path: string): { numbers: Numbers; strings: Map<string, string> } {
  const file = readFileSync(path);
  let at = 4; // "GGUF"
  const u32 = (): number => file.readUInt32LE((at += 4) - 4);
  const u64 = (): number => Number(file.readBigUInt64LE((at += 8) - 8));
  const string = (): string => {
    const length = u64();
    return file.toString('utf8', at, (at += length));
  };
  const strings = new Map<string, string>();
  const value = (key: string, type: number): void => {
    if (type === 8) strings.set(key, string());
    else if (type === 9) {
      const [inner, length] = [u32(), u64()];
      for (let i = 0; i < length; i++) value('', inner);
    } else at += type === 7 ? 1 : 4;
  };
  u32(); // the version
  const [tensors, values] = [u64(), u64()];
  for (let i = 0; i < values; i++) value(string(), u32());
  const infos = Array.from({ length: tensors }, () => {
    const name = string();
    const count = Array.from({ length: u32() }, u64).reduce((a, b) => a * b, 1);
    return { name, count, type: u32(), offset: u64() };
  });
  const start = Math.ceil(at / 32) * 32;
  const numbers: Numbers = new Map();
  for (const { name, count, type, offset } of infos) {
    const of = (i: number): number => {
      if (type === 0) return file.readFloatLE(start + offset + 4 * i);
      const block = start + offset + 18 * Math.floor(i / BLOCK);
      const within = i % BLOCK;
      const byte = file[block + 2 + (within % 16)] as number;
      return ((within < 16 ? byte % 16 : Math.floor(byte / 16)) - 8) * half(file.readUInt16LE(block));
    };
    numbers.set(
      name,
      Float32Array.from({ length: count }, (_, i) => of(i)),
    );
  }
  return { numbers, strings };
}

function only(parts: readonly Field[], number: number): Field {
  const found = parts.find((part) => part.number === number);
  if (found === undefined) throw new RangeError(`no field ${number}`);
  return found;
}

function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** IEEE 754 binary16 */
function half(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}
