// Where a text is cut open to be filled again: the rest of a line, or a block of lines. Pure text.

import type { EvalFile } from './files';
import { spread } from './draw';

/** What was cut out of a file, as [start, end) in its characters. */
export interface Hole {
  file: EvalFile;
  start: number;
  end: number;
}

type Span = [start: number, end: number];

/** Characters of the rest of a line. */
const SHORTEST = 4;
const LONGEST = 60;
/** Lines of a block. */
const FEWEST_LINES = 2;
const MOST_LINES = 6;

/** Draws rests of lines. */
export function lineHoles(files: readonly EvalFile[], count: number, seed: number): Hole[] {
  return draw(files, lineEnds, count, seed);
}

/** Draws blocks of lines. */
export function blockHoles(files: readonly EvalFile[], count: number, seed: number): Hole[] {
  return draw(files, blocks, count, seed);
}

function draw(files: readonly EvalFile[], find: (text: string) => Span[], count: number, seed: number): Hole[] {
  const found = files.map((file) => find(file.text).map(([start, end]): Hole => ({ file, start, end })));
  return spread(found, count, seed);
}

/** Every rest of a line of 4 to 60 characters that begins after a word or a sign, never inside a word or in the indentation. */
export function lineEnds(text: string): Span[] {
  const found: Span[] = [];
  for (const { start, end, indent } of linesOf(text)) {
    for (let at = Math.max(start + indent + 1, end - LONGEST); at <= end - SHORTEST; at++) {
      const torn = /\w/.test(text[at - 1] as string) && /\w/.test(text[at] as string);
      if (!torn && text.slice(at, end).trim().length >= SHORTEST) found.push([at, end]);
    }
  }
  return found;
}

/**
 * Every block of two to six lines that are all indented deeper than the line above them, none of them blank, up to the first line that is
 * not. The first line's indentation stays outside, and so does the last line break.
 */
export function blocks(text: string): Span[] {
  const lines = linesOf(text);
  const found: Span[] = [];
  for (const [i, above] of lines.entries()) {
    let end = i + 1;
    while (end < lines.length && isDeeper(lines[end] as Line, above)) end++;
    const size = end - i - 1;
    const closed = end < lines.length && !(lines[end] as Line).blank;
    if (above.blank || !closed || size < FEWEST_LINES || size > MOST_LINES) continue;
    const first = lines[i + 1] as Line;
    found.push([first.start + first.indent, (lines[end - 1] as Line).end]);
  }
  return found;
}

interface Line {
  /** In characters of the text; the end is before the line break. */
  start: number;
  end: number;
  /** Characters of white space at its front. */
  indent: number;
  blank: boolean;
}

function isDeeper(line: Line, above: Line): boolean {
  return !line.blank && line.indent > above.indent;
}

/** The lines of a text. */
export function linesOf(text: string): Line[] {
  let start = 0;
  return text.split('\n').map((line) => {
    const found = {
      start,
      end: start + line.length,
      indent: line.length - line.trimStart().length,
      blank: line.trim() === '',
    };
    start = found.end + 1;
    return found;
  });
}
