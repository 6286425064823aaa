// How many guessed tokens a run of the model should check (speculative decoding, Leviathan et al. 2023, arXiv:2211.17192, with a search in
// place of a small model). Decided by what runs took and which guesses were right; pure: times are passed in.

/** Most tokens that are guessed at once. */
export const MOST_DRAFTED = 16;
/** Runs of more tokens than this are no measure of what a draft costs. */
const MOST_MEASURED = 8 + MOST_DRAFTED;
/** What is remembered of runs and guesses: about so many of the last ones count. */
const RUNS_REMEMBERED = 8;
const GUESSES_REMEMBERED = 200;
const GAINS_REMEMBERED = 64;
/** A run that takes longer than this times the usual was disturbed by something else. */
const DISTURBED = 4;
/**
 * What a run of some length takes is forgotten when there was none for so many runs, times the number that were measured, at most
 * RUNS_REMEMBERED: then it is tried again, for the machine may be busier or freer, or the text longer.
 */
const FRESH = 32;

/** How often guesses of one kind were right. */
interface Tally {
  right: number;
  all: number;
}

/** The estimates for one model. */
export class DraftPolicy {
  /** By number of tokens in a run: how long it takes, in ms; how many were measured, at most RUNS_REMEMBERED; and when the last was. */
  readonly #ms: (number | undefined)[] = [];
  readonly #measured: number[] = [];
  readonly #when: number[] = [];
  #runs = 0;
  /** By kind of guess. */
  readonly #tallies = new Map<string, Tally>();
  /** Of the last runs, each counting less the longer ago: how long they took, and the tokens that they gave. */
  #spent = 0;
  #gained = 0;
  /** How long it takes to forget the guesses that were wrong, in ms. */
  #forgetting = 0;

  /**
   * How many of the guesses the next run should check, so that most tokens are gained in the time: k is best where
   * (expected tokens) · (time that a token takes on average) − (time of the run) is greatest, which maximises tokens over time in the long
   * run (Dinkelbach 1967).
   * @param kinds each guess's, in the order of the guesses
   * @param needed tokens that the run has to run in any case
   */
  plan(kinds: readonly Kind[], needed = 1): number {
    const plain = this.#cost(1);
    if (kinds.length === 0 || plain === undefined || needed > MOST_MEASURED - MOST_DRAFTED) return 0;
    const worth = this.#gained === 0 ? plain : Math.min(plain, this.#spent / this.#gained);
    // A length is tried only after half of it: what a long run costs is not known before.
    const most = Math.min(kinds.length, Math.max(needed, 2 * this.#longestMeasured()) - needed, MOST_DRAFTED);
    let all = 1; // probability that all of the first k are right
    let expected = 1; // tokens
    let best = 0;
    let bestGain = worth - (this.#cost(needed) ?? plain);
    for (let k = 1; k <= most; k++) {
      all *= this.chance(kinds[k - 1] as Kind);
      expected += all;
      const gain = expected * worth - (this.#cost(needed + k) ?? plain) - (1 - all) * this.#forgetting;
      if (gain > bestGain) [best, bestGain] = [k, gain];
    }
    return best;
  }

  /** A run of `needed` tokens and `drafted` guesses took `ms`. */
  ran(needed: number, drafted: number, ms: number): void {
    const tokens = needed + drafted;
    if (tokens > MOST_MEASURED) return;
    this.#runs++;
    this.#forgetOld();
    const before = this.#ms[tokens];
    const counted = before === undefined ? ms : Math.min(ms, DISTURBED * before);
    const measured = Math.min(RUNS_REMEMBERED, (this.#measured[tokens] ?? 0) + 1);
    this.#measured[tokens] = measured;
    this.#when[tokens] = this.#runs;
    this.#ms[tokens] = before === undefined ? counted : before + (counted - before) / measured;
    if (needed > 1) return;
    this.#spent = this.#spent * (1 - 1 / GAINS_REMEMBERED) + counted;
    this.#gained = this.#gained * (1 - 1 / GAINS_REMEMBERED) + 1;
  }

  /** Whether a guess, the ones before it being right, was right; it need not have been in a run. */
  judged(kind: Kind, right: boolean, inRun: boolean): void {
    const tally = this.#tally(kind);
    if (tally.all >= GUESSES_REMEMBERED) {
      tally.all /= 2;
      tally.right /= 2;
    }
    tally.all++;
    if (right) tally.right++;
    if (right && inRun) this.#gained++;
  }

  /** Forgetting wrong guesses took `ms`. */
  forgot(ms: number): void {
    this.#forgetting += (ms - this.#forgetting) / RUNS_REMEMBERED;
  }

  /** Probability that a guess of this kind is right if the ones before it are. */
  chance(kind: Kind): number {
    const { right, all } = this.#tally(kind);
    return right / all;
  }

  #tally(kind: Kind): Tally {
    let tally = this.#tallies.get(kind);
    if (tally === undefined) this.#tallies.set(kind, (tally = firstTally(kind)));
    return tally;
  }

  #forgetOld(): void {
    for (let n = 1; n < this.#ms.length; n++)
      if (this.#runs - (this.#when[n] ?? 0) > FRESH * (this.#measured[n] ?? 0)) this.#ms[n] = undefined;
  }

  #longestMeasured(): number {
    return Math.max(
      1,
      this.#ms.findLastIndex((ms) => ms !== undefined),
    );
  }

  /**
   * Milliseconds of a run of so many tokens: as measured, or between its measured neighbours; beyond the longest measured, as that. No run
   * takes longer than one of more tokens.
   * @returns undefined where nothing was measured
   */
  #cost(tokens: number): number | undefined {
    let above: number | undefined;
    let least: number | undefined;
    for (let n = this.#ms.length - 1; n >= tokens; n--) {
      const ms = this.#ms[n];
      if (ms === undefined) continue;
      above = n;
      least = Math.min(ms, least ?? ms);
    }
    if (this.#ms[tokens] !== undefined) return least;
    let below = tokens;
    while (below > 0 && this.#ms[below] === undefined) below--;
    const under = this.#ms[below];
    if (above === undefined || least === undefined || under === undefined) return least ?? under;
    return Math.min(least, under) + ((least - Math.min(least, under)) * (tokens - below)) / (above - below);
  }
}

/** Agreements longer than this count as this long. */
export const LONGEST_AGREEMENT = 12;

/** Where guesses are looked up: the text at hand, what was offered last, other files. */
export type Source = 'text' | 'offer' | 'memory';
/** Where a guess comes from, and for those that were looked up, how many tokens before it agree: `text 4`, `offer 1`, `typed`. */
export type Kind = 'typed' | `${Source} ${number}`;

/** Where a policy begins: the shares that were measured on held-out code with the shipped model, counted as this many guesses. */
const FIRST_WEIGHT = 8;
const FIRST_RIGHT = [0, 0.35, 0.6, 0.75, 0.9, 0.9, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95];
const FIRST_TYPED = 0.7;

function firstTally(kind: Kind): Tally {
  const [source, agreement] = kind.split(' ');
  const share =
    source === 'typed' ? FIRST_TYPED : (FIRST_RIGHT[Math.min(Number(agreement), LONGEST_AGREEMENT)] as number);
  return { right: share * FIRST_WEIGHT, all: FIRST_WEIGHT };
}
