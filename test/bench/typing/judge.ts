// What a recorded burst of typing shows: keys that got lost, ghost text that flickered or was stale, and times. Pure: from
// what burst.ts recorded to figures.

import type { GhostFrame } from '../../host/driver';

/** One answer of the completion provider that offered something. */
export interface Answer {
  /** How many of the typed characters stood in the document. */
  after: number;
  /** What was offered beyond the cursor. */
  text: string;
  /** The model was asked for it, a run that was under way gave it, or it was known. */
  from: 'model' | 'running' | 'memory';
}

export interface Burst {
  /** What was to be typed, a character a key; it begins at the beginning of an empty line. */
  typed: string;
  /** Number of that line, from 1. */
  firstLine: number;
  /** After each change of the document, how many typed characters stood in it; −1 where it was not what it should be. */
  counts: number[];
  /** When the browser got each key, in milliseconds on the page's clock. */
  keys: number[];
  frames: GhostFrame[];
  answers: Answer[];
}

/** A painted frame: so many typed characters stood on the screen, with this ghost text. */
export interface State {
  count: number;
  ghost: string;
  at: number;
}

/** The painted frames that show a line of the typed text, and from the first key on those that do not: `unread`. */
export function statesOf({ typed, firstLine, keys, frames }: Burst): { states: State[]; unread: GhostFrame[] } {
  const lines = typed.split('\n');
  const begins: number[] = [];
  lines.reduce((at, line) => (begins.push(at), at + line.length + 1), 0);
  const states: State[] = [];
  const unread: GhostFrame[] = [];
  for (const frame of frames) {
    const { painted, line, lineNumber, text, at } = frame;
    if (!painted) continue;
    const index = (lineNumber ?? NaN) - firstLine;
    const whole = lines[index];
    if (line !== undefined && whole?.startsWith(line) === true)
      states.push({ count: (begins[index] as number) + line.length, ghost: text, at });
    else if (at >= (keys[0] ?? Infinity)) unread.push(frame);
  }
  return { states, unread };
}

/** What is left of a suggestion when `typed` characters were typed on from `from` to `to`; undefined where they deviate or nothing is left. */
function restOf(ghost: string, typed: string, from: number, to: number): string | undefined {
  const through = typed.slice(from, to);
  return to >= from && ghost.startsWith(through) && ghost.length > through.length
    ? ghost.slice(through.length)
    : undefined;
}

/** A suggestion that went away or was another one for a moment, and then was on show again although the typing agreed with it all the time. */
export interface Flicker {
  /** How many characters were typed when it went and when it was back, and for how long, in milliseconds, it was gone. */
  from: number;
  to: number;
  ms: number;
  /** What was on show before, meanwhile and after. */
  before: string;
  between: string[];
  after: string;
}

/**
 * Flickers: frame a shows a suggestion; frame b, later, shows what is left of it or more; no frame from a to b deviates in what is typed;
 * and a painted frame between them shows nothing or something else.
 */
export function flickersOf(states: readonly State[], typed: string): Flicker[] {
  const found: Flicker[] = [];
  states.forEach((a, i) => {
    if (a.ghost === '') return;
    for (let j = i + 1; j < states.length; j++) {
      const b = states[j] as State;
      const rest = restOf(a.ghost, typed, a.count, b.count);
      if (rest === undefined) return;
      // A part of what was left is a suggestion that shrank; that is counted apart.
      if (!b.ghost.startsWith(rest) && !(b.ghost !== '' && rest.startsWith(b.ghost))) continue;
      if (j > i + 1) {
        const between = states.slice(i + 1, j);
        const ms = b.at - (between[0] as State).at;
        const { count: to, ghost: after } = b;
        found.push({ from: a.count, to, ms, before: a.ghost, between: between.map(({ ghost }) => ghost), after });
      }
      return;
    }
  });
  return found;
}

/** How many times a suggestion lost its end while the typing agreed with it. */
export function shrinksOf(states: readonly State[], typed: string): number {
  return states.filter((b, i) => {
    const a = states[i - 1];
    const rest = a === undefined ? undefined : restOf(a.ghost, typed, a.count, b.count);
    return b.ghost !== '' && rest !== undefined && rest.length > b.ghost.length && rest.startsWith(b.ghost);
  }).length;
}

/** Whether an answer is what a state shows: the text that was offered there, or what typing through it has left. */
function explains(answer: Answer, { count, ghost }: State, typed: string): boolean {
  const rest = restOf(answer.text, typed, answer.after, count);
  if (rest !== undefined) return rest.trimEnd() === ghost.trimEnd();
  // On a line that is blank so far, the editor keeps a suggestion whatever white space is typed: accepted, it sets the indentation right.
  const lineStart = typed.lastIndexOf('\n', count - 1) + 1;
  return (
    typed.slice(lineStart, count).trim() === '' &&
    answer.after >= lineStart &&
    answer.after <= count &&
    answer.text.trim() === ghost.trim()
  );
}

/** The frames with ghost text that was not offered for the text on the screen. */
export function staleOf(states: readonly State[], { typed, answers }: Burst): State[] {
  return states.filter((state) => state.ghost !== '' && !answers.some((answer) => explains(answer, state, typed)));
}

export interface Verdict {
  /** Keys that did not become the next character of the document. */
  dropped: number;
  flickers: Flicker[];
  shrinks: number;
  stale: State[];
  unread: GhostFrame[];
  /** From each key to the frame in which its character stands, in milliseconds. */
  echoMs: number[];
  /** From each key to the first frame with ghost text behind its character, in milliseconds, by where the text came from. */
  ghostMs: Record<Answer['from'], number[]>;
}

export function judge(burst: Burst): Verdict {
  const { typed, keys, counts, answers } = burst;
  const { states, unread } = statesOf(burst);
  const right = new Set(counts.filter((count) => count > 0)).size;
  const ghostMs: Verdict['ghostMs'] = { memory: [], running: [], model: [] };
  const echoMs: number[] = [];
  keys.forEach((key, i) => {
    const echo = states.find(({ count, at }) => count > i && at >= key);
    if (echo !== undefined) echoMs.push(echo.at - key);
    const shown = states.find(({ count, ghost, at }) => count === i + 1 && ghost !== '' && at >= key);
    if (shown === undefined) return;
    const offered = answers.filter((answer) => explains(answer, shown, typed));
    // What was offered before this key is moved by the editor, or given again from memory.
    const own = offered.every(({ after }) => after === i + 1) ? offered[0] : undefined;
    if (offered.length > 0) ghostMs[own?.from ?? 'memory'].push(shown.at - key);
  });
  return {
    dropped: typed.length - right,
    flickers: flickersOf(states, typed),
    shrinks: shrinksOf(states, typed),
    stale: staleOf(states, burst),
    unread,
    echoMs,
    ghostMs,
  };
}
