// What a line of a suggestion must not run into: the text after the cursor, a bracket that nothing opened, a secret, itself.

import type { Cut } from './cut';
import { repetitionIn } from './repetition';
import { openerOf, scan } from './scanner';
import { findSecret, secretInTheMaking } from './secrets';
import type { Situation } from './situation';

/** Of a line that is longer before the cursor, only so many characters count for secrets: the search takes its time. */
const MAX_SEARCHED = 1000;

/** A place beyond which a line may not go on. */
export interface Barrier {
  /** Characters of the line before it. */
  at: number;
  /** Characters of the line from which it is sure; undefined: it may yet turn out to be none, and what is beyond is held back. */
  known: number | undefined;
  cut: Cut;
}

/**
 * The barriers in one line of a growing text.
 * @param before the text before the line
 * @param over true: nothing more will come in this line
 */
export function barriersIn(before: string, line: string, situation: Situation, over: boolean): Barrier[] {
  const first = before === '';
  const found = [
    first ? suffixAgain(line, situation, over) : undefined,
    first ? closedString(line, situation) : undefined,
    bracketTooMany(before, line, situation, over),
    secret(first ? situation.linePrefix.slice(-MAX_SEARCHED) : '', line, over),
    loop(line, over),
  ];
  return found.filter((barrier) => barrier !== undefined);
}

/** Where the first line begins to repeat what stands after the cursor. */
function suffixAgain(line: string, { lineSuffix }: Situation, over: boolean): Barrier | undefined {
  const after = lineSuffix.trim();
  if (after === '' || /^[)\]}]/.test(after)) return undefined; // brackets are counted
  // A lone sign may occur inside brackets of the suggestion's own.
  const found = after.length > 1 ? line.indexOf(after) : outsideBrackets(line, after);
  if (found >= 0) return { at: found, known: found + after.length, cut: 'repeats-below' };
  const shown = line.trimEnd().length;
  for (let from = Math.max(0, shown - after.length + 1); from < shown; from++)
    if (after.startsWith(line.slice(from, shown)))
      return { at: from, known: over ? line.length : undefined, cut: 'repeats-below' };
  return undefined;
}

/** Where the first line closes the string that the text after the cursor closes. */
function closedString(line: string, { inside, lineSuffix, grammar }: Situation): Barrier | undefined {
  if (inside === '' || !grammar.quotes.includes(inside) || !lineSuffix.includes(inside)) return undefined;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\') i++;
    else if (line[i] === inside) return { at: i, known: i + 1, cut: 'repeats-below' };
  }
  return undefined;
}

/** The first closing bracket that neither the suggestion nor the document wants. */
function bracketTooMany(before: string, line: string, situation: Situation, over: boolean): Barrier | undefined {
  const { grammar, inside, lineSuffix } = situation;
  const from = { open: [], inside };
  const whole = scan(before + line, grammar, from);
  const spare = whole.closers.filter(({ at }) => at >= before.length);
  const earlier = whole.closers.length - spare.length;
  const tooMany = spare[Math.max(0, situation.closable - earlier)];
  if (tooMany === undefined) return undefined;
  const at = tooMany.at - before.length;
  const barrier = (known: number | undefined, cut: Cut): Barrier => ({ at, known, cut });
  if (before === '' && lineSuffix.trim().startsWith(tooMany.sign)) return barrier(at + 1, 'repeats-below');
  // `} else {` closes and opens again: what stands below belongs to the new one.
  const opened = whole.open.slice(scan(before, grammar, from).open.length);
  if (!over) return barrier(undefined, 'unbalanced');
  return opened.includes(openerOf(tooMany.sign)) ? undefined : barrier(line.length, 'unbalanced');
}

function secret(prefix: string, line: string, over: boolean): Barrier | undefined {
  const text = prefix + line;
  const inLine = (at: number): number => Math.max(0, at - prefix.length);
  if (over && findSecret(`${text}\n`) < 0) return undefined;
  let found = findSecret(text);
  if (found < 0) {
    if (over) return { at: inLine(findSecret(`${text}\n`)), known: line.length, cut: 'secret' };
    const making = secretInTheMaking(text);
    return making < text.length ? { at: inLine(making), known: undefined, cut: 'secret' } : undefined;
  }
  let known = text.length;
  while (known > prefix.length && findSecret(text.slice(0, known - 1)) >= 0) known--;
  found = findSecret(text.slice(0, known));
  return { at: inLine(found), known: Math.max(0, known - prefix.length), cut: 'secret' };
}

function loop(line: string, over: boolean): Barrier | undefined {
  const found = repetitionIn(line);
  if (found === undefined || (found.known === undefined && over)) return undefined;
  return { ...found, cut: 'loop' };
}

/** Index of the first `sign` in `line` that is not between brackets; −1 if there is none. */
function outsideBrackets(line: string, sign: string): number {
  let depth = 0;
  for (let i = 0; i < line.length; i++) {
    const char = line[i] as string;
    if (char === sign && depth <= 0) return i;
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char)) depth--;
  }
  return -1;
}
