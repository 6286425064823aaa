// Other texts at the place of a completion: those that begin to differ from it with the most probable tokens. All texts but the one
// written fall into sets, one for each place and each other token there; the most probable set is opened first, and its text divides it
// again (Lawler 1972, as Murty 1968 did for assignments). Knows tokens and finished texts; how one is written comes from outside.

import type { Completion } from '../protocol';
import type { Sampled } from './sampler';
import type { Written } from './writing';

/** The likeliest others are kept of so many tokens of a text: what differs later looks the same at a glance. */
export const BRANCHING = { tokens: 24, others: 4 };
/** A text that is asked for may be this improbable. */
export const LEAST_PROBABILITY = 0.02;
/** Texts that are written for each that is wanted: some turn out the same but for white space, or too improbable. */
const ATTEMPTS = 3;

/** A set of texts: those that begin so. */
interface Branch {
  begun: readonly Sampled[];
  /** Natural logarithm of the probability of `begun`. */
  logProbability: number;
}

/**
 * Finds at most `count` texts, the most probable first. None is the beginning of the one shown or of another, differs in white space only, or has one character.
 * @param shown what is shown; where that is nothing, what was withheld is one of the texts
 * @param endings ids that end a text
 * @param write writes on after some first tokens; undefined where nobody waits any more
 */
export async function alternatives(
  shown: Written,
  count: number,
  endings: ReadonlySet<number>,
  write: (begun: readonly Sampled[]) => Promise<Written | undefined>,
): Promise<Completion[]> {
  const open = branchesOf(shown, 0, endings);
  if (shown.completion.text === '') open.push({ begun: [], logProbability: 0 });
  const found: Completion[] = [];
  for (let attempt = 0; found.length < count && attempt < ATTEMPTS * count; attempt++) {
    open.sort((a, b) => b.logProbability - a.logProbability);
    const next = open.shift();
    if (next === undefined) break;
    const written = await write(next.begun);
    if (written === undefined) break;
    open.push(...branchesOf(written, next.begun.length, endings));
    const { completion } = written;
    // One character is typed as quickly as it is chosen.
    if (completion.text.trim().length < 2) continue;
    if (![shown.completion, ...found].some(({ text }) => isSame(text, completion.text))) found.push(completion);
  }
  return found.sort((a, b) => b.probability - a.probability);
}

/** The sets into which the texts fall that begin with the first `settled` tokens of a text and go on differently. */
function branchesOf({ steps, shownSteps }: Written, settled: number, endings: ReadonlySet<number>): Branch[] {
  const branches: Branch[] = [];
  let logProbability = 0;
  // What differs behind the shown text begins with it.
  for (const [i, step] of steps.slice(0, shownSteps || steps.length).entries()) {
    const others = i < settled ? [] : (step.others ?? []).filter(({ id }) => !endings.has(id));
    for (const other of others)
      branches.push({ begun: [...steps.slice(0, i), other], logProbability: logProbability + other.conditional });
    logProbability += step.conditional;
  }
  return branches;
}

/** Whether one text is the beginning of the other, white space aside; no text is the beginning of none but itself. */
function isSame(shown: string, other: string): boolean {
  const [a, b] = [shown.replace(/\s+/g, ''), other.replace(/\s+/g, '')];
  return b === '' || (a !== '' && (a.startsWith(b) || b.startsWith(a)));
}
