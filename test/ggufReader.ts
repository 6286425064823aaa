// Reads GGUF files, version 3, to be compared with: written apart from the writer, after ggml's docs/gguf.md.

export interface Gguf {
  metadata: Map<string, unknown>;
  /** By name: dims with the rows first, the type's number, and the numbers as float32, row-major. */
  tensors: Map<string, { dims: number[]; type: number; values: Float32Array }>;
}

/** Types of the tensors: 0 is f32, 1 f16, 8 q8_0. */
export function readGguf(file: Uint8Array): Gguf {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  const u32 = (): number => view.getUint32((at += 4) - 4, true);
  const u64 = (): number => Number(view.getBigUint64((at += 8) - 8, true));
  const string = (): string => {
    const length = u64();
    return Buffer.from(file.subarray(at, (at += length))).toString('utf8');
  };
  const value = (type: number): unknown => {
    switch (type) {
      case 4:
        return u32();
      case 5:
        return view.getInt32((at += 4) - 4, true);
      case 6:
        return view.getFloat32((at += 4) - 4, true);
      case 7:
        return view.getUint8(at++) === 1;
      case 8:
        return string();
      case 9: {
        const [inner, length] = [u32(), u64()];
        return Array.from({ length }, () => value(inner));
      }
      default:
        throw new RangeError(`value type ${type} at byte ${at}`);
    }
  };
  if (string4() !== 'GGUF' || u32() !== 3) throw new RangeError('not GGUF version 3');
  const [tensorCount, valueCount] = [u64(), u64()];
  const metadata = new Map(Array.from({ length: valueCount }, () => [string(), value(u32())]));
  const infos = Array.from({ length: tensorCount }, () => {
    const name = string();
    const dims = Array.from({ length: u32() }, u64).reverse();
    return { name, dims, type: u32(), offset: u64() };
  });
  const start = Math.ceil(at / 32) * 32;
  const tensors = new Map(
    infos.map(({ name, dims, type, offset }) => {
      if (offset % 32 !== 0) throw new RangeError(`${name} begins at ${offset}`);
      const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
      for (let i = 0; i < values.length; i++) values[i] = number(type, start + offset, i);
      return [name, { dims, type, values }];
    }),
  );
  return { metadata, tensors };

  function string4(): string {
    return String.fromCharCode(...file.subarray(0, (at += 4)));
  }
  function number(type: number, from: number, i: number): number {
    if (type === 0) return view.getFloat32(from + 4 * i, true);
    if (type === 1) return half(view.getUint16(from + 2 * i, true));
    const block = from + 34 * Math.floor(i / 32);
    return half(view.getUint16(block, true)) * view.getInt8(block + 2 + (i % 32));
  }
}

/** IEEE 754 binary16 */
function half(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return exponent === 31 ? NaN : bits & 0x8000 ? -size : size;
}
