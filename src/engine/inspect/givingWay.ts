// How who looks gives way to who writes: both need the one thread of the engine. Knows neither.

import { setTimeout as sleep } from 'node:timers/promises';
import { letMessagesIn } from '../generate';

/** While a text is written, what was done for who looks is followed by so many times its own time, at most so many milliseconds. */
const SHARE = 25;
const LONGEST_REST_MS = 300;

export class GivingWay {
  #restUntil = 0;
  /** How many runs are under way for who writes or will. */
  #writing = 0;

  /** Somebody writes until this has ended. */
  async writes<T>(work: Promise<T>): Promise<T> {
    this.#writing++;
    try {
      return await work;
    } finally {
      this.#writing--;
    }
  }

  /** Whether who writes has had its time. */
  get rested(): boolean {
    return performance.now() >= this.#restUntil;
  }

  /** What was done for who looks took so long. */
  worked(ms: number): void {
    this.#restUntil = performance.now() + Math.min(LONGEST_REST_MS, SHARE * ms);
  }

  /** Waits while somebody writes who has not had its time. */
  async giveWay(): Promise<void> {
    await letMessagesIn();
    while (this.#writing > 0 && !this.rested) await sleep(5);
  }

  /** A piece of the work took so long; another one follows. */
  rest(ms: number): Promise<void> {
    this.worked(ms);
    return this.giveWay();
  }
}
