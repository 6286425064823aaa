// Random weights, the same for the same name: vectors as float32, matrices in 4 bits, blocks of 32 along a row with one scale each.

import { floatToHalf } from '../../../models/gguf/numbers';
import type { Weight } from './shape';

/** Numbers that share a scale. */
export const BLOCK = 32;
/** The code that stands for 0: a number is (code − 8) · scale. */
export const ZERO = 8;
/** Standard deviation of the codes: fifteen whole numbers around 0, and 0 twice. */
const SPREAD = Math.sqrt((2 * (1 + 4 + 9 + 16 + 25 + 36 + 49)) / 16);
/** What a matrix makes of unit variance. The embedding is small beside what the layers add, so that the next token is not simply the last one
 * again; attention adds little, for what it adds is alike at all positions, and so would be the tokens. */
const GAINS: readonly [RegExp, (columns: number) => number][] = [
  [/embed_tokens/, (columns) => 0.25 * columns ** 0.5],
  [/o_proj/, () => 0.2],
];
const VECTOR_SPREAD = 0.2;

export interface Quantised {
  /** [row, column], two in a byte, the first in the lower half. */
  codes: Uint8Array;
  /** binary16 [row, block]; none is zero, subnormal or infinite. */
  scales: Uint16Array;
}

/** A matrix; unit variance in gives unit variance out where no gain is set. Columns are a multiple of 32. */
export function randomMatrix({ name, rows, columns = 0 }: Weight): Quantised {
  const next = bits(name);
  const words = new Uint32Array((rows * columns) / 8).map(() => spreadZero(next()));
  const gain = GAINS.find(([pattern]) => pattern.test(name))?.[1](columns) ?? 1;
  const scale = (gain * columns ** -0.5) / SPREAD;
  const scales = new Uint16Array((rows * columns) / BLOCK);
  for (let i = 0; i < scales.length; i++) scales[i] = floatToHalf(scale * (0.75 + next() / 2 ** 33));
  return { codes: new Uint8Array(words.buffer), scales };
}

/** A vector of uniform numbers around 0 or 1. */
export function randomVector({ name, rows, around = 0 }: Weight): Float32Array {
  const next = bits(name);
  return new Float32Array(rows).map(() => around + VECTOR_SPREAD * (next() / 2 ** 31 - 1));
}

/** binary16 bits of a normal, positive number → the number. */
export function halfToFloat(half: number): number {
  return (1 + (half & 0x3ff) / 1024) * 2 ** ((half >> 10) - 15);
}

/** Eight random codes with each 0 made 8: without the code 0, the codes are symmetric. */
function spreadZero(word: number): number {
  const some = word | (word >>> 1) | (word >>> 2) | (word >>> 3); // bit 0 of each code: is it not 0?
  return word | ((~some & 0x11111111) << 3);
}

/** Uniform 32-bit numbers (xorshift, Marsaglia 2003), begun by a hash of `seed` (FNV-1a). */
function bits(seed: string): () => number {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(seed)) state = Math.imul(state ^ byte, 0x01000193);
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
