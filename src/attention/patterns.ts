// Where a head would look if it did one plain thing: for each class the keys of each query. Pure.
//
// previous, duplicate and induction are those of the head detector of TransformerLens (transformer_lens/head_detector.py), which goes
// back to Elhage et al. 2021 and Olsson et al. 2022 (arXiv:2209.11895); those of brackets, identifiers and indentation are for code.

import { brackets, frameMark, type FrameMark } from './brackets';
import { join, MARK, spansOf, type Joined, type TokenText } from './joined';

/** What is known of a token here. */
export interface HeadToken extends TokenText {
  id: number;
}

/** Keys by query. */
export interface KeySets {
  /** [n + 1]: those of query q are keys[starts[q]] … keys[starts[q + 1] − 1], rising, each once. */
  starts: Int32Array<ArrayBuffer>;
  keys: Int32Array<ArrayBuffer>;
}

/** Classes that are a set of keys. */
export const PATTERN_CLASSES = [
  'previous',
  'first',
  'self',
  'duplicate',
  'induction',
  'bracket',
  'identifier',
  'indentation',
  'local',
] as const;
export type PatternClass = (typeof PATTERN_CLASSES)[number];
export type Patterns = Readonly<Record<PatternClass, KeySets>>;

/** How far back `local` reaches, in tokens. */
export const NEAR = 8;

const NAME = /[\p{L}_$][\p{L}\p{N}\p{M}_$]*/gu;
/** Words of many languages that name nothing. */
const KEYWORDS = new Set(
  (
    'abstract and as async await bool boolean break case catch char class const continue def default defer del do double elif else end enum ' +
    'export extends extern false False final finally float fn for foreach from func function go goto if impl implements import in include ' +
    'instanceof int interface is lambda let long loop match mod module mut namespace new nil None not null number or override package pass ' +
    'private protected pub public raise readonly return self Self short static string struct super switch template then this throw throws ' +
    'trait true True try type typedef typeof undefined union unsafe unsigned use using var virtual void volatile when where while with yield'
  ).split(' '),
);

/**
 * The keys of each query, by class:
 * - previous: q − 1; self: q; local: q − 8 … q − 1; first: position 0, of any other query
 * - duplicate: earlier tokens with the same id
 * - induction: the token after each of these
 * - bracket: the tokens of the brackets that q closes; else that of the innermost bracket that is open before q
 * - identifier: the tokens of earlier places of the name that q is a part of; words of the language are no names
 * - indentation: where q begins a line (its first token that is not only white space), those that begin an earlier line which is indented alike
 *
 * Position 0 is in no class but `first`: heads rest there that have nothing to do.
 */
export function patterns(tokens: readonly HeadToken[]): Patterns {
  const n = tokens.length;
  const joined = join(tokens);
  const frame = tokens.map(frameMark);
  return {
    previous: sets(n, (q) => [q - 1]),
    first: sets(n, (q) => (q > 0 ? [0] : []), 0),
    self: sets(n, (q) => [q]),
    duplicate: repetitions(tokens, 0),
    induction: repetitions(tokens, 1),
    bracket: openers(joined, frame),
    identifier: names(joined),
    indentation: indentations(joined, frame),
    local: sets(n, (q) => Array.from({ length: NEAR }, (_, i) => q - NEAR + i)),
  };
}

/** The keys of one query. */
export function keysOf({ starts, keys }: KeySets, query: number): Int32Array {
  return keys.subarray(starts[query], starts[query + 1]);
}

/** @param of asked for each query in turn: rising keys; what is below `least` is left out */
function sets(n: number, of: (q: number) => readonly number[], least = 1): KeySets {
  const starts = new Int32Array(n + 1);
  let keys = new Int32Array(16 * n);
  let count = 0;
  for (let q = 0; q < n; q++) {
    const found = of(q);
    if (count + found.length > keys.length) {
      const longer = new Int32Array(2 * (count + found.length));
      longer.set(keys);
      keys = longer;
    }
    for (const key of found) if (key >= least) keys[count++] = key;
    starts[q + 1] = count;
  }
  return { starts, keys: keys.slice(0, count) };
}

/** Earlier tokens with the same id, or those `shift` after them. */
function repetitions(tokens: readonly HeadToken[], shift: 0 | 1): KeySets {
  const seen = new Map<number, number[]>();
  return sets(tokens.length, (q) => {
    // Before q are the keys up to q − 1, and those are found at the tokens up to here.
    const found = tokens[q - 1 - shift];
    const keys = found && seen.get(found.id);
    if (keys) keys.push(q - 1);
    else if (found) seen.set(found.id, [q - 1]);
    return seen.get((tokens[q] as HeadToken).id) ?? [];
  });
}

function openers(joined: Joined, frame: readonly FrameMark[]): KeySets {
  const { innermost, closed } = brackets(joined, frame);
  return sets(frame.length, (q) => {
    const closes = [...new Set(closed[q])].filter((key) => key < q).sort((a, b) => a - b);
    return closes.length > 0 ? closes : [innermost[q] ?? -1];
  });
}

function names(joined: Joined): KeySets {
  const n = joined.starts.length - 1;
  const seen = new Map<string, number[]>();
  const found: number[][] = [];
  for (const { text, first, last } of spansOf(joined, NAME)) {
    if (KEYWORDS.has(text)) continue;
    const earlier = seen.get(text) ?? [];
    for (let token = first; token <= last; token++) {
      const keys = earlier.filter((key) => key < first);
      const others = found[token];
      found[token] = others === undefined ? keys : [...new Set([...others, ...keys])].sort((a, b) => a - b);
    }
    for (let token = first; token <= last; token++) if (earlier.at(-1) !== token) earlier.push(token);
    seen.set(text, earlier);
  }
  return sets(n, (q) => found[q] ?? []);
}

/** A line from its indentation to its first sign. */
const LINE = /(?<=^|[\n\0])([ \t]*)[^\s\0]/g;

function indentations(joined: Joined, frame: readonly FrameMark[]): KeySets {
  const n = frame.length;
  const seen = new Map<string, number[]>();
  const found: (readonly number[])[] = [];
  for (const { text, start, first, last } of spansOf(joined, LINE)) {
    // After these marks a line goes on.
    const mark = joined.text[start - 1] === MARK ? frame[first - 1] : undefined;
    if (mark === 'suffix' || mark === 'middle') continue;
    const indentation = text.slice(0, -1);
    const lines = seen.get(indentation) ?? [];
    found[last] = lines.slice();
    lines.push(last);
    seen.set(indentation, lines);
  }
  return sets(n, (q) => found[q] ?? []);
}
