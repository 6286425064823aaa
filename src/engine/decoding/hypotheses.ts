// The finished texts of a beam search: the best few, by score. The rules are those of Hugging Face transformers.

/** A text that beam search has found. */
export interface Hypothesis {
  /** What follows the prompt, without the token that ended it. */
  ids: number[];
  /** Log-probability of each under the model, in nats, and last, where `finish` is `eos`, that of the token that ended it. */
  logprobs: number[];
  /** Sum of the log-probabilities / their number^lengthPenalty. */
  score: number;
  finish: 'eos' | 'length';
}

/**
 * When the search ends: true, as soon as there are as many finished texts as beams; false, when the best running one, at its present length, scores no better
 * than the worst of those; 'never', when it could not even at the length at which it would score best.
 */
export type EarlyStopping = boolean | 'never';

export class Hypotheses {
  readonly #most: number;
  readonly #lengthPenalty: number;
  readonly #earlyStopping: EarlyStopping;
  readonly #longest: number;
  #best: Hypothesis[] = [];

  /** @param most as many as there are beams @param longest most tokens of a text */
  constructor(most: number, lengthPenalty: number, earlyStopping: EarlyStopping, longest: number) {
    this.#most = most;
    this.#lengthPenalty = lengthPenalty;
    this.#earlyStopping = earlyStopping;
    this.#longest = longest;
  }

  /** Best first; of equal ones, the one found first. */
  get best(): readonly Hypothesis[] {
    return this.#best;
  }

  /** Takes a finished text; the worst goes where there are too many. */
  add(hypothesis: Omit<Hypothesis, 'score'>): void {
    if (this.#earlyStopping === true && this.#best.length === this.#most) return;
    const { logprobs } = hypothesis;
    const score = this.#score(
      logprobs.reduce((sum, logprob) => sum + logprob, 0),
      logprobs.length,
    );
    this.#best = [...this.#best, { ...hypothesis, score }].sort((a, b) => b.score - a.score).slice(0, this.#most);
  }

  /**
   * True when no text that still runs is expected to get in.
   * @param sum of the best running one's log-probabilities
   * @param length number of tokens it has
   */
  isFull(sum: number, length: number): boolean {
    if (this.#best.length < this.#most) return false;
    if (this.#earlyStopping === true) return true;
    const atLength = this.#earlyStopping === 'never' && this.#lengthPenalty > 0 ? this.#longest : length;
    return this.#score(sum, atLength) <= (this.#best.at(-1) as Hypothesis).score;
  }

  #score(sum: number, length: number): number {
    return sum / length ** this.#lengthPenalty;
  }
}
