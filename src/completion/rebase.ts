// Code that was written for the beginning of a line, put where the document is indented; line by line, as it streams. Pure.

import { leading } from './indentation';

/** After these at the end of a line the next one is deeper. */
const OPENS = /[:{([]\s*$/;

/**
 * Takes code in pieces. Its first line goes on with the document's line, and the others keep their distance from it. Where the second line
 * shows that the code knows of the document's indentation, it is left as it is.
 */
export class Rebasing {
  readonly #base: string;
  /** Undefined: not known yet. False: nothing is changed. */
  #own: string | false | undefined;
  /** White space at the start of a line, which is not decided about yet. */
  #space: string | undefined = '';
  #first = '';
  #lines = 0;

  /** @param linePrefix the document's line before the place */
  constructor(linePrefix: string) {
    this.#base = linePrefix;
    if (linePrefix === '' || linePrefix.trim() !== '') this.#own = false;
  }

  /** @returns the piece, indented; white space at the start of a line comes with what follows it */
  push(piece: string): string {
    if (this.#own === false) return piece;
    let out = '';
    for (const char of piece) {
      if (this.#space !== undefined && (char === ' ' || char === '\t')) {
        this.#space += char;
        continue;
      }
      if (this.#space !== undefined && char !== '\n') out += this.#indent(this.#space);
      if (this.#lines === 1) this.#first += char;
      this.#space = char === '\n' ? '' : undefined;
      out += char;
    }
    return out;
  }

  /** The white space that a line has, for what it was written with. */
  #indent(space: string): string {
    this.#lines++;
    if (this.#lines === 1) {
      this.#own = space;
      return ''; // the document has it
    }
    const own = this.#own === false ? '' : (this.#own ?? '');
    if (this.#lines === 2 && own === '' && leading(space).startsWith(this.#base) && !OPENS.test(this.#first))
      this.#own = this.#base;
    const from = this.#own === false ? '' : (this.#own ?? '');
    return space.startsWith(from) ? this.#base + space.slice(from.length) : space;
  }
}
