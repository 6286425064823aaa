// How a prompt is put to a model that knows no instructions, only code that goes on: as a comment above the place of writing. Pure.

/** What stands before and after the words of a comment of one line. */
export interface Comment {
  open: string;
  close: string;
}

const MARKUP: Comment = { open: '<!-- ', close: ' -->' };
const BLOCK: Comment = { open: '/* ', close: ' */' };
/** Languages that have no line comments, but others. */
const CLOSED: Record<string, Comment> = { html: MARKUP, xml: MARKUP, vue: MARKUP, svelte: MARKUP, css: BLOCK };

/**
 * How a comment is written in a language.
 * @param lineMark what a line comment begins with there; '' where there are none, which makes comments plain text
 */
export function commentIn(languageId: string, lineMark: string): Comment {
  return CLOSED[languageId] ?? { open: lineMark, close: '' };
}

/**
 * What the model is shown before the place of writing: the text before it and, on lines of their own above the last line, as comments,
 * what the new text is to replace and then the prompt. The document gets none of these lines.
 * @param before the document before the place
 * @param replaced what stood at the place; '' where nothing did
 */
export function withPrompt(before: string, prompt: string, comment: Comment, replaced = ''): string {
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = before.slice(lineStart);
  const indent = /^[ \t]*/.exec(line)?.[0] ?? '';
  const said = (text: string): string =>
    text === ''
      ? ''
      : text
          .split('\n')
          .map((words) => (words.startsWith(indent) ? words.slice(indent.length) : words.trimStart()))
          .map((words) => `${indent}${comment.open}${words}${comment.close}`.trimEnd() + '\n')
          .join('');
  return before.slice(0, lineStart) + said(replaced) + said(prompt) + line;
}
