// Which part of a document the model is shown. Pure text: no tokens, no editor.

/** The text around the cursor that is worth tokenizing. */
export interface Window {
  prefix: string;
  suffix: string;
}

/**
 * Cuts the text around the cursor down to a budget, at line ends.
 * The start moves in steps of a quarter of the budget, so that it stays where it is while a line is typed: the model's
 * cache holds as long as the beginning of its prompt does.
 * @param prefixChars most characters before the cursor
 * @param suffixChars most characters after it
 */
export function windowAround(prefix: string, suffix: string, prefixChars: number, suffixChars: number): Window {
  return { prefix: tail(prefix, prefixChars), suffix: head(suffix, suffixChars) };
}

function tail(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const step = Math.max(1, Math.floor(chars / 4));
  const start = Math.ceil((text.length - chars) / step) * step;
  const lineEnd = text.indexOf('\n', start);
  return text.slice(lineEnd >= 0 && lineEnd + 1 < text.length ? lineEnd + 1 : start);
}

function head(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const lineEnd = text.lastIndexOf('\n', chars - 1);
  return text.slice(0, lineEnd >= 0 ? lineEnd + 1 : chars);
}
