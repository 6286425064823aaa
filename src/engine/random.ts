// Seeded random numbers, so that equal seeds give equal text on every machine.

/** Draws numbers in [0, 1). */
export type Random = () => number;

/**
 * A generator with 32 bits of state: a Weyl sequence put through a multiply–xorshift hash ("mulberry32", Tommy Ettinger, 2017, public domain).
 * @param seed any number; its low 32 bits count
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
