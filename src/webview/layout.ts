// Where the cells of the map lie: cell size from the zoom, which labels have room, pixel to cell and back. Lengths are
// CSS pixels unless they are called device pixels. Pure; called by the map view whenever size, zoom or scroll changes.

/** A place in the map: which token looks (query) at which (key); key ≤ query. */
export interface Cell {
  query: number;
  key: number;
}

export interface Layout {
  n: number;
  /** Width of the ruler at the left (queries), height of the ruler on top (keys). */
  left: number;
  top: number;
  /** Edge of one cell; below one device pixel when many tokens are fitted into little space. */
  cell: number;
  /** Pixels along one edge of the image: n, or less when a pixel stands for several cells. */
  side: number;
  /** Edge of the whole map. */
  edge: number;
}

/** The cell sizes of the zoom control, in CSS pixels; 0 fits the map into the space there is. */
export const ZOOMS: readonly number[] = [0, 1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48];
const LARGEST_FIT = 40;
/** Cells of a whole number of pixels are even; but a fitted map that would lose more than a tenth of its edge to that
 * takes cells that differ by one pixel. */
const WORTH = 0.9;
const MARGIN = 10;
/** Room around the selected cell's frame. */
export const FRAME = 4;

/** Lays the map out in `width` × `height` for `dpr` device pixels to the CSS pixel. Cells of a chosen size are a whole
 * number of device pixels wide; so are those of a fitted map where that costs little room. */
export function arrange(n: number, zoom: number, width: number, height: number, dpr: number): Layout {
  const left = Math.round(Math.min(136, Math.max(64, width * 0.2)));
  const top = Math.round(Math.min(104, Math.max(56, height * 0.2)));
  const space = Math.max(32, Math.min(width - left, height - top) - MARGIN);
  const device = Math.floor(space * dpr);
  if (zoom === 0 && device < n) return { n, left, top, cell: device / dpr / n, side: device, edge: device / dpr };
  const wanted = zoom === 0 ? Math.min(device / n, LARGEST_FIT * dpr) : zoom * dpr;
  const whole = Math.max(1, Math.floor(wanted + 1e-6));
  const cell = (zoom === 0 && whole < WORTH * wanted ? wanted : whole) / dpr;
  return { n, left, top, cell, side: n, edge: n * cell };
}

/** Every how many tokens a label has room, when one needs `room` pixels: 1, 2, 5, 10, 20, 50 … */
export function labelStep(cell: number, room: number): number {
  for (let unit = 1; ; unit *= 10) {
    for (const step of [unit, 2 * unit, 5 * unit]) if (step * cell >= room) return step;
  }
}

/** The tokens [from, to) of which a part lies between `start` and `start + length` of the map. */
export function visibleRange(layout: Layout, start: number, length: number): [from: number, to: number] {
  const from = Math.floor(start / layout.cell);
  return [Math.max(0, Math.min(layout.n, from)), Math.min(layout.n, Math.ceil((start + length) / layout.cell))];
}

/** The token whose cells lie `offset` pixels into the map, or undefined outside. */
export function positionAt(layout: Layout, offset: number): number | undefined {
  const position = Math.floor(offset / layout.cell);
  return position >= 0 && position < layout.n ? position : undefined;
}

/** The cell under a point of the scrolled view. On a ruler one of the two comes from `current`, as far as the
 * diagonal allows; above the diagonal there is none. */
export function cellAt(
  layout: Layout,
  x: number,
  y: number,
  scrollX: number,
  scrollY: number,
  current: Cell,
): Cell | undefined {
  const overQueries = x < layout.left;
  const overKeys = y < layout.top;
  if (overQueries && overKeys) return undefined;
  const query = overKeys ? current.query : positionAt(layout, y - layout.top + scrollY);
  const key = overQueries ? current.key : positionAt(layout, x - layout.left + scrollX);
  if (query === undefined || key === undefined) return undefined;
  if (overQueries) return { query, key: Math.min(key, query) };
  if (overKeys) return { query: Math.max(query, key), key };
  return key <= query ? { query, key } : undefined;
}

/** The scroll offset, of `length` visible pixels, that brings a token's cells into view with the least movement. */
export function scrollTo(layout: Layout, position: number, scroll: number, length: number): number {
  const start = position * layout.cell;
  if (start - FRAME < scroll) return Math.max(0, Math.floor(start - FRAME));
  if (start + layout.cell + FRAME > scroll + length) return Math.ceil(start + layout.cell + FRAME - length);
  return scroll;
}
