// Indentation: how wide it is, how a document writes it, and a suggestion written the same way.

/** How a document indents; undefined where it does not say. */
export interface IndentStyle {
  tabs: boolean | undefined;
  /** Columns of one level; a tab is one level. */
  unit: number | undefined;
}

/** Columns that a tab counts for where the editor's setting is not known. */
const TAB = 4;
const UNITS: readonly number[] = [2, 3, 4, 8];
/** Lines looked at. */
const LINES = 400;
/** One style in so many parts of all indented lines is the document's. */
const PURE = 0.95;

/** Columns of white space at the start of a line; a tab counts as four. */
export function width(line: string): number {
  let columns = 0;
  for (const char of line) {
    if (char === ' ') columns++;
    else if (char === '\t') columns += TAB;
    else break;
  }
  return columns;
}

/** White space at the start of a line. */
export function leading(line: string): string {
  return line.slice(0, line.length - line.trimStart().length);
}

/** Reads a document's style from lines of it. */
export function styleOf(lines: readonly string[]): IndentStyle {
  let [tabs, spaces, before] = [0, 0, 0];
  const steps = new Map<number, number>();
  for (const line of lines.slice(-LINES)) {
    if (line.trim() === '') continue;
    if (line.startsWith('\t')) tabs++;
    else if (line.startsWith('  ')) spaces++;
    const columns = width(line);
    const step = columns - before;
    if (UNITS.includes(step)) steps.set(step, (steps.get(step) ?? 0) + 1);
    before = columns;
  }
  const all = tabs + spaces;
  const unit = [...steps].sort((a, b) => b[1] - a[1])[0]?.[0];
  if (all === 0) return { tabs: undefined, unit: undefined };
  const pure = Math.max(tabs, spaces) >= PURE * all;
  return { tabs: pure ? tabs > spaces : undefined, unit: tabs > spaces ? TAB : unit };
}

/**
 * A growing text with its lines indented as the document is. Each line's white space depends on the lines before it and on itself only, so
 * that what was let through of the text stays. Where the cursor's line opens a block, the block's first line says how wide the model thinks
 * a level is; after a bracket of arguments it may be deeper in any case.
 * @param linePrefix the cursor's line before the cursor
 */
export function reindent(text: string, linePrefix: string, style: IndentStyle): string {
  if (!text.includes('\n') && linePrefix.trim() !== '') return text;
  const base = width(linePrefix);
  let scale = /[{:]\s*$/.test(linePrefix) ? undefined : 1;
  return text
    .split('\n')
    .map((line, i) => {
      const space = leading(line);
      const rest = line.slice(space.length);
      if (rest === '' || (i === 0 && linePrefix.trim() !== '')) return line;
      if (i === 0) return written(space, style) + rest;
      if (scale === undefined) scale = scaleOf(width(line) - base, style.unit);
      const columns = width(line);
      if (scale === 1 || columns <= base) return written(space, style) + rest;
      return spaces(base + (columns - base) * scale, style) + rest;
    })
    .join('\n');
}

/** A model that indents twice or half as wide as the document is meant to indent as the document does. */
function scaleOf(step: number, unit: number | undefined): number {
  if (unit === undefined) return 1;
  return step === 2 * unit ? 0.5 : 2 * step === unit ? 2 : 1;
}

/** White space as the document writes it; a single space aligns, and stays. */
function written(space: string, style: IndentStyle): string {
  if (style.tabs === undefined || !space.includes(style.tabs ? '  ' : '\t')) return space;
  if (!style.tabs) return space.replaceAll('\t', ' '.repeat(style.unit ?? TAB));
  const blanks = /^ */.exec(space)?.[0].length ?? 0;
  const level = blanks % TAB === 0 ? TAB : 2;
  return '\t'.repeat(Math.floor(blanks / level)) + ' '.repeat(blanks % level) + space.slice(blanks);
}

function spaces(columns: number, style: IndentStyle): string {
  return style.tabs === true ? '\t'.repeat(Math.round(columns / TAB)) : ' '.repeat(columns);
}
