// One head's weights, [query, key], to pixels: scale, look up the colour, done. Pure; it knows neither the canvas nor
// the zoom, only how many pixels the square has. Called when the map, the scale, the size or the theme changes.
import { type Scale, toUnit } from './scale';

export interface Heat {
  /** Softmax weights, [query, key] row-major, n × n; what lies above the diagonal is not read. */
  weights: Float32Array;
  n: number;
  /** The weight of full colour in each row, [query]; without it 1 everywhere. */
  tops?: Float32Array;
  /** First key that is drawn: 1 when the first token is hidden, else 0. */
  first: number;
  scale: Scale;
}

/** Colours for side × side pixels, [query, key] as little-endian RGBA words, transparent above the diagonal. With
 * side < n each pixel shows the largest of its cells, so that one bright cell among dark ones survives.
 * `ramp`: 256 colours. */
export function paintHeat(heat: Heat, side: number, ramp: Uint32Array): Uint32Array<ArrayBuffer> {
  const { n, scale } = heat;
  const pixels = new Uint32Array(side * side);
  const pooled = side < n;
  const weights = pooled ? pool(heat, side) : heat.weights;
  const first = pooled ? 0 : heat.first;
  const colors = colorTable(scale, ramp);
  const shares = new Float32Array(side);
  const bits = new Uint32Array(shares.buffer);
  for (let query = 0; query < side; query++) {
    const share = pooled ? 1 : shareOf(heat.tops, query);
    const row = query * side;
    for (let key = first; key <= query; key++) shares[key] = (weights[row + key] ?? 0) * share;
    for (let key = first; key <= query; key++) pixels[row + key] = colors[(bits[key] ?? 0) >>> DROPPED] ?? 0;
  }
  return pixels;
}

/** Bits of a float32 that a colour does not depend on: 8 of the mantissa stay, half a step of the ramp at worst. */
const DROPPED = 15;

/** The colour of every share in [0, 1], by the upper bits of the share as float32: one look-up instead of a root or a
 * logarithm for each cell, several times as fast at 2,048 tokens. */
function colorTable(scale: Scale, ramp: Uint32Array): Uint32Array {
  const share = new Float32Array([1]);
  const bits = new Uint32Array(share.buffer);
  const colors = new Uint32Array(((bits[0] ?? 0) >>> DROPPED) + 1);
  for (let index = 0; index < colors.length; index++) {
    bits[0] = index << DROPPED;
    colors[index] = ramp[Math.round(toUnit(scale, share[0] ?? 0) * (ramp.length - 1))] ?? 0;
  }
  return colors;
}

/** The largest weight, as a share of the row's full colour, of the cells of each pixel: [query, key], side × side. */
function pool(heat: Heat, side: number): Float32Array<ArrayBuffer> {
  const { weights, n, first } = heat;
  const largest = new Float32Array(side * side);
  const pixel = Uint32Array.from({ length: n }, (_, position) => Math.floor((position * side) / n));
  for (let query = 0; query < n; query++) {
    const share = shareOf(heat.tops, query);
    const row = (pixel[query] ?? 0) * side;
    for (let key = first; key <= query; key++) {
      const at = row + (pixel[key] ?? 0);
      const weight = (weights[query * n + key] ?? 0) * share;
      if (weight > (largest[at] ?? 0)) largest[at] = weight;
    }
  }
  return largest;
}

/** What a row's weights are multiplied with, so that the weight of full colour becomes 1. */
function shareOf(tops: Float32Array | undefined, query: number): number {
  const top = tops?.[query] ?? 1;
  return top > 0 ? 1 / top : 0;
}
