// What is worth showing of a file, and whether any of it is. Pure text.

/** A longer line, on average, is not written by people. */
const MAX_MEAN_LINE = 300;

/** Whether a text was written by people: not binary, not minified. */
export function isHandwritten(text: string): boolean {
  return text !== '' && !text.includes('\0') && text.length / text.split('\n').length <= MAX_MEAN_LINE;
}

/**
 * The definition that begins in a line: to the line where the indentation returns, which is part of it where it closes a bracket.
 * @param line from 0
 * @param most lines at most
 */
export function definitionAt(text: string, line: number, most: number): string {
  const lines = text.split('\n').slice(line, line + most);
  const indent = indentOf(lines[0] ?? '');
  const closes = (one: string): boolean => /^\s*[)\]}]/.test(one);
  // A line that closes a bracket and opens the next, as at the end of a long list of parameters, is not the last.
  const goesOn = (one: string): boolean =>
    isBlank(one) || indentOf(one) > indent || (closes(one) && /[[({:]\s*$/.test(one));
  let end = 1;
  while (end < lines.length && goesOn(lines[end] as string)) end++;
  if (closes(lines[end] ?? '')) end++;
  while (end > 1 && isBlank(lines[end - 1])) end--;
  return lines.slice(0, end).join('\n');
}

function indentOf(line: string): number {
  return /^[ \t]*/.exec(line)?.[0].length ?? 0;
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || line.trim() === '';
}
