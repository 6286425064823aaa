// How many threads a run gets. Small models lose more by handing work over than they win by sharing it, which depends on the machine and on
// what else runs there: for them several sessions are kept, and the measured times decide. Pure but for what the machine has.

import { usableCores } from '../machine/containers';
import { power } from '../machine/power';

const MOST = 8;
/** Runs of an arm before it is judged; the first one also pays for what is set up. */
const TRIES = 4;
/** After so many runs of a kind, an arm that lost is tried again. */
const PROBE_EVERY = 256;
/** An arm this many times as slow is tried far less often. */
const HOPELESS = 3;
const NEWEST = 0.3;

/**
 * Half of the logical cores, which leaves the rest to the editor and is what the cores amount to where two share one unit; all of them only
 * where there are two, and no battery. In a container that may use less than the machine has, of what it may use.
 */
export function suitableThreads(cores = usableCores(), laptop = mayBeLaptop()): number {
  return cores <= 2 && !laptop ? cores : Math.max(1, Math.min(MOST, Math.ceil(cores / 2)));
}

/** Where nothing tells whether this is a laptop, it may be one; on Linux a machine without supplies of power is none. */
function mayBeLaptop(): boolean {
  return power()?.battery ?? process.platform !== 'linux';
}

/** The numbers of threads worth keeping sessions for: of a small model one thread and several, of any other the suitable number. */
export function threadArms(small: boolean, asked: number | undefined, suitable = suitableThreads()): number[] {
  if (asked !== undefined) return [asked];
  return small && suitable > 1 ? [1, suitable] : [suitable];
}

interface Arm {
  runs: number;
  /** Milliseconds a token; undefined: not known yet. */
  pace: number | undefined;
}

/** Chooses among arms by what they took, for runs of one token, of a few, and of many each by itself. */
export class ThreadChoice {
  readonly #kinds: { runs: number; arms: Arm[] }[];

  constructor(arms: number) {
    this.#kinds = Array.from({ length: 3 }, () => ({
      runs: 0,
      arms: Array.from({ length: arms }, () => ({ runs: 0, pace: undefined })),
    }));
  }

  /** The arm for a run of so many tokens. */
  choose(tokens: number): number {
    const { runs, arms } = this.#kind(tokens);
    const untried = arms.findIndex((arm) => arm.runs < TRIES);
    if (untried >= 0) return untried;
    const best = arms.reduce((least, { pace = 0 }, i) => (pace < (arms[least]?.pace ?? 0) ? i : least), 0);
    for (const [i, { pace = 0 }] of arms.entries()) {
      if (i === best) continue;
      const often = pace > HOPELESS * (arms[best]?.pace ?? 0) ? 8 * PROBE_EVERY : PROBE_EVERY;
      if (runs % often === often - 1) return i;
    }
    return best;
  }

  /** A run of an arm took so many milliseconds. */
  note(arm: number, tokens: number, ms: number): void {
    const kind = this.#kind(tokens);
    kind.runs++;
    const noted = kind.arms[arm] as Arm;
    noted.runs++;
    if (noted.runs === 1) return;
    const pace = ms / tokens;
    // Something else on the machine makes a run slower, nothing makes it faster: low times count at once.
    noted.pace =
      noted.pace === undefined ? pace : Math.min(noted.pace + NEWEST * (pace - noted.pace), noted.pace * 1.5);
  }

  #kind(tokens: number): { runs: number; arms: Arm[] } {
    return this.#kinds[tokens === 1 ? 0 : tokens <= 8 ? 1 : 2] as { runs: number; arms: Arm[] };
  }
}
