// What the surroundings of the cursor say about the text to come.

import { grammarOf, type Grammar } from './grammar';
import { styleOf, width, type IndentStyle } from './indentation';
import { openerOf, scan, type Place } from './scanner';

export interface Situation {
  /** The cursor's line before and after the cursor. */
  linePrefix: string;
  lineSuffix: string;
  /** Up to three lines below that are not blank, trimmed, the nearest first. */
  below: readonly string[];
  /** Columns that the first of them is indented by; −1 if there is none. */
  belowIndent: number;
  /** Up to eight lines above that are not blank, trimmed, the nearest last. */
  above: readonly string[];
  /** True: several lines may come. */
  block: boolean;
  /** True: the cursor's line opens the block. */
  opens: boolean;
  /** Lines indented less than this many columns end the block. */
  indent: number;
  /** Indentation of the line that opens the block: its closing bracket stands there. −1 if no line does. */
  closerIndent: number;
  /** String or comment at the cursor. */
  inside: Place['inside'];
  /** Closing brackets that the document lacks, as far as they are the next to come. */
  closable: number;
  grammar: Grammar;
  style: IndentStyle;
}

const OPENER = /[{([]$|=>$|:$/;
const WORD_OPENER = /(?:^|\s)(?:do|then|else|begin)$/;
/** How far around the cursor brackets are read, in characters: beyond, the start of the part read is guessed to be code. */
const READ_BEFORE = 200_000;
const READ_AFTER = 20_000;

/**
 * Reads the situation at the cursor.
 * @param path says the language
 */
export function situationAt(prefix: string, suffix: string, path?: string): Situation {
  const grammar = grammarOf(path);
  const linesBefore = prefix.slice(-READ_BEFORE).split('\n');
  const linePrefix = linesBefore.at(-1) as string;
  const [lineSuffix = '', ...linesBelow] = suffix.slice(0, READ_AFTER).split(/\r?\n/);
  const place = scan(linesBefore.join('\n'), grammar);
  const blank = linePrefix.trim() === '';
  const opens = place.inside === '' && isOpener(linePrefix, grammar);
  const indent = width(linePrefix);
  const below = linesBelow.filter((line) => line.trim() !== '').slice(0, 3);
  const above = linesBefore.slice(0, -1).filter((line) => line.trim() !== '');
  return {
    linePrefix,
    lineSuffix,
    below: below.map((line) => line.trim()),
    belowIndent: below[0] === undefined ? -1 : width(below[0]),
    above: above.slice(-8).map((line) => line.trim()),
    block: lineSuffix.trim() === '' && (blank || opens) && !isText(place.inside),
    opens,
    indent: opens ? indent + 1 : indent,
    closerIndent: opens ? indent : blank ? openerAbove(linesBefore, indent, grammar) : -1,
    inside: place.inside,
    closable: closable(place, suffix.slice(0, READ_AFTER), grammar, below[0]?.trim() ?? ''),
    grammar,
    style: styleOf([...linesBelow.slice(0, 100), ...linesBefore]),
  };
}

/** Whether a line ends in what opens a block. */
export function isOpener(line: string, grammar: Grammar): boolean {
  const end = line.trimEnd();
  return OPENER.test(end) || (grammar.comments.includes('#') && WORD_OPENER.test(end));
}

/** Inside a comment or a short string, what comes is the rest of the line. */
function isText(inside: string): boolean {
  return inside === '\n' || inside === '"' || inside === "'";
}

/** How many closing brackets in a row the document wants: brackets open at the cursor that nothing below closes. */
function closable(place: Place, suffix: string, grammar: Grammar, nextLine: string): number {
  if (!grammar.brackets) return /^[)\]}]/.test(nextLine) ? 0 : Infinity;
  const open = place.open.map((sign) => (sign === '$' ? '{' : sign));
  const missing = new Map<string, number>();
  const miss = (sign: string): void => void missing.set(sign, (missing.get(sign) ?? 0) + 1);
  const left = [...open];
  for (const { sign } of scan(suffix, grammar, { open: [], inside: place.inside }).closers) {
    if (!left.includes(openerOf(sign))) continue;
    while (left.at(-1) !== openerOf(sign)) miss(left.pop() as string);
    left.pop();
  }
  if (suffix.length < READ_AFTER) left.forEach(miss); // else they may be closed further down
  // Of two alike, the inner one is taken to be the one that is missing: what stands below belongs to the outer.
  let count = 0;
  for (const sign of open.reverse()) {
    const number = missing.get(sign) ?? 0;
    if (number === 0) break;
    missing.set(sign, number - 1);
    count++;
  }
  return count;
}

/** Indentation of the nearest line above that is indented less, if it opens a block; −1 otherwise. */
function openerAbove(lines: readonly string[], indent: number, grammar: Grammar): number {
  for (let i = lines.length - 2; i >= 0; i--) {
    const line = lines[i] as string;
    if (line.trim() !== '' && width(line) < indent) return isOpener(line, grammar) ? width(line) : -1;
  }
  return -1;
}
