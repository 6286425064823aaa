// The pieces of real files that are typed again: consecutive lines, half of them at the end of what is written, half inside a file.

import { spread } from './draw';
import type { EvalFile } from './files';
import { linesOf } from './holes';

/** Consecutive lines of a file, as [start, end) in its characters, without the last line break. */
export interface TypedWindow {
  file: EvalFile;
  start: number;
  end: number;
  /** True: the text after the window is there while it is typed. */
  inside: boolean;
}

/** Characters of a window. */
const SHORTEST = 400;
const LONGEST = 600;
/** So much at least stands before each window, and after one inside a file. */
const AROUND = 100;
const SEED = 17;

/** Draws at most `count` windows, every second of them inside a file; no two share a character. */
export function windows(files: readonly EvalFile[], count: number): TypedWindow[] {
  const drawn: TypedWindow[] = [];
  for (const inside of [false, true]) {
    const found = files.map((file) => windowsOf(file, inside));
    const wanted = inside ? Math.floor(count / 2) : Math.ceil(count / 2);
    const apart = (window: TypedWindow, others: readonly TypedWindow[]): boolean =>
      ![...drawn, ...others].some((other) => overlap(window, other));
    drawn.push(...spread(found, wanted, SEED + Number(inside), apart));
  }
  return drawn;
}

function overlap(a: TypedWindow, b: TypedWindow): boolean {
  return a.file === b.file && a.start < b.end && b.start < a.end;
}

/** Every window of a file: one for each line that it may begin with. */
function windowsOf(file: EvalFile, inside: boolean): TypedWindow[] {
  const lines = linesOf(file.text);
  return lines.flatMap((line, i): TypedWindow[] => {
    const { start } = line;
    const last = lines.find((later, j) => j >= i && later.end - start >= SHORTEST);
    const fits = !line.blank && start >= AROUND && last !== undefined && last.end - start <= LONGEST;
    if (!fits || (inside && last.end + AROUND > file.text.length)) return [];
    return [{ file, start, end: last.end, inside }];
  });
}
