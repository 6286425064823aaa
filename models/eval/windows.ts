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

/** Draws `count` windows, every second of them inside a file. */
export function windows(files: readonly EvalFile[], count: number): TypedWindow[] {
  const atEnd = Math.ceil(count / 2);
  const drawn = [false, true].map((inside) => {
    const found = files.map((file) => windowsOf(file, inside));
    return spread(found, inside ? count - atEnd : atEnd, SEED + Number(inside));
  });
  return drawn.flat();
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
