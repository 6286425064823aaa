// How useful suggestions are, counted on this machine: one small file in the extension's storage, which never leaves it. The
// completion provider says what happens; statisticsReport.ts puts it in words. Imports no `vscode`: plain Node tests it.

import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join as pathOf } from 'node:path';
import { count, dayOf, join, noCounts, noTally, readTally, sum, type Counts, type Tally } from './tally';

/** What was counted is written after this long, in milliseconds, and at the end. */
const WRITE_MS = 30_000;

/** A suggestion on show. */
export interface Shown {
  /** Length of its text. */
  characters: number;
  /** From the key to the answer, in milliseconds. */
  ms: number;
  /** Where the answer came from: it was known already, or the model was asked. */
  from: 'memory' | 'model';
}

export interface StatisticsOptions {
  /** Folder of the file. */
  dir: string;
  /** Told why the file could not be written; counting goes on. */
  log: (line: string) => void;
  /** The present moment; tests have a clock of their own. */
  now?: () => Date;
}

export class Statistics {
  readonly #options: Required<StatisticsOptions>;
  readonly #file: string;
  readonly #listeners = new Set<() => void>();
  /** Counted since the file was written. Other windows write the same file: what is new here is added to what stands there. */
  #unsaved = noTally();
  #read: { stamp: string; tally: Tally } | undefined;
  /** The last suggestion shown has not been accepted yet, not even in part. */
  #open = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StatisticsOptions) {
    this.#options = { now: () => new Date(), ...options };
    this.#file = pathOf(options.dir, 'statistics.json');
  }

  /** Calls `listener` after each change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A suggestion appeared: once for each, not again while it is typed through. */
  shown({ characters, ms, from }: Shown): void {
    this.#open = true;
    this.#count((counts) => {
      counts.shown++;
      counts.shownCharacters += characters;
      count(counts[from], ms);
    });
  }

  /** The suggestion on show, or a part of it, was accepted with one key. */
  accepted(characters: number): void {
    const first = this.#open;
    this.#open = false;
    this.#count((counts) => {
      if (first) counts.accepted++;
      counts.keys++;
      counts.acceptedCharacters += characters;
    });
  }

  /** Text was typed by hand. */
  typed(characters: number): void {
    this.#count((counts) => (counts.typedCharacters += characters));
  }

  /** All that was counted, in this window and in others. */
  get tally(): Tally {
    return join(this.#saved(), this.#unsaved);
  }

  /** What was counted today. */
  get today(): Counts {
    const day = dayOf(this.#options.now());
    return sum([this.#saved(), this.#unsaved].map(({ days }) => days[day] ?? noCounts()));
  }

  /** Forgets everything, on disk too. @throws Error where the file cannot be deleted */
  erase(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unsaved = noTally();
    rmSync(this.#file, { force: true });
    this.#changed();
  }

  /** Writes what is new; synchronous, because an extension that is shut down is not waited for. */
  save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (Object.keys(this.#unsaved.days).length === 0) return;
    const partial = `${this.#file}.${process.pid}`;
    try {
      mkdirSync(this.#options.dir, { recursive: true });
      writeFileSync(partial, JSON.stringify(this.tally));
      renameSync(partial, this.#file);
      this.#unsaved = noTally();
    } catch (error) {
      this.#options.log(`statistics: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  dispose(): void {
    this.save();
    this.#listeners.clear();
  }

  /** What stands in the file; it is read again when it has changed. */
  #saved(): Tally {
    try {
      const { mtimeMs, size } = statSync(this.#file);
      const stamp = `${mtimeMs} ${size}`;
      if (this.#read?.stamp !== stamp)
        this.#read = { stamp, tally: readTally(readFileSync(this.#file, 'utf8')) ?? noTally() };
      return this.#read.tally;
    } catch {
      return noTally(); // there is none yet
    }
  }

  #count(change: (counts: Counts) => void): void {
    const { days, total } = this.#unsaved;
    change((days[dayOf(this.#options.now())] ??= noCounts()));
    change(total);
    this.#timer ??= setTimeout(() => this.save(), WRITE_MS).unref();
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
