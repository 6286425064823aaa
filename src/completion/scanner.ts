// Reads code far enough to know brackets from brackets in strings and comments. What it reads is often unfinished: it never fails.

import type { Grammar } from './grammar';

/** Where in the structure of a text a place lies. */
export interface Place {
  /** Brackets that are open, outermost first; `$` is a template's `${`. */
  open: readonly string[];
  /** Delimiter that ends the string or comment at the place; '\n' ends a line comment; '' in code. */
  inside: string;
}

/** A closing bracket that nothing in the text opened. */
export interface Closer {
  at: number;
  sign: string;
}

export interface Scan extends Place {
  /** Closing brackets that neither the text nor `from` opened; where `from` is the start of a document, damage. */
  closers: readonly Closer[];
  /** Where the string that is open at the end begins, if it began in the text; −1 otherwise. */
  stringAt: number;
}

/** Nothing begins or ends with these; most of a text is made of them. */
const PLAIN = /[\w \t.,]+/y;
const PARTNER: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** The opening bracket that a closing one belongs to. */
export function openerOf(closer: string): string {
  return PARTNER[closer] as string;
}

/** The start of a document. */
export const START: Place = { open: [], inside: '' };

/** Reads `text`, which begins at `from`. */
export function scan(text: string, grammar: Grammar, from: Place = START): Scan {
  const open = [...from.open];
  const closers: Closer[] = [];
  let inside = from.inside;
  let stringAt = -1;
  let i = 0;
  const starts = (sign: string): boolean => text.startsWith(sign, i);
  const enter = (end: string, length: number): void => {
    [inside, stringAt] = [end, i];
    i += length;
  };
  while (i < text.length) {
    PLAIN.lastIndex = i;
    if (PLAIN.test(text)) {
      i = PLAIN.lastIndex;
      continue;
    }
    const char = text[i] as string;
    if (inside !== '') {
      if (char === '\\' && inside !== '\n' && inside !== '*/') i += 2;
      else if (grammar.templates && inside === '`' && starts('${')) {
        open.push('$');
        inside = '';
        i += 2;
      } else if (starts(inside)) {
        i += inside.length;
        inside = '';
      } else {
        // A quote that is not closed in its line ends there: it was an apostrophe, or the line is unfinished.
        if (char === '\n' && inside.length === 1 && !grammar.longQuotes.includes(inside)) inside = '';
        i++;
      }
      continue;
    }
    const long = grammar.longQuotes.find(starts);
    const comment = grammar.comments.find(starts);
    if (long !== undefined) enter(long, long.length);
    else if (comment !== undefined && beginsComment(text, i, comment)) enter('\n', comment.length);
    else if (grammar.blockComments && starts('/*')) enter('*/', 2);
    else if (grammar.quotes.includes(char) && !isApostrophe(text, i)) enter(char, 1);
    else {
      if (grammar.brackets && '([{'.includes(char)) open.push(char);
      else if (grammar.brackets && ')]}'.includes(char)) {
        const at = open.findLastIndex((sign) => PARTNER[char] === (sign === '$' ? '{' : sign));
        if (at < 0) closers.push({ at: i, sign: char });
        else {
          if (open[at] === '$') inside = '`';
          open.length = at; // what was opened after it was never closed
        }
      }
      i++;
    }
  }
  return { open, inside, closers, stringAt: inside === '' ? -1 : stringAt };
}

/** `#` in the middle of a word begins no comment, nor does the `//` of an address. */
function beginsComment(text: string, at: number, sign: string): boolean {
  const before = text[at - 1] ?? '\n';
  return sign === '#' ? /\s|[;)}\]]/.test(before) : before !== ':';
}

/** A single quote after a letter, as in "don't"; the prefixes of Python's strings aside. */
function isApostrophe(text: string, at: number): boolean {
  if (text[at] !== "'") return false;
  const word = /\w+$/.exec(text.slice(Math.max(0, at - 24), at))?.[0];
  return word !== undefined && !/^(?:[fFrRbBuUL]|[fFbB][rR]|[rR][fFbB]|u8)$/.test(word);
}
