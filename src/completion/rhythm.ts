// How long to wait after a key before the model is asked: as the typing and the model's speed suggest. Pure numbers.

/** Keys further apart than this are two bursts, in milliseconds. */
const PAUSE_MS = 400;
/** So many gaps, and so many answers, count. */
const LAST = 12;
/** Who types on and on without a pause is not left alone for longer than so many times the model's answer takes, and so many milliseconds. */
const ALONE = 3;
const ALONE_MS = 500;
/** The editor itself waits so long after a key before it asks, in milliseconds. */
export const EDITOR_MS = 50;

/** Where and how the editor asks. */
export interface Moment {
  /** The cursor stands at the start of a line or behind its indentation: people look up there. */
  lineStart: boolean;
  /** The model has read the document: it will answer as fast as it did lately. What it has not read must be read in any case. */
  warm: boolean;
  /** Least wait after the key, in milliseconds. */
  least: number;
  /** The present, on the clock of the keys. */
  now: number;
}

export class Rhythm {
  readonly #gaps: number[] = [];
  readonly #answers: number[] = [];
  #lastKey = -Infinity;
  #lastAsked = -Infinity;
  #inBurst = false;

  /** A key was typed. @param at in milliseconds, of any clock that does not go back */
  key(at: number): void {
    const gap = at - this.#lastKey;
    this.#lastKey = at;
    this.#inBurst = gap < PAUSE_MS;
    if (this.#inBurst) keep(this.#gaps, gap);
  }

  /** The model is asked. @param at on the clock of the keys */
  asked(at: number): void {
    this.#lastAsked = at;
  }

  /** The model gave its first text. @param ms after it was asked */
  answered(ms: number): void {
    keep(this.#answers, ms);
  }

  /** Another model, or another device. */
  reset(): void {
    this.#answers.length = 0;
  }

  /** How long the model takes to its first text, in milliseconds: the median, because one long prompt says nothing of the next. */
  get latency(): number {
    return [...this.#answers].sort((a, b) => a - b)[this.#answers.length >> 1] ?? 0;
  }

  /**
   * How long to wait beyond the editor's own wait, in milliseconds. Nothing where the answer is likely to come before the next key. Else until
   * twice the usual gap has passed, when no key is likely to follow soon; but no longer than the model takes for its answer: then neither
   * waiting nor asking in vain costs more than about twice what it had to (the ski rental problem's break-even rule). Nor longer than
   * makes the model idle for most of the time: a run goes on while the typing agrees with it, so that it may end in good time all the same.
   */
  delay({ lineStart, warm, least, now }: Moment): number {
    const minimum = Math.max(0, least - EDITOR_MS);
    const gap = mean(this.#gaps);
    const { latency } = this;
    const alone = now - this.#lastAsked >= Math.max(ALONE_MS, ALONE * latency);
    if (alone || lineStart || !warm || !this.#inBurst || gap === undefined || latency + EDITOR_MS <= gap)
      return minimum;
    return Math.max(minimum, Math.min(2 * gap - EDITOR_MS, latency));
  }
}

function keep(last: number[], value: number): void {
  last.push(value);
  if (last.length > LAST) last.shift();
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
