// From a weight to a place on the colour ramp and back, and a weight in words. Pure; knows nothing of colours.
// Called by the heat map for every cell and by the legend for its ticks.

export type Scale = 'linear' | 'sqrt' | 'log';
export const SCALES: readonly Scale[] = ['linear', 'sqrt', 'log'];

/** The logarithmic scale begins here: smaller weights look like zero. */
export const LOG_FLOOR = 1e-4;
const LOG_SPAN = -Math.log(LOG_FLOOR);

/** The place in [0, 1] of a weight in [0, 1]. */
export function toUnit(scale: Scale, weight: number): number {
  if (scale === 'sqrt') return Math.sqrt(weight);
  if (scale === 'linear') return weight;
  return weight <= LOG_FLOOR ? 0 : 1 + Math.log(weight) / LOG_SPAN;
}

/** The weight at a place; the inverse of `toUnit` above the floor. */
export function fromUnit(scale: Scale, place: number): number {
  if (scale === 'sqrt') return place * place;
  if (scale === 'linear') return place;
  return Math.exp((place - 1) * LOG_SPAN);
}

/** A weight as a percentage with three significant digits, such as `23.4 %`, the space
 * one that does not break. */
export function percent(weight: number): string {
  const value = 100 * weight;
  if (value > 0 && value < 0.001) return '< 0.001\u00a0%';
  if (value > 99.9 && value < 99.999) return '> 99.9\u00a0%';
  return `${Number(value.toPrecision(3))}\u00a0%`;
}
