// Text that runs in circles: within a line, and over lines.

/** Longest piece of a line, and longest group of lines, that is looked for. */
const LONGEST_PIECE = 40;
const LONGEST_GROUP = 4;
/** So often must a piece stand in a row; a shorter one may be data. */
const TIMES = 3;
const TIMES_SHORT = 4;
const SHORT_PIECE = 10;
/** Letters and digits that a line needs for its repetition to mean something. */
const TELLING = 4;

/**
 * Where a line begins to repeat itself: a piece with a word in it stands in a row as often as no programmer writes it. The second copy is the
 * last to keep.
 * @returns the index after the second copy, and the length at which the repetition is sure (undefined: it has only begun); undefined if there is none
 */
export function repetitionIn(line: string): { at: number; known: number | undefined } | undefined {
  let begun: number | undefined;
  for (let length = 2; length <= LONGEST_PIECE; length++) {
    let run = 0; // characters in a row that equal the one `length` before
    for (let i = length; i <= line.length; i++) {
      if (i < line.length && line[i] === line[i - length]) {
        run++;
        const times = length < SHORT_PIECE ? TIMES_SHORT : TIMES;
        if (run < (times - 1) * length) continue;
        const start = i + 1 - run - length;
        if (!/[A-Za-z]\w|\w[A-Za-z]/.test(line.slice(start, start + length))) continue;
        return earliest(line, { at: start + 2 * length, known: i + 1 }, length);
      }
      if (i === line.length && run > length) {
        const at = i - run + length;
        if (/[A-Za-z]\w|\w[A-Za-z]/.test(line.slice(at - length, at))) begun = Math.min(begun ?? at, at);
      }
      run = 0;
    }
  }
  return begun === undefined ? undefined : { at: begun, known: undefined };
}

/** A longer piece may have been known before; what is known first counts. */
function earliest(line: string, found: { at: number; known: number }, length: number): { at: number; known: number } {
  const before = length < LONGEST_PIECE ? repetitionIn(line.slice(0, found.known - 1)) : undefined;
  return before?.known === undefined ? found : { at: before.at, known: before.known };
}

/** What a line says of repetition. */
export interface Echo {
  /** True: the group of lines that ends here repeats the one before it. */
  whole: boolean;
  /** Lines of the group so far, this one included. */
  lines: number;
  /** True: what is repeated stands in the document. */
  ofDocument: boolean;
}

/**
 * Whether the last line ends, or is part of, a second copy of a group of one to four lines.
 * @param above lines of the document before the suggestion, the nearest last
 * @param written lines of the suggestion, whole
 */
export function echoAt(above: readonly string[], written: readonly string[]): Echo | undefined {
  const lines = [...above, ...written];
  const isEcho = (group: number, count: number): boolean => {
    const start = lines.length - count;
    return start >= group && lines.slice(start).every((line, i) => line === lines[start - group + i]);
  };
  let part: Echo | undefined;
  for (let group = 1; group <= LONGEST_GROUP; group++) {
    // A document that repeats itself here may go on so.
    const habit = [...above.slice(-group)].every((line, i) => line === above[above.length - 2 * group + i]);
    for (let count = Math.min(group, written.length); count >= 1; count--) {
      if (!isEcho(group, count)) continue;
      const echo = { whole: count === group, lines: count, ofDocument: written.length - count < group };
      if (echo.ofDocument && habit && above.length >= 2 * group) break;
      const telling = lines.slice(-count).some(isTelling);
      if (echo.whole && telling) return echo;
      if (!echo.whole && (part === undefined || count > part.lines)) part = echo;
      break;
    }
  }
  return part;
}

function isTelling(line: string): boolean {
  return line.replace(/[^\p{L}\p{N}]/gu, '').length >= TELLING;
}
