// The map of one head as a vector file: the cells as they are on the screen, the tokens, the selection, and what it is in words. Pure.
import { shorten, visible } from '../tokens';
import { escapeXml } from './xml';

export interface MapPicture {
  /** One line, and more about it: what is shown, of which model, under which settings, by which formula. */
  title: string;
  about: readonly string[];
  /** Texts of the tokens, [n]. */
  tokens: readonly string[];
  promptTokens: number;
  /** [n, n] colours as `paintHeat` gives them, RGBA words; what lies above the diagonal is not read. */
  pixels: Uint32Array;
  /** Colours from no weight to all of it, RGBA words; cells of the first one are the ground. */
  ramp: Uint32Array;
  selected: { query: number; key: number };
  /** Colours in CSS. */
  colors: { background: string; foreground: string; line: string; generated: string; focus: string };
  /** Font family in CSS. */
  font: string;
  /** Names of the axes. */
  axes: { queries: string; keys: string };
  /** Says that the cells of the faintest colours are left out, so many of all. */
  leftOut: (faintest: number, colors: number) => string;
}

/** Edge of a cell, size of the labels, and the longest label in characters. */
const CELL = 10;
const TYPE = 8;
const MOST = 24;
/** How far the foot of a letter lies below its middle. */
const BASELINE = 3;
/** Width of a character of a monospaced font, by its size. */
const ASPECT = 0.62;
/** Most cells that are drawn one by one: a file of some 10 MB. */
const MOST_CELLS = 200_000;

/** The bytes of an SVG 1.1 file. Cells beside each other of one colour are one rectangle. */
export function svgOfMap(picture: MapPicture): string {
  const { tokens, pixels, ramp, colors, selected, promptTokens, axes } = picture;
  const n = tokens.length;
  const steps = stepsOf(ramp);
  const least = leastStep(pixels, n, steps, ramp.length);
  const labels = tokens.map((token, position) => `${position} ${shorten(visible(token), MOST)}`);
  const room = Math.ceil(Math.max(...labels.map((label) => [...label].length), 8) * TYPE * ASPECT) + 3 * TYPE;
  const edge = n * CELL;
  const size = room + edge + CELL;
  const about = least > 1 ? [...picture.about, picture.leftOut(least - 1, ramp.length)] : picture.about;
  const text = (x: number, y: number, label: string, rest: string): string =>
    `<text x="${x}" y="${y}"${rest}>${escapeXml(label)}</text>`;
  const isGenerated = (position: number): string =>
    position >= promptTokens ? ` fill="${escapeXml(colors.generated)}"` : '';
  const middle = (position: number): number => position * CELL + CELL / 2;
  const border = promptTokens * CELL;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="${-room} ${-room} ${size} ${size}" role="img">`,
    `<title>${escapeXml(picture.title)}</title>`,
    `<desc>${escapeXml(about.join('\n'))}</desc>`,
    `<rect x="${-room}" y="${-room}" width="${size}" height="${size}" fill="${escapeXml(colors.background)}"/>`,
    `<path d="${staircase(n)}" fill="${hex(ramp[0] ?? 0)}" stroke="${escapeXml(colors.line)}" stroke-width="0.5"/>`,
    `<g shape-rendering="crispEdges">${cells(pixels, n, steps, least, ramp)}</g>`,
    `<g font-family="${escapeXml(picture.font)}" font-size="${TYPE}" fill="${escapeXml(colors.foreground)}" text-anchor="end">`,
    ...labels.map((label, query) => text(-4, middle(query) + BASELINE, label, isGenerated(query))),
    // Turned by a quarter, they read downwards and end at the map: (x, y) becomes (−y, x).
    ...labels.map((label, key) =>
      text(-4, BASELINE - middle(key), label, `${isGenerated(key)} transform="rotate(90)"`),
    ),
    text(-4, -2.5 * TYPE, axes.keys, ''),
    text(-4, -TYPE, axes.queries, ''),
    '</g>',
    `<g fill="none" stroke="${escapeXml(colors.focus)}">`,
    `<rect x="0" y="${selected.query * CELL}" width="${(selected.query + 1) * CELL}" height="${CELL}"/>`,
    `<rect x="${selected.key * CELL}" y="${selected.key * CELL}" width="${CELL}" height="${edge - selected.key * CELL}"/>`,
    `<rect x="${selected.key * CELL}" y="${selected.query * CELL}" width="${CELL}" height="${CELL}" stroke-width="2"/>`,
    '</g>',
    ...(promptTokens > 0 && promptTokens < n
      ? [
          `<path d="M0 ${border}H${border}V${edge}" fill="none" stroke="${escapeXml(colors.generated)}" stroke-dasharray="4 3"/>`,
        ]
      : []),
    '</svg>\n',
  ].join('\n');
}

/** Colour → its first step on the ramp. */
function stepsOf(ramp: Uint32Array): ReadonlyMap<number, number> {
  const steps = new Map<number, number>();
  ramp.forEach((color, step) => steps.has(color) || steps.set(color, step));
  return steps;
}

/** The first step that is drawn, so that not too many cells are. */
function leastStep(pixels: Uint32Array, n: number, steps: ReadonlyMap<number, number>, count: number): number {
  const cellsOf = new Int32Array(count);
  for (let query = 0; query < n; query++) {
    for (let key = 0; key <= query; key++) {
      const step = steps.get(pixels[query * n + key] as number) ?? 0;
      cellsOf[step] = (cellsOf[step] as number) + 1;
    }
  }
  let least = count;
  for (let cells = 0; least > 1; least--) {
    cells += cellsOf[least - 1] as number;
    if (cells > MOST_CELLS) break;
  }
  return least;
}

/** The cells, those of one colour together. */
function cells(
  pixels: Uint32Array,
  n: number,
  steps: ReadonlyMap<number, number>,
  least: number,
  ramp: Uint32Array,
): string {
  const byStep = new Map<number, string[]>();
  for (let query = 0; query < n; query++) {
    for (let key = 0; key <= query;) {
      const start = key;
      const color = pixels[query * n + key] as number;
      while (key <= query && pixels[query * n + key] === color) key++;
      const step = steps.get(color) ?? 0;
      if (step < least) continue;
      const rects = byStep.get(step) ?? [];
      rects.push(`<rect x="${start * CELL}" y="${query * CELL}" width="${(key - start) * CELL}" height="${CELL}"/>`);
      byStep.set(step, rects);
    }
  }
  return [...byStep]
    .sort(([a], [b]) => a - b)
    .map(([step, rects]) => `<g fill="${hex(ramp[step] as number)}">${rects.join('')}</g>`)
    .join('\n');
}

/** The outline of what a causal model can see. */
function staircase(n: number): string {
  return `M0 0${`h${CELL}v${CELL}`.repeat(n)}H0z`;
}

/** An RGBA word as #rrggbb. */
function hex(color: number): string {
  const bytes = [color & 255, (color >>> 8) & 255, (color >>> 16) & 255];
  return `#${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
