// How many tokens of a prompt to run at once: as many as take no longer than somebody who changed their mind should wait, since a run
// cannot be interrupted. Pure: times are passed in.

/** A cancel is noticed within this, in milliseconds, once the model's speed is known. */
const PATIENCE_MS = 120;
/** Shorter runs say little of the speed. */
const TELLING = 16;
/** Chunks are multiples of this; a run of fewer tokens is hardly quicker. */
const STEP = 16;
/** Tokens of the first chunk, before anything is known. */
const FIRST = 64;
/** Share of the newest measurement. */
const NEWEST = 0.3;

export class Pace {
  readonly #most: number;
  #msPerToken: number | undefined;

  /** @param most tokens that memory allows at once */
  constructor(most: number) {
    this.#most = most;
  }

  /** A run of so many tokens took so long. */
  note(tokens: number, ms: number): void {
    if (tokens < TELLING) return;
    const measured = ms / tokens;
    this.#msPerToken =
      this.#msPerToken === undefined ? measured : this.#msPerToken + NEWEST * (measured - this.#msPerToken);
  }

  /** Tokens to run at once. */
  get chunk(): number {
    const bearable = this.#msPerToken === undefined ? FIRST : PATIENCE_MS / this.#msPerToken;
    const steps = Math.floor(bearable / STEP) * STEP;
    return Math.min(this.#most, Math.max(STEP, steps));
  }
}
