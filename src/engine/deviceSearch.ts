// Looks for a better device while nobody asks for anything. Whoever asks comes first: a trial that runs is ended, and begun again after a
// longer quiet time.

import { runsOnBattery } from '../machine/power';
import type { Auto } from './autoDevice';
import type { Choice } from './deviceRecord';

/** Nobody has asked for this long, in milliseconds, before devices are tried; twice as long after each trial that had to give way. */
const QUIET_MS = 5000;
/** So many trials are begun. */
const MOST_TRIES = 6;

export interface SearchOptions {
  /** What `auto` stands for now. */
  auto: () => Auto;
  /** The engine's bundle. */
  enginePath: string;
  /** Told what was found best. */
  onFound: (choice: Choice) => void;
  /** In place of `QUIET_MS`. */
  quietMs?: number;
  /** Whether the machine runs on its battery: then trials would cost its charge, and measure a slower machine than the usual one. */
  onBattery?: () => boolean;
}

export class DeviceSearch {
  readonly #options: SearchOptions;
  readonly #onBattery: () => boolean;
  #quietMs: number;
  /** When somebody asked last, or was answered. */
  #last = performance.now();
  #running = 0;
  #tries = 0;
  /** Another process has been seen at it. */
  #waited = false;
  #trial: AbortController | undefined;

  /** The search begins by itself. */
  constructor(options: SearchOptions) {
    this.#options = options;
    this.#quietMs = options.quietMs ?? QUIET_MS;
    this.#onBattery = options.onBattery ?? runsOnBattery;
    this.#wait();
  }

  /** A request begins. */
  started(): void {
    this.#running++;
    this.#last = performance.now();
    this.#trial?.abort();
  }

  /** A request has been answered. */
  ended(): void {
    this.#running--;
    this.#last = performance.now();
  }

  #wait(): void {
    const rest = Math.max(this.#last + this.#quietMs - performance.now(), this.#running > 0 ? this.#quietMs : 0);
    const look = (): void => {
      if (this.#running > 0 || performance.now() - this.#last < this.#quietMs) return this.#wait();
      if (this.#onBattery()) {
        this.#last = performance.now();
        return this.#wait();
      }
      this.#look().catch(() => undefined); // the model's folder has gone meanwhile: nothing to look for
    };
    setTimeout(look, Math.ceil(rest)).unref();
  }

  async #look(): Promise<void> {
    const { auto, enginePath, onFound } = this.#options;
    const { device, reason, find, busy } = auto();
    if (busy === true) {
      this.#waited = true;
      this.#last = performance.now();
      return this.#wait();
    }
    if (find === undefined) {
      if (this.#waited) onFound({ device, reason });
      return;
    }
    this.#trial = new AbortController();
    this.#tries++;
    const found = await find(enginePath, this.#trial.signal);
    this.#trial = undefined;
    if (found !== undefined) return onFound(found);
    this.#quietMs *= 2;
    if (this.#tries < MOST_TRIES) this.#wait();
  }
}
