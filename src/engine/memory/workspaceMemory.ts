// The workspace memory: takes files in, gives way to whoever waits for a completion, keeps itself on disk. What it holds has a say in
// completions through MemoryVoice.

import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { t } from '../../l10n';
import type { MemoryFile, MemoryState } from '../../protocol';
import { linesOf } from '../lineTokens';
import type { ModelFolder } from '../modelFolder';
import { MemoryIndex } from './memoryIndex';
import { read, written } from './memoryFile';
import { MemoryVoice, type MemoryWeights } from './voice';

/** Memory that the index may hold, in bytes. */
const MAX_BYTES = 48 << 20;
/** Work goes on in slices of so many milliseconds; a keystroke waits for one at most. */
const SLICE_MS = 3;
/** The file is written when nothing has changed for so long. */
const QUIET_MS = 20_000;
/** A file on disk that is larger than the memory could be is not ours: tokens take at most 4 of their 12 bytes, the table may be long. */
const MAX_FILE = MAX_BYTES;
/** One part in so many is made free at once where it is full. */
const SPARE = 16;
const FILE = 'memory.bin';
/** What is being written; whole only when it has got the other name. */
const DRAFT = 'memory.draft';
/** The same at the end of the process, when the other may be half written. */
const LAST_DRAFT = 'memory.last';

export interface MemoryOptions {
  /** Ids of one of `linesOf` a text. */
  encode: (line: string) => readonly number[];
  /** One more than the highest id. */
  vocab: number;
  /** How far the model trusts the memory; without it, it only helps to guess ahead. */
  weights?: MemoryWeights;
  /** Where the file lies; without it, the memory ends with the process. */
  dir?: string;
  /** Names the tokenizer: a file that was made with another one is of no use. */
  tokenizer?: string;
  /** Resolves when nobody waits for the model. */
  idle: () => Promise<void>;
  /** Told what went wrong with the file and what did not fit. */
  onNote?: (note: string) => void;
  /** By default MAX_BYTES and QUIET_MS. */
  maxBytes?: number;
  quietMs?: number;
}

export class WorkspaceMemory {
  readonly #options: MemoryOptions;
  readonly #index: MemoryIndex;
  /** Settles when all that was asked for before is done: one thing at a time. */
  #turn: Promise<unknown>;
  /** Grows when the memory is erased: what was to be remembered before is no longer wanted. */
  #erased = 0;
  /** It differs from the file. */
  #changed = false;
  /** While gaps are closed it must not be written. */
  #whole = true;
  #timer: NodeJS.Timeout | undefined;
  #sliceEnd = 0;

  /** Begins to read the file, if there is one. */
  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#index = new MemoryIndex(options.vocab, options.maxBytes ?? MAX_BYTES);
    this.#turn = this.#load();
  }

  /** What a completion may hear of it. @param without paths of files that do not count */
  voice(without: readonly string[]): MemoryVoice {
    return new MemoryVoice(this.#index, this.#options.weights, without);
  }

  /** True where the file has its say in what the model writes: it is held, and the model trusts the memory. */
  speaksFor(path: string): boolean {
    const [start, end] = this.#index.stretchOf(path) ?? [0, 0];
    return this.#options.weights !== undefined && end > start;
  }

  /**
   * Takes files in, in place of what is held under their paths, and forgets others; in slices, between which requests are served. Where it
   * is full, the tokens of what came first are given up; their stamps stay, so that the files are not sent again.
   */
  remember(files: readonly MemoryFile[], forget: readonly string[]): Promise<MemoryState> {
    const erased = this.#erased;
    return this.#inTurn(async () => {
      for (const path of forget) this.#index.remove(path);
      this.#changed ||= forget.length + files.length > 0;
      for (const file of files) {
        if (this.#erased !== erased) break;
        const ids: number[] = [];
        for (const line of linesOf(`\n${file.text}`)) {
          for (const id of this.#options.encode(line)) ids.push(id);
          if (performance.now() > this.#sliceEnd) await this.#rest();
        }
        if (this.#erased === erased) await this.#add(file.path, file.stamp, ids);
      }
      if (this.#index.wantsCompaction) await this.#compact();
      this.#writeLater();
      return this.#state();
    });
  }

  /** Erases it, on disk too. @throws where the file cannot be deleted */
  erase(): Promise<MemoryState> {
    this.#erased++;
    return this.#inTurn(async () => {
      this.#forgetAll();
      const { dir } = this.#options;
      if (dir !== undefined) for (const name of [FILE, DRAFT, LAST_DRAFT]) await rm(join(dir, name), { force: true });
      return this.#state();
    });
  }

  /** Writes the file at once, if there is anything new; for the end of the process. */
  saveNow(): void {
    clearTimeout(this.#timer);
    const { dir } = this.#options;
    if (dir === undefined || !this.#changed || !this.#whole) return;
    const draft = join(dir, LAST_DRAFT);
    try {
      mkdirSync(dir, { recursive: true });
      const file = openSync(draft, 'w');
      try {
        for (const piece of written(this.#index, this.#options.tokenizer ?? ''))
          for (let at = 0; at < piece.length;) at += writeSync(file, piece, at);
      } finally {
        closeSync(file);
      }
      renameSync(draft, join(dir, FILE));
      this.#changed = false;
    } catch (error) {
      this.#note(t('The workspace memory was not written: {0}', (error as Error).message));
    }
  }

  #state(): MemoryState {
    const { tokens, bytes } = this.#index;
    return {
      stamps: Object.fromEntries([...this.#index.files()].map(({ path, stamp }) => [path, stamp])),
      tokens,
      bytes,
    };
  }

  async #add(path: string, stamp: string, ids: ArrayLike<number>): Promise<void> {
    this.#index.remove(path);
    let kept = ids;
    if (ids.length * 4 > this.#index.capacity) kept = []; // one file is not the workspace
    // Where it is full, more is given up than must be: closing the gaps takes as long for one file as for many.
    const spare = this.#index.fits(kept.length + 1).compacted ? 0 : Math.floor(this.#index.capacity / SPARE);
    for (const oldest of spare > 0 ? [...this.#index.files()] : []) {
      if (this.#index.fits(kept.length + 1 + spare).compacted) break;
      if (oldest.tokens === 0) continue;
      this.#note(t('The workspace memory is full: {0} is no longer in it.', oldest.path));
      await this.#put(oldest.path, oldest.stamp, []);
    }
    await this.#put(path, stamp, kept);
  }

  async #put(path: string, stamp: string, ids: ArrayLike<number>): Promise<void> {
    this.#index.remove(path);
    if (!this.#index.fits(ids.length).now) await this.#compact();
    if (this.#index.fits(ids.length).now) this.#index.add(path, stamp, ids);
  }

  async #compact(): Promise<void> {
    this.#whole = false;
    for (const steps = this.#index.compact(); steps.next().done !== true;)
      if (performance.now() > this.#sliceEnd) await this.#rest();
    this.#whole = true;
  }

  #forgetAll(): void {
    this.#index.clear();
    this.#changed = false;
    clearTimeout(this.#timer);
  }

  /** Reads the file; one that cannot be used is left, and written over later. */
  async #load(): Promise<void> {
    const { dir, vocab } = this.#options;
    if (dir === undefined) return;
    const path = join(dir, FILE);
    try {
      const found = await stat(path).catch(() => undefined);
      if (found === undefined) return;
      if (!found.isFile() || found.size > MAX_FILE) throw new RangeError('it is too large');
      const bytes = await readFile(path);
      await this.#rest();
      const { tokenBytes } = this.#index;
      for (const file of read(bytes, { tokenizer: this.#options.tokenizer ?? '', tokenBytes, vocab })) {
        if (this.#erased > 0) break;
        if (file !== undefined) await this.#add(file.path, file.stamp, file.ids);
        if (performance.now() > this.#sliceEnd) await this.#rest();
      }
    } catch (error) {
      this.#forgetAll();
      this.#note(t('The workspace memory {0} is not used: {1}. It is made anew.', path, (error as Error).message));
    }
  }

  #writeLater(): void {
    clearTimeout(this.#timer);
    if (this.#options.dir === undefined || !this.#changed) return;
    this.#timer = setTimeout(() => void this.#inTurn(() => this.#save()), this.#options.quietMs ?? QUIET_MS).unref();
  }

  async #save(): Promise<void> {
    const { dir } = this.#options;
    if (dir === undefined || !this.#changed) return;
    const draft = join(dir, DRAFT);
    try {
      await mkdir(dir, { recursive: true });
      const file = await open(draft, 'w');
      try {
        for (const piece of written(this.#index, this.#options.tokenizer ?? '')) {
          await file.writeFile(piece);
          await this.#options.idle();
        }
      } finally {
        await file.close();
      }
      await rename(draft, join(dir, FILE));
      this.#changed = false;
    } catch (error) {
      this.#note(t('The workspace memory was not written: {0}', (error as Error).message));
    }
  }

  #note(note: string): void {
    this.#options.onNote?.(note);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      await this.#rest();
      return work();
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Ends a slice: rests as long as it took, and then until nobody waits for the model. */
  async #rest(): Promise<void> {
    await pause(SLICE_MS);
    await this.#options.idle();
    this.#sliceEnd = performance.now() + SLICE_MS;
  }
}

/** The memory of an engine with this model. */
export function memoryOf(
  { dir, config, memory }: ModelFolder,
  { memoryDir, onNote }: { memoryDir?: string; onNote?: (note: string) => void },
  engine: Pick<MemoryOptions, 'encode' | 'idle'>,
): WorkspaceMemory {
  const tokenizer = (): string =>
    createHash('sha256')
      .update(readFileSync(join(dir, 'tokenizer.json')))
      .digest('hex');
  return new WorkspaceMemory({
    ...engine,
    vocab: config.vocab,
    ...(memory === undefined ? {} : { weights: memory }),
    ...(onNote === undefined ? {} : { onNote }),
    ...(memoryDir === undefined ? {} : { dir: memoryDir, tokenizer: tokenizer() }),
  });
}
