// The map of one head as a picture that explains itself: on the page's own ground, with what is shown of which model below it.
import type { Theme } from '../palette';

/** Room around everything, height of a line and size of its letters, in CSS pixels. */
const MARGIN = 12;
const LINE = 17;
const TYPE = 12;
/** Widest and narrowest text, in CSS pixels: a small map does not make its words small. */
const NARROWEST = 420;

/** @param map what is on the screen, in device pixels @param lines what it is, in words @returns undefined where the browser cannot make it */
export async function pngOfMap(
  map: HTMLCanvasElement,
  lines: readonly string[],
  theme: Theme,
): Promise<Blob | undefined> {
  const scale = window.devicePixelRatio;
  const picture = document.createElement('canvas');
  const context = picture.getContext('2d');
  if (!context) return undefined;
  const font = `${TYPE * scale}px ${theme.font.replace(/^\S+ /, '')}`;
  const width = Math.max(map.width, NARROWEST * scale);
  context.font = font;
  const words = lines.flatMap((line) => wrapped(line, width, (text) => context.measureText(text).width));
  picture.width = width + 2 * MARGIN * scale;
  picture.height = map.height + (3 * MARGIN + words.length * LINE) * scale;
  context.fillStyle = theme.background;
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(map, MARGIN * scale, MARGIN * scale);
  Object.assign(context, { font, fillStyle: theme.foreground, textBaseline: 'top' });
  words.forEach((text, at) => context.fillText(text, MARGIN * scale, map.height + (2 * MARGIN + at * LINE) * scale));
  return (await new Promise<Blob | null>((done) => picture.toBlob(done, 'image/png'))) ?? undefined;
}

/** Breaks a line at blanks, and within a word that is longer than a line, as in Chinese. @param widthOf of a text, in the same unit as `most` */
export function wrapped(line: string, most: number, widthOf: (text: string) => number): string[] {
  const lines: string[] = [];
  let rest = [...line];
  while (rest.length > 0) {
    let fits = rest.length;
    while (fits > 1 && widthOf(rest.slice(0, fits).join('')) > most) fits--;
    const blank = fits < rest.length ? rest.lastIndexOf(' ', fits) : -1;
    const end = blank > 0 ? blank : fits;
    lines.push(rest.slice(0, end).join(''));
    rest = rest.slice(rest[end] === ' ' ? end + 1 : end);
  }
  return lines;
}
