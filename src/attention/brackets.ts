// Which bracket is open at each token, and which one it closes; read roughly, for code in any language. Pure.

import { MARK, type Joined } from './joined';

/** Where each token stands among the brackets, [token] each; special tokens stand nowhere. */
export interface Brackets {
  /** The token that holds the innermost bracket open before the token; −1: none. */
  innermost: Int32Array<ArrayBuffer>;
  /** The tokens that hold what the token closes, in order; most are empty. */
  closed: readonly (readonly number[])[];
}

const OPENERS = '([{';
const CLOSERS = ')]}';
const WORD = /[\p{L}\p{N}_]/u;
/** What is read over, longest first: how it begins, how it ends, and whether it must end in its line. */
const SKIPPED: readonly [begin: string, end: string, inLine: boolean][] = [
  ['"""', '"""', false],
  ["'''", "'''", false],
  ['/*', '*/', false],
  ['//', '\n', true],
  ['# ', '\n', true],
  ['`', '`', false],
  ['"', '"', true],
  ["'", "'", true],
];

/**
 * Reads brackets, over strings and comments. The language is not known, so what begins like a string is one only if it ends where it must.
 * @param frame by token: what marks of the frame announce; after `middle` the text goes on that ended at `suffix`
 */
export function brackets(joined: Joined, frame: readonly FrameMark[]): Brackets {
  const { text, starts } = joined;
  const count = starts.length - 1;
  const innermost = new Int32Array(count).fill(-1);
  const closed: number[][] = Array.from({ length: count }, () => []);
  let open: { sign: string; token: number }[] = [];
  let kept: typeof open = [];
  let skipTo = 0;
  for (let token = 0; token < count; token++) {
    const [start, end] = [starts[token] as number, starts[token + 1] as number];
    if (text[start] === MARK) {
      [open, kept] = frame[token] === 'middle' ? [kept, []] : [[], frame[token] === 'suffix' ? open : kept];
      continue;
    }
    innermost[token] = open.at(-1)?.token ?? -1;
    for (let at = Math.max(start, skipTo); at < end; at = Math.max(at + 1, skipTo)) {
      const sign = text[at] as string;
      skipTo = endOfSkipped(text, at);
      if (skipTo > at) continue;
      if (OPENERS.includes(sign)) open.push({ sign, token });
      const partner = OPENERS[CLOSERS.indexOf(sign)];
      if (partner === undefined) continue;
      const opener = open.findLastIndex((one) => one.sign === partner);
      if (opener < 0) continue; // nothing opened it: the text begins inside
      (closed[token] as number[]).push((open[opener] as { token: number }).token);
      open.length = opener; // what was opened after it was never closed
    }
  }
  return { innermost, closed };
}

/** What a special token of a fill-in-the-middle frame announces. */
export type FrameMark = 'prefix' | 'suffix' | 'middle' | 'other' | undefined;

/** By the names that model families use. @returns undefined for text */
export function frameMark({ text, special }: { text: string; special: boolean }): FrameMark {
  if (!special) return undefined;
  if (/fim.(prefix|begin)|<PRE>|\[PREFIX\]/.test(text)) return 'prefix';
  if (/fim.(suffix|hole)|<SUF>|\[SUFFIX\]/.test(text)) return 'suffix';
  return /fim.(middle|end)|<MID>/.test(text) ? 'middle' : 'other';
}

/** Where a string or comment that begins here is over; `at` where none does. */
function endOfSkipped(text: string, at: number): number {
  const found = SKIPPED.find(([begin]) => text.startsWith(begin, at));
  if (found === undefined) return at;
  const [begin, end, inLine] = found;
  if (begin === '//' && text[at - 1] === ':') return at; // an address
  if (begin === '# ' && !/[\s\0]/.test(text[at - 1] ?? '\n')) return at;
  if (begin === "'" && WORD.test(text[at - 1] ?? '')) return at; // an apostrophe
  let i = at + begin.length;
  for (; i < text.length; i++) {
    const sign = text[i] as string;
    if (sign === MARK) break;
    if (text.startsWith(end, i)) return i + end.length;
    if (inLine && sign === '\n') break;
    if (sign === '\\' && end !== '\n' && end !== '*/') i++;
  }
  return end === '\n' ? i : at;
}
