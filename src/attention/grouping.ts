// Tokens → words → lines, by their texts alone. Pure.

import { join, spansOf, type TokenText } from './joined';

/** To which word and line each token belongs. */
export interface Grouping {
  /** By position, from 0 without gaps. */
  wordOf: Int32Array<ArrayBuffer>;
  words: number;
  /** By position, from 0 without gaps. */
  lineOf: Int32Array<ArrayBuffer>;
  lines: number;
}

/** An identifier or a number. */
const WORD = /[\p{L}\p{N}\p{M}_$]+/gu;

/**
 * Groups tokens. A word is all tokens that hold a piece of one identifier or number, with the space or sign that some of them carry; any
 * other token is one by itself. A token that ends a line belongs to it, and a special token is a line of its own.
 */
export function grouping(tokens: readonly TokenText[]): Grouping {
  const wordOf = new Int32Array(tokens.length);
  const lineOf = new Int32Array(tokens.length);
  const goesOn = new Uint8Array(tokens.length + 1);
  for (const { first, last } of spansOf(join(tokens), WORD)) goesOn.fill(1, first + 1, last + 1);
  let [word, line] = [-1, -1];
  let ended = true;
  tokens.forEach(({ text, special }, i) => {
    if (goesOn[i] === 0) word++;
    if (ended || special) line++;
    ended = special || text.includes('\n');
    wordOf[i] = word;
    lineOf[i] = line;
  });
  return { wordOf, words: word + 1, lineOf, lines: line + 1 };
}
