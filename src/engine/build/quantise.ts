// Float32 → 4 or 8 bits in blocks along a row, in the layout of com.microsoft.MatMulNBits (ONNX Runtime, docs/ContribOperators.md):
// a number is (code − zero) · scale.

/** Numbers that share a scale. */
export const BLOCK = 32;

export type Bits = 4 | 8;

/** Rows of a matrix. A row's last block may be short; it is filled up with zeros. */
export interface Quantised {
  /** [row, block, byte]; of 4 bits two in a byte, the first in the lower half. */
  codes: Uint8Array;
  /** [row, block] */
  scales: Float32Array;
  /** 4 bits: [row, byte], two blocks in a byte, the first in the lower half. 8 bits: none; the zero is 128. */
  zeros?: Uint8Array;
}

/** Bytes of one row: codes, scales, zeros. */
export function rowBytes(columns: number, bits: Bits): { codes: number; scales: number; zeros: number } {
  const blocks = Math.ceil(columns / BLOCK);
  return { codes: (blocks * BLOCK * bits) / 8, scales: blocks * 4, zeros: bits === 4 ? Math.ceil(blocks / 2) : 0 };
}

/**
 * Quantises rows. 8 bits are symmetric, scale = max |x| / 127. 4 bits span the block's numbers and 0: scale = (max − min) / 15, and the code
 * for 0 is the whole number nearest to −min / scale.
 * @param values [row, column]
 * @throws RangeError where a number is not finite
 */
export function quantise(values: Float32Array, columns: number, bits: Bits): Quantised {
  const rows = values.length / columns;
  const blocks = Math.ceil(columns / BLOCK);
  const sizes = rowBytes(columns, bits);
  const codes = new Uint8Array(rows * sizes.codes);
  const scales = new Float32Array(rows * blocks);
  const zeros = new Uint8Array(rows * sizes.zeros);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const from = row * columns + block * BLOCK;
      const to = Math.min(from + BLOCK, (row + 1) * columns);
      let [least, most, wrong] = [0, 0, 0];
      for (let i = from; i < to; i++) {
        const x = values[i] as number;
        if (x < least) least = x;
        else if (x > most) most = x;
        wrong += x - x; // NaN where x is not finite
      }
      if (wrong !== 0) throw new RangeError('not finite');
      const at = row * blocks + block;
      const scale = Math.fround(bits === 8 ? Math.max(most, -least) / 127 : (most - least) / 15);
      const inverse = scale === 0 ? 0 : 1 / scale;
      if (!Number.isFinite(inverse)) continue; // numbers too small for a scale: they are 0
      scales[at] = scale;
      if (bits === 8) {
        for (let i = from, to8 = at * BLOCK; i < from + BLOCK; i++, to8++)
          codes[to8] = 128 + (i < to ? Math.round((values[i] as number) * inverse) : 0);
        continue;
      }
      const zero = Math.round(-least * inverse);
      const zeroAt = row * sizes.zeros + (block >> 1);
      zeros[zeroAt] = (zeros[zeroAt] as number) | (zero << (4 * (block & 1)));
      const code = (i: number): number =>
        i < to ? Math.min(15, Math.max(0, Math.round((values[i] as number) * inverse) + zero)) : zero;
      for (let i = from, to4 = (at * BLOCK) / 2; i < from + BLOCK; i += 2, to4++)
        codes[to4] = code(i) | (code(i + 1) << 4);
    }
  }
  return bits === 4 ? { codes, scales, zeros } : { codes, scales };
}

/** The numbers that quantised rows stand for: [row, column]. */
export function dequantise({ codes, scales, zeros }: Quantised, columns: number, bits: Bits): Float32Array {
  const blocks = Math.ceil(columns / BLOCK);
  const sizes = rowBytes(columns, bits);
  const rows = scales.length / blocks;
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const block = Math.floor(column / BLOCK);
      const half = (bytes: Uint8Array, at: number): number => ((bytes[at >> 1] as number) >> (4 * (at & 1))) & 15;
      const code =
        bits === 8 ? (codes[row * sizes.codes + column] as number) : half(codes, row * sizes.codes * 2 + column);
      const zero = zeros === undefined ? 128 : half(zeros, row * sizes.zeros * 2 + block);
      values[row * columns + column] = (code - zero) * (scales[row * blocks + block] as number);
    }
  return values;
}
