// Numbers as safetensors holds them → float32.

import { halfToFloat } from '../graph/tensors';

/** Element types that weights are read from, and bytes of a number in each. */
export const WIDTHS: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };

/** binary16 bits → number. */
let halves: Float32Array | undefined;

/**
 * Reads little-endian numbers.
 * @param bytes a whole number of them
 * @param dtype one of WIDTHS
 */
export function toFloats(bytes: Uint8Array, dtype: string): Float32Array {
  const own = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const length = Math.floor(own.length / (WIDTHS[dtype] as number));
  if (dtype === 'F32') return new Float32Array(own.buffer, own.byteOffset, length);
  const bits = new Uint16Array(own.buffer, own.byteOffset, length);
  const floats = new Float32Array(length);
  if (dtype === 'BF16') {
    // bfloat16 is the upper half of float32
    const whole = new Uint32Array(floats.buffer);
    for (let i = 0; i < length; i++) whole[i] = (bits[i] as number) << 16;
    return floats;
  }
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, half) => halfToFloat(half));
  for (let i = 0; i < length; i++) floats[i] = halves[bits[i] as number] as number;
  return floats;
}
