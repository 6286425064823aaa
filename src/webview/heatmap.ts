// One head's weights, a lower triangle, to pixels: scale, look up the colour, done. Pure; it knows neither the canvas nor
// the zoom, only how many pixels the square has. Called when the map, the scale, the size or the theme changes.
import { FULL, rowStart } from '../attention/weights';
import { type Scale, toUnit } from './scale';
import type { Shown } from './shown';

/** Steps of the look-up by root of the share: a third of a step of the ramp at worst, on the logarithmic scale. */
const STEPS = 16384;

/** The colour of every share of full colour, by its root; a look-up instead of a logarithm for each cell. */
export function colorTable(scale: Scale, ramp: Uint32Array): Uint32Array {
  const colors = new Uint32Array(STEPS + 1);
  for (let step = 0; step <= STEPS; step++)
    colors[step] = ramp[Math.round(toUnit(scale, (step / STEPS) ** 2) * (ramp.length - 1))] ?? 0;
  return colors;
}

let lastTable: { scale: Scale; ramp: Uint32Array; colors: Uint32Array } | undefined;

/** Colours for side × side pixels, [query, key] as little-endian RGBA words, transparent above the diagonal. With
 * side < n each pixel shows the largest of its cells, so that one bright cell among dark ones survives.
 * `ramp`: 256 colours. `pixels`: [side, side], painted over where it is given: what is above the diagonal is left as it was. */
export function paintHeat(
  shown: Shown,
  side: number,
  ramp: Uint32Array,
  pixels = new Uint32Array(side * side),
): Uint32Array<ArrayBuffer> {
  const { n, weights, keys, first } = shown;
  if (lastTable?.scale !== shown.scale || lastTable.ramp !== ramp)
    lastTable = { scale: shown.scale, ramp, colors: colorTable(shown.scale, ramp) };
  const { colors } = lastTable;
  if (side < n) return paintPooled(shown, side, colors, pixels);
  for (let query = 0; query < n; query++) {
    const { factor, floor } = steps(shown, query);
    const start = rowStart(query);
    const row = query * side;
    if (first === 1) pixels[row] = 0;
    for (let key = first; key <= query; key++) {
      const step = (weights[start + key] as number) * (keys[key] as number) * factor;
      pixels[row + key] = colors[step < floor ? 0 : step < STEPS ? (step + 0.5) | 0 : STEPS] as number;
    }
  }
  return pixels;
}

/** From w times the key's factor to a step of the look-up; below `floor` nothing is drawn. */
function steps({ rows, full, floors }: Shown, query: number): { factor: number; floor: number } {
  const top = full[query] ?? 1;
  const scale = top > 0 ? STEPS / top : 0;
  // A breath below, so that rounding does not lose the weight that the floor was taken from.
  return { factor: (scale * (rows[query] ?? 0)) / FULL, floor: scale * (floors[query] ?? 0) * (1 - 1e-5) };
}

/** A row of pixels at a time: the largest of its cells, then their colours. */
function paintPooled(
  shown: Shown,
  side: number,
  colors: Uint32Array,
  pixels: Uint32Array<ArrayBuffer>,
): Uint32Array<ArrayBuffer> {
  const { n, weights, keys } = shown;
  const even = [keys, shown.rows].every((all) => all.every((factor) => factor === 1)) && shown.full.every((one) => one === shown.full[0]); // prettier-ignore
  if (even) return paintEven(shown, side, colors, pixels);
  const starts = startsOf(n, side);
  const largest = new Float32Array(side);
  for (let row = 0; row < side; row++) {
    largest.fill(0, 0, row + 1);
    for (let query = starts[row] as number; query < (starts[row + 1] as number); query++) {
      const { factor, floor } = steps(shown, query);
      const start = rowStart(query);
      for (let column = 0; column <= row; column++) {
        let at = start + (starts[column] as number);
        const end = start + (column < row ? (starts[column + 1] as number) : query + 1);
        // Rounding keeps the order, so the largest before the row's factor is the largest after it.
        let top = 0;
        for (; at < end; at++) {
          const root = (weights[at] as number) * (keys[at - start] as number);
          if (root > top) top = root;
        }
        const step = top * factor;
        if (step > (largest[column] as number) && step >= floor) largest[column] = step;
      }
    }
    for (let column = 0; column <= row; column++) {
      const step = largest[column] as number;
      pixels[row * side + column] = colors[step < STEPS ? (step + 0.5) | 0 : STEPS] as number;
    }
  }
  return pixels;
}

/**
 * The same where all weights count alike, as they do with the plainest choices: in whole numbers, and without branches, which depend on
 * the weights and would be guessed wrong half of the time.
 */
function paintEven(
  shown: Shown,
  side: number,
  colors: Uint32Array,
  pixels: Uint32Array<ArrayBuffer>,
): Uint32Array<ArrayBuffer> {
  const { n, weights } = shown;
  const starts = startsOf(n, side);
  const largest = new Int32Array(side);
  const { factor } = steps(shown, 0);
  for (let row = 0; row < side; row++) {
    largest.fill(0, 0, row + 1);
    for (let query = starts[row] as number; query < (starts[row + 1] as number); query++) {
      const least = leastOf(steps(shown, query).floor, factor);
      const start = rowStart(query);
      let at = start;
      for (let column = 0; column <= row; column++) {
        const end = start + (column < row ? (starts[column + 1] as number) : query + 1);
        let top = largest[column] as number;
        for (; at < end; at++) {
          const w = weights[at] as number;
          const less = top - (w & ~((w - least) >> 31));
          top -= less & (less >> 31);
        }
        largest[column] = top;
      }
    }
    for (let column = 0; column <= row; column++) {
      const step = (largest[column] as number) * factor;
      pixels[row * side + column] = colors[step < STEPS ? (step + 0.5) | 0 : STEPS] as number;
    }
  }
  return pixels;
}

/** The first position of each pixel, and the end of the last. */
const startsOf = (n: number, side: number): Uint32Array =>
  Uint32Array.from({ length: side + 1 }, (_, pixel) => Math.ceil((pixel * n) / side));

/** The least whole w whose step is drawn. */
function leastOf(floor: number, factor: number): number {
  if (floor <= 0 || factor <= 0) return 0;
  let least = Math.ceil(floor / factor);
  while (least > 0 && (least - 1) * factor >= floor) least--;
  while (least * factor < floor) least++;
  return least;
}
