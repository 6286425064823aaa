// How long is waited, and how often something is tried again.

import { t } from '../l10n';
import { cancelled, DownloadError, PassingError } from './errors';
import type { Patience } from './types';

const DEFAULTS: Patience = {
  stallMs: 30_000,
  retries: 6,
  pauseMs: 500,
  longestPauseMs: 20_000,
  longestWaitMs: 5 * 60_000,
};

/** All of it, with the defaults for what is not said. */
export function patienceOf(some: Partial<Patience> | undefined): Patience {
  return { ...DEFAULTS, ...some };
}

/** @throws DownloadError `cancelled` */
export function stopIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled();
}

/**
 * Waits.
 * @throws DownloadError `cancelled` as soon as the signal says so
 */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(cancelled());
    const stop = (): void => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

export interface Trying {
  patience: Patience;
  signal: AbortSignal | undefined;
  /** Told before each pause. */
  onWait?: () => void;
}

/**
 * Tries until it works, with longer and longer pauses between.
 * @param attempt gets a function to say that it got further, which makes the count start anew
 * @throws the attempt's error where trying again is of no use or was of none
 */
export async function untilItWorks<T>(
  attempt: (gotFurther: () => void) => Promise<T>,
  { patience, signal, onWait }: Trying,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    stopIfCancelled(signal);
    try {
      return await attempt(() => (failures = -1));
    } catch (error) {
      stopIfCancelled(signal);
      if (!(error instanceof PassingError) || failures >= patience.retries) throw error;
      const wait = error.afterMs ?? Math.min(patience.pauseMs * 2 ** Math.max(failures, 0), patience.longestPauseMs);
      if (wait > patience.longestWaitMs)
        throw new DownloadError(
          error.code,
          t('{0} It asks to be left alone for {1} minutes.', error.message, Math.ceil(wait / 60_000)),
          { cause: error },
        );
      onWait?.();
      await pause(wait, signal);
    }
  }
}

/** Ends a connection on which nothing comes any more, or that nobody wants any more. */
export class Stall {
  readonly signal: AbortSignal;
  private readonly ms: number;
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(ms: number, signal: AbortSignal | undefined) {
    this.ms = ms;
    this.signal = signal === undefined ? this.controller.signal : AbortSignal.any([signal, this.controller.signal]);
    this.beat();
  }

  /** Something came. */
  beat(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => this.controller.abort(new PassingError('offline', t('The connection stands still.'))),
      this.ms,
    );
  }

  /** Nothing more is wanted. The connection is closed, if it is open. */
  end(): void {
    clearTimeout(this.timer);
    this.controller.abort(cancelled());
  }
}
