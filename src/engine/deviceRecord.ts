// Remembers which device was best for a model on a machine: one JSON file, so that nothing is measured twice. Whoever tries or opens a
// device leaves a mark first: a driver may end its process, or the machine.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine, WeightsStamp } from './devices';

export interface Choice {
  /** The device to use. */
  device: string;
  /** Why, for people. */
  reason: string;
}

/** A process that tries or opens a device; one that has died of it leaves its mark behind. */
interface Mark {
  pid: number;
  /** When it began, in milliseconds since 1970. */
  since: number;
}

interface Entry {
  /** What was found best, and how many processes had died before that was known. */
  measured?: Choice & { deaths: number };
  marks: Mark[];
}

/** After so many deaths no device is tried again. */
const MOST_DEATHS = 2;
/** A mark that is older, in milliseconds, is that of a dead process, whoever has its number now; trials end well before. */
const MAX_AGE_MS = 600_000;
/** Choices beyond this many are forgotten, the oldest first. */
const MOST_CHOICES = 50;
/** What ends a process from outside, with no device to blame. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export class DeviceRecord {
  readonly #file: string;
  readonly #key: string;
  readonly #pid: number;
  /** Takes the mark back where the process is ended in an ordinary way. */
  readonly #onExit = (): void => this.cancel();
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.cancel(); // no longer listens, so that the signal does what it would have done
    process.kill(process.pid, signal);
  };

  /**
   * @param dir where the file lies; made where it is not there
   * @param weights, machine what the choice is for: any change makes it another
   * @param pid the process that tries or opens devices
   */
  constructor(dir: string, weights: WeightsStamp, machine: Machine, pid = process.pid) {
    this.#file = join(dir, 'devices.json');
    this.#key = createHash('sha256')
      .update(JSON.stringify([weights, machine]))
      .digest('hex')
      .slice(0, 32);
    this.#pid = pid;
  }

  /** The choice; undefined where it has to be measured. */
  get choice(): Choice | undefined {
    const { measured, marks } = this.#read();
    const deaths = marks.filter(isDead).length;
    if (deaths >= MOST_DEATHS) return { device: 'cpu', reason: 'trying or opening another device ended the process' };
    if (measured === undefined || deaths > measured.deaths) return undefined;
    return { device: measured.device, reason: measured.reason };
  }

  /** Whether a process that lives tries or opens a device. */
  get busy(): boolean {
    return this.#read().marks.some((mark) => !isDead(mark));
  }

  /**
   * Notes that a device is about to be tried or opened. An ordinary end of the process takes the mark back.
   * @returns false where it cannot be noted
   */
  begin(): boolean {
    const { marks, ...entry } = this.#read();
    this.#listen(false);
    if (!this.#write({ ...entry, marks: [...this.#others(marks), { pid: this.#pid, since: Date.now() }] }))
      return false;
    this.#listen(this.#pid === process.pid);
    return true;
  }

  /** Takes the mark back: what began was ended before it showed anything. */
  cancel(): void {
    this.#listen(false);
    const { marks, ...entry } = this.#read();
    const others = this.#others(marks);
    if (others.length < marks.length) this.#write({ ...entry, marks: others });
  }

  /** Notes what a trial found. */
  end(device: string, reason: string): void {
    this.#listen(false);
    const marks = this.#others(this.#read().marks);
    this.#write({ measured: { device, reason, deaths: marks.filter(isDead).length }, marks });
  }

  /** Notes that the device that was chosen works: earlier deaths no longer count. */
  opened(): void {
    this.#listen(false);
    const { measured, marks } = this.#read();
    const alive = this.#others(marks).filter((mark) => !isDead(mark));
    this.#write({ ...(measured === undefined ? {} : { measured: { ...measured, deaths: 0 } }), marks: alive });
  }

  /** Forgets what was found best; it has to be measured anew. */
  forget(): void {
    this.#listen(false);
    this.#write({ marks: this.#others(this.#read().marks) });
  }

  #others(marks: readonly Mark[]): Mark[] {
    return marks.filter(({ pid }) => pid !== this.#pid);
  }

  #listen(on: boolean): void {
    const change = on ? 'on' : 'off';
    process[change]('exit', this.#onExit);
    for (const signal of SIGNALS) process[change](signal, this.#onSignal);
  }

  #read(): Entry {
    return this.#readAll()[this.#key] ?? { marks: [] };
  }

  /** What the file holds; nothing where it is missing or damaged. */
  #readAll(): Record<string, Entry> {
    try {
      const all: unknown = JSON.parse(readFileSync(this.#file, 'utf8'));
      if (typeof all !== 'object' || all === null) return {};
      return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, Entry] => isEntry(entry[1])));
    } catch {
      return {};
    }
  }

  /** @returns false for a folder that cannot be written */
  #write(entry: Entry): boolean {
    const others = Object.entries(this.#readAll()).filter(([key]) => key !== this.#key);
    const all = Object.fromEntries([...others.slice(1 - MOST_CHOICES), [this.#key, entry]]);
    try {
      mkdirSync(join(this.#file, '..'), { recursive: true });
      const draft = `${this.#file}.${process.pid}`;
      writeFileSync(draft, JSON.stringify(all, undefined, 2));
      renameSync(draft, this.#file);
      return true;
    } catch {
      return false;
    }
  }
}

function isDead({ pid, since }: Mark): boolean {
  if (Date.now() - since > MAX_AGE_MS) return true;
  try {
    process.kill(pid, 0); // asks whether it is there
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function isEntry(value: unknown): value is Entry {
  const { measured, marks } = (value ?? {}) as Record<string, unknown>;
  return Array.isArray(marks) && marks.every(isMark) && (measured === undefined || isMeasured(measured));
}

function isMark(value: unknown): value is Mark {
  const { pid, since } = (value ?? {}) as Record<string, unknown>;
  return Number.isInteger(pid) && (pid as number) > 0 && Number.isFinite(since);
}

function isMeasured(value: unknown): boolean {
  const { device, reason, deaths } = (value ?? {}) as Record<string, unknown>;
  return typeof device === 'string' && typeof reason === 'string' && Number.isInteger(deaths);
}
