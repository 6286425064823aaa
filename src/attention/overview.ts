// The overview of all heads: a small picture of each. Pure.

import { rowStart, type LayerTriangles } from './weights';

/** √p as a byte: 65535 = 257 · 255. */
const STEP = 257;

/**
 * Adds one row to a picture of side × side bytes: each byte is the largest √p of its tile, 0 to 255, so one bright cell among many dark
 * ones stays visible. Rows are queries. Position i falls into tile ⌊i · side / n⌋; where there are fewer positions than tiles, tile t
 * shows position ⌊t · n / side⌋.
 * @param into [side, side] from index `at` on
 * @param n tokens of the whole sequence
 * @param row [query + 1] from index `start` on
 */
export function addRow(
  into: Uint8Array,
  side: number,
  n: number,
  query: number,
  row: Uint16Array,
  start = 0,
  at = 0,
): void {
  if (n < side) {
    for (let y = Math.ceil((query * side) / n); y * n < (query + 1) * side; y++) {
      for (let x = 0; x * n < (query + 1) * side; x++)
        into[at + y * side + x] = toByte(row[start + Math.floor((x * n) / side)] as number);
    }
    return;
  }
  const line = at + Math.floor((query * side) / n) * side;
  for (let x = 0, key = 0; key <= query; x++) {
    const end = Math.min(query + 1, Math.ceil(((x + 1) * n) / side));
    let largest = 0;
    for (; key < end; key++) {
      const w = row[start + key] as number;
      if (w > largest) largest = w;
    }
    const byte = toByte(largest);
    if (byte > (into[line + x] as number)) into[line + x] = byte;
  }
}

function toByte(w: number): number {
  return ((w + STEP / 2) / STEP) | 0;
}

/** Draws the picture of one head, as `addRow` says, into [side, side] bytes that are 0, from index `at` on. @param triangle of n queries or more */
export function thumbnail(triangle: Uint16Array, n: number, side: number, into: Uint8Array, at = 0): void {
  for (let query = 0; query < n; query++) addRow(into, side, n, query, triangle, rowStart(query), at);
}

/** The pictures of all heads, [layer, head, side, side]. */
export function thumbnails(layers: LayerTriangles, n: number, side: number): Uint8Array<ArrayBuffer> {
  const heads = layers.flat();
  const pictures = new Uint8Array(heads.length * side * side);
  heads.forEach((triangle, i) => thumbnail(triangle, n, side, pictures, i * side * side));
  return pictures;
}
