// Where a suggestion ends, and how much of a growing text may already be shown. Pure text: no tokens, no editor.
// A line in the middle of which the cursor stands is completed to its end; after a line that opens a block, or on a blank
// line, the suggestion may be a block.

/** What the surroundings of the cursor say about the text to come. */
export interface Situation {
  /** Rest of the cursor's line. */
  lineSuffix: string;
  /** The next line below that is not blank, trimmed; '' if there is none. */
  nextLine: string;
  /** True: several lines may come. */
  block: boolean;
  /** Lines indented less than this many columns end the block. */
  indent: number;
  /** Indentation of the line that opens the block: its closing bracket stands there. −1 if no line does. */
  closerIndent: number;
}

/** How much of a text may be shown. */
export interface Shape {
  /** Characters, from the start, that will be part of the suggestion whatever comes next. Never shrinks as the text grows. */
  certain: number;
  /** True: nothing more will be shown; generating may stop. */
  stop: boolean;
}

const OPENER = /[{([]$|=>$|:$/;
const CLOSERS = /^[)\]}]/;
/** Longest suggestion, in lines that are not blank. */
const MAX_LINES = 12;

/** Reads the situation at the cursor. */
export function situationAt(prefix: string, suffix: string): Situation {
  const linePrefix = prefix.slice(prefix.lastIndexOf('\n') + 1);
  const [lineSuffix = '', ...below] = suffix.split(/\r?\n/, 64);
  const blank = linePrefix.trim() === '';
  const opens = OPENER.test(linePrefix.trimEnd());
  const indent = width(linePrefix);
  const closerIndent = opens ? indent : blank ? openerAbove(prefix, indent) : -1;
  return {
    lineSuffix,
    nextLine: (below.find((line) => line.trim() !== '') ?? '').trim(),
    block: lineSuffix.trim() === '' && (blank || opens),
    indent: opens ? indent + 1 : indent,
    closerIndent,
  };
}

/**
 * Decides how much of `text` may be shown.
 * @param text what the model has written so far
 * @param ended true when no more will come
 */
export function shape(text: string, situation: Situation, ended: boolean): Shape {
  const { nextLine, block, indent, closerIndent } = situation;
  const lines = text.split('\n');
  let certain = 0;
  let contentLines = 0;
  let start = 0;
  for (const [i, line] of lines.entries()) {
    const complete = i < lines.length - 1;
    const trimmed = line.trim();
    if (i === 0) {
      const cut = repeatedSuffix(line, situation.lineSuffix);
      if (cut.stop) return { certain: cut.certain, stop: true };
      certain = ended ? line.trimEnd().length : cut.certain;
    } else if (trimmed !== '') {
      const columns = width(line);
      if (block && columns < indent) {
        const closes = CLOSERS.test(trimmed) && columns === closerIndent && !CLOSERS.test(nextLine);
        if (!closes) return { certain, stop: true };
        if (complete || ended) return { certain: start + line.trimEnd().length, stop: true };
        return { certain, stop: false }; // the closing line is shown whole
      }
      if (nextLine !== '' && (complete ? trimmed === nextLine : nextLine.startsWith(trimmed))) {
        return { certain, stop: complete || ended };
      }
      certain = start + line.trimEnd().length;
    } else if (complete && contentLines > 0) {
      return { certain, stop: true }; // a blank line ends the block
    }
    if (trimmed !== '') contentLines++;
    if (complete && contentLines > 0 && (!block || contentLines >= MAX_LINES)) return { certain, stop: true };
    if (complete && situation.lineSuffix.trim() !== '') return { certain, stop: true };
    start += line.length + 1;
  }
  return { certain, stop: ended };
}

/** Finds where the first line begins to repeat what already stands after the cursor, and holds back what might. */
function repeatedSuffix(line: string, lineSuffix: string): Shape {
  const after = lineSuffix.trim();
  const shown = line.trimEnd().length;
  if (after === '') return { certain: shown, stop: false };
  if (CLOSERS.test(after)) {
    const closer = unbalancedCloser(line);
    if (closer >= 0 && line[closer] === after[0])
      return { certain: line.slice(0, closer).trimEnd().length, stop: true };
    return { certain: shown, stop: false };
  }
  // A lone sign may occur inside brackets of the suggestion's own.
  const found = after.length > 1 ? line.indexOf(after) : outsideBrackets(line, after);
  if (found >= 0) return { certain: line.slice(0, found).trimEnd().length, stop: true };
  for (let from = Math.max(0, shown - after.length + 1); from < shown; from++) {
    if (after.startsWith(line.slice(from, shown)))
      return { certain: line.slice(0, from).trimEnd().length, stop: false };
  }
  return { certain: shown, stop: false };
}

/** Index of the first `sign` in `line` that is not between brackets; −1 if there is none. */
function outsideBrackets(line: string, sign: string): number {
  let depth = 0;
  for (let i = 0; i < line.length; i++) {
    const char = line[i] as string;
    if (char === sign && depth <= 0) return i;
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char)) depth--;
  }
  return -1;
}

/** Index of the first closing bracket in `line` that nothing in `line` opened; −1 if there is none. */
function unbalancedCloser(line: string): number {
  let depth = 0;
  for (let i = 0; i < line.length; i++) {
    const char = line[i] as string;
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char) && --depth < 0) return i;
  }
  return -1;
}

/** Indentation of the nearest line above that is indented less, if it opens a block; −1 otherwise. */
function openerAbove(prefix: string, indent: number): number {
  const lines = prefix.split('\n');
  for (let i = lines.length - 2; i >= 0; i--) {
    const line = lines[i] as string;
    if (line.trim() !== '' && width(line) < indent) return OPENER.test(line.trimEnd()) ? width(line) : -1;
  }
  return -1;
}

/** Columns of white space at the start of a line; a tab counts as four. */
function width(line: string): number {
  let columns = 0;
  for (const char of line) {
    if (char === ' ') columns++;
    else if (char === '\t') columns += 4;
    else break;
  }
  return columns;
}
