// How fast the model has been lately, for the status bar. Pure.

import type { Completion } from '../protocol';

/** So many completions count. */
const LAST = 20;

/** A measured speed. */
export interface Pace {
  /** Tokens a second after the first; undefined where no completion had a second. */
  tokensPerSecond: number | undefined;
  /** Median time to the first token, in milliseconds. */
  firstTokenMs: number;
}

export class Speed {
  readonly #last: Completion['stats'][] = [];

  /** A completion has ended; one that was cancelled before it began says nothing. */
  add({ stats }: Completion): void {
    if (stats.generatedTokens === 0) return;
    this.#last.push(stats);
    if (this.#last.length > LAST) this.#last.shift();
  }

  /** Another model or device. */
  reset(): void {
    this.#last.length = 0;
  }

  /** Undefined as long as nothing was measured. */
  get pace(): Pace | undefined {
    const firsts = this.#last.map(({ firstTokenMs }) => firstTokenMs).sort((a, b) => a - b);
    const firstTokenMs = firsts[firsts.length >> 1];
    if (firstTokenMs === undefined) return undefined;
    const tokens = this.#last.reduce((sum, { generatedTokens }) => sum + generatedTokens - 1, 0);
    const ms = this.#last.reduce((sum, { totalMs, firstTokenMs: first }) => sum + totalMs - first, 0);
    return { tokensPerSecond: tokens > 0 && ms > 0 ? (1000 * tokens) / ms : undefined, firstTokenMs };
  }
}
