// The tokens of a whole document, again and again while it is edited: a line is tokenized once and remembered. Between lines tokens
// may differ from those of the whole text (a line break joins what stands before it in some vocabularies), so this is for searching
// the text, not for the model.

import type { Tokenizer } from './tokenizer';

/** Lines that are remembered; then all are forgotten. */
const MAX_LINES = 20_000;
/** A longer line is data rather than code, and would be tokenized anew at each of its keystrokes: only its end counts. */
const MAX_LINE = 1000;

export class LineTokens {
  readonly #tokenizer: Pick<Tokenizer, 'encodeText'>;
  readonly #lines = new Map<string, readonly number[]>();

  constructor(tokenizer: Pick<Tokenizer, 'encodeText'>) {
    this.#tokenizer = tokenizer;
  }

  /** Ids of the text, line by line, each with the line break before it. */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const line of linesOf(text)) {
      let found = this.#lines.get(line);
      if (found === undefined) {
        if (this.#lines.size >= MAX_LINES) this.#lines.clear();
        this.#lines.set(line, (found = this.#tokenizer.encodeText(line, 'inside')));
      }
      for (const id of found) ids.push(id);
    }
    return ids;
  }
}

/** The lines of a text, each with the line break before it; of one that is very long, its end. */
export function linesOf(text: string): string[] {
  return text.split(/(?=(?<!\n)\n)/).map((line) => line.slice(-MAX_LINE));
}
