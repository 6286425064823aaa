// Float32 numbers → the bytes of a tensor type, as ggml defines it (github.com/ggml-org/ggml, src/ggml-common.h and ggml-quants.c).

import type { TensorType } from './file';

/** Numbers that share one scale in q8_0. */
export const BLOCK = 32;

/**
 * The bytes of `values` in a tensor type. A block of q8_0 is a half-precision scale d = max |x| / 127 and 32 signed bytes
 * round(x / d), halves away from zero.
 * @param values row-major; for q8_0 a row holds a multiple of 32
 */
export function encode(values: Float32Array, type: TensorType): Uint8Array {
  if (type === 'f32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (type === 'f16') return new Uint8Array(Uint16Array.from(values, floatToHalf).buffer);
  const blocks = values.length / BLOCK;
  const bytes = new Uint8Array(blocks * (2 + BLOCK));
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    const from = values.subarray(block * BLOCK, (block + 1) * BLOCK);
    let most = 0;
    for (const value of from) most = Math.max(most, Math.abs(value));
    const scale = Math.fround(most / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const at = block * (2 + BLOCK);
    view.setUint16(at, floatToHalf(scale), true);
    for (const [i, value] of from.entries()) {
      const scaled = Math.fround(value * inverse);
      view.setInt8(at + 2 + i, Math.sign(scaled) * Math.round(Math.abs(scaled)));
    }
  }
  return bytes;
}

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** A number → IEEE 754 binary16 bits, rounded to the nearest, halves to even; what is too large becomes infinite. */
export function floatToHalf(value: number): number {
  FLOAT[0] = value;
  const bits = BITS[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
  const fraction = bits & 0x7fffff;
  if (exponent >= 31) return sign | (Number.isNaN(value) ? 0x7e00 : 0x7c00);
  if (exponent < -10) return sign;
  // A subnormal number has no hidden bit: its fraction is shifted further.
  const shift = exponent <= 0 ? 14 - exponent : 13;
  const whole = exponent <= 0 ? fraction | 0x800000 : (exponent << 23) | fraction;
  const kept = Math.floor(whole / 2 ** shift);
  const rest = whole - kept * 2 ** shift;
  const half = 2 ** (shift - 1);
  return sign | (kept + (rest > half || (rest === half && kept % 2 === 1) ? 1 : 0));
}
