// One download of a model at a time, among all windows: a file that says who is at work, renewed while they are.

import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { pause } from './patience';
import { diskError } from './errors';

const BEAT_MS = 2000;
/** Whoever has not been heard of for so long is at work no more. */
const DEAD_MS = 30_000;
const LOOK_MS = 300;

export interface Held {
  /** Aborted if somebody else took the work over, because we were not heard of (a computer that slept). */
  lost: AbortSignal;
  release: () => Promise<void>;
}

interface Holder {
  id: string;
  pid: number;
  host: string;
}

/**
 * Waits until nobody else is at work.
 * @param onWait told now and then while others are
 * @throws DownloadError `cancelled`, `disk`
 */
export async function hold(path: string, signal: AbortSignal | undefined, onWait: () => Promise<void>): Promise<Held> {
  const me: Holder = { id: randomUUID(), pid: process.pid, host: hostname() };
  for (;;) {
    try {
      await writeFile(path, JSON.stringify(me), { flag: 'wx' });
      return beating(path, me);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(path, error);
    }
    if (!(await isAtWork(path))) await takeAway(path);
    else {
      await onWait();
      await pause(LOOK_MS, signal);
    }
  }
}

/** Whether somebody is at work who holds `path`. */
export async function isAtWork(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  if (Date.now() - found.mtimeMs > DEAD_MS) return false;
  const holder = await readHolder(path);
  // Not written yet, or on another computer: only its age can tell.
  if (holder === undefined || holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Of two that find a dead one, one moves its file away; what it moved by mistake it puts back. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if (await isAtWork(aside)) await rename(aside, path).catch(() => undefined);
  else await rm(aside, { force: true });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function beating(path: string, me: Holder): Held {
  const lost = new AbortController();
  const mine = async (): Promise<boolean> => (await readHolder(path))?.id === me.id;
  const beat = async (): Promise<void> => {
    const now = new Date();
    if (await mine()) await utimes(path, now, now);
    else lost.abort();
  };
  const timer = setInterval(() => void beat().catch(() => undefined), BEAT_MS);
  timer.unref();
  return {
    lost: lost.signal,
    release: async () => {
      clearInterval(timer);
      if (await mine()) await rm(path, { force: true });
    },
  };
}
