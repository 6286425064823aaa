// e^−x from a table, for the sums over a whole vocabulary that every token needs: a quarter of the time of Math.exp.

/** From this distance on a weight counts as 0: e^−50 times any vocabulary is less than the rounding of a sum that is at least 1. */
export const FARTHEST = 50;
/** [step] e^(−step / 1024), to FARTHEST */
const POWERS = Float64Array.from({ length: FARTHEST * 1024 + 1 }, (_, step) => Math.exp(-step / 1024));

/**
 * e^−distance, or 0 from FARTHEST on. The nearest entry is at most h = 1 / 2048 away, and Taylor's polynomial of degree 3 for the rest has a
 * relative error below h⁴ / 24 < 3 · 10⁻¹⁵. The numbers are written out, and the table is handed in, because the compiler makes fast
 * code of what it can see.
 */
function decay(powers: Float64Array, distance: number): number {
  const steps = distance * 1024;
  if (!(steps < 51_200)) return 0;
  const nearest = (steps + 0.5) | 0;
  const rest = nearest - steps;
  return (
    (powers[nearest] as number) * (1 + rest * (1 / 1024 + rest * (0.5 / 1024 ** 2 + (rest * (1 / 6)) / 1024 ** 3)))
  );
}

/**
 * Σ e^((logit − max) · scale).
 * @param logits [vocab]
 * @param max the largest of them
 * @param scale one over the temperature
 */
export function sumOfWeights(logits: Float32Array, max: number, scale = 1): number {
  const powers = POWERS;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += decay(powers, (max - (logits[id] as number)) * scale);
  return sum;
}

/** Writes e^((logit − max) · scale) for the first `count` logits; the other names are those of `sumOfWeights`. @returns their sum */
export function writeWeights(
  logits: Float64Array,
  count: number,
  max: number,
  scale: number,
  weights: Float64Array,
): number {
  const powers = POWERS;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const weight = decay(powers, (max - (logits[i] as number)) * scale);
    weights[i] = weight;
    sum += weight;
  }
  return sum;
}
