// A suggestion as Tab accepts it. The editor lets Tab indent, and not accept, where the cursor stands in the indentation and what is
// shown begins with a tab stop of white space or more.

/** What the editor is to be given. */
export interface Acceptable {
  /** Characters before the cursor that the text takes the place of: the indentation of the line, or nothing. */
  replaced: number;
  /** What to put there. */
  text: string;
  /** False: the first Tab still indents, as it does on any line; the next one accepts. */
  tab: boolean;
}

/**
 * Gives a suggestion the form in which Tab accepts it.
 * @param linePrefix the cursor's line before the cursor
 * @param tabSize columns of a tab stop
 * @returns undefined where nothing but white space would be inserted
 */
export function acceptable(linePrefix: string, text: string, tabSize: number): Acceptable | undefined {
  if (text.trim() === '') return undefined;
  if (linePrefix.trim() !== '') return { replaced: 0, text, tab: true };
  const first = text.split('\n', 1)[0] as string;
  const added = first.slice(0, first.length - first.trimStart().length);
  const typed = columns(linePrefix, 0, tabSize);
  const tab = first.trim() === '' || columns(added, typed, tabSize) - typed < tabSize;
  return { replaced: linePrefix.length, text: linePrefix + text, tab };
}

/** The column that white space leads to from column `from`. */
function columns(space: string, from: number, tabSize: number): number {
  let column = from;
  for (const char of space) column += char === '\t' ? tabSize - (column % tabSize) : 1;
  return column;
}
