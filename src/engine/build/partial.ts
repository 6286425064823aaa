// A folder under construction: it lies beside the place where it is to be, and gets there whole or not at all.

import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { t } from '../../l10n';
import { EngineError } from '../errors';

/** FOLDER.partial-PROCESS; whoever ends a build by force may remove it. */
const PARTIAL = '.partial-';

/** A folder under construction. */
export class PartialFolder {
  readonly dir: string;
  readonly #into: string;

  /**
   * Makes the folder, and removes what builds into the same place left behind whose process is dead.
   * @throws EngineError `bad_request` where something is there already, or nothing can be written
   */
  constructor(into: string) {
    this.#into = resolve(into);
    this.dir = `${this.#into}${PARTIAL}${process.pid}`;
    if (existsSync(this.#into) && !isEmptyFolder(this.#into))
      throw new EngineError(
        'bad_request',
        t('{0} is there already. Choose another place for the model, or remove it first.', this.#into),
      );
    try {
      mkdirSync(dirname(this.#into), { recursive: true });
      removeLeft(this.#into);
      rmSync(this.dir, { recursive: true, force: true });
      mkdirSync(join(this.dir, 'onnx'), { recursive: true });
    } catch (error) {
      throw cannotWrite(this.#into, error);
    }
  }

  /** Puts the folder where it is to be. @throws EngineError `bad_request` */
  finish(): void {
    try {
      if (existsSync(this.#into)) rmdirSync(this.#into); // empty; on Windows a rename wants it gone
      renameSync(this.dir, this.#into);
    } catch (error) {
      throw cannotWrite(this.#into, error);
    }
  }

  /** Removes the folder, if it has not been finished. */
  drop(): void {
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What is written cannot be. */
export function cannotWrite(place: string, error: unknown): EngineError {
  const why = (error as NodeJS.ErrnoException).message;
  return new EngineError(
    'bad_request',
    t('The model cannot be written to {0} ({1}). Choose another place.', place, why),
    {
      cause: error,
    },
  );
}

function isEmptyFolder(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false; // a file
  }
}

/** Removes what dead processes left of builds into `into`. */
function removeLeft(into: string): void {
  const begin = `${basename(into)}${PARTIAL}`;
  for (const name of readdirSync(dirname(into))) {
    const pid = name.startsWith(begin) ? Number(name.slice(begin.length)) : NaN;
    if (Number.isInteger(pid) && pid > 0 && !lives(pid))
      rmSync(join(dirname(into), name), { recursive: true, force: true });
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
