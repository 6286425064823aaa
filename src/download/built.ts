// A model that was built here from downloaded weights: it gets a lock file of its own, and the weights that it was built of go.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { t } from '../l10n';
import { sumsOf } from './checksum';
import { diskError, DownloadError } from './errors';
import { LOCK_FILE, readLockFile, writeLockFile } from './lockFile';
import { hold } from './mutex';
import { pathIn, placeOf, readStored, removeModel, sizeOf } from './store';
import type { LockedFile, RepoDescription } from './types';

/** The folder of a built model is that of its download, with this behind it. */
const BUILT = '-4bit';
/** Original weights, of which nothing is needed when the graph is there. */
const WEIGHTS = /\.safetensors(\.index\.json)?$/;

/** The folder of a model that was built here from a repository at its commit; undefined where there is none that is whole. */
export async function findBuilt(
  store: string,
  { name, revision }: Pick<RepoDescription, 'name' | 'revision'>,
): Promise<string | undefined> {
  const into = placeOf(store, name, revision).dir + BUILT;
  return (await readStored(into))?.complete === true ? into : undefined;
}

/**
 * Builds a model out of a downloaded one and makes it one of the store; the weights that it was built of are deleted. Of several windows
 * one does so, and the others wait for it. What a build left that nobody has taken over is deleted first.
 * @param from the downloaded folder
 * @param build makes the folder `into`, whole or not at all
 * @param onWait told now and then while another window builds the same
 * @returns the built folder
 * @throws DownloadError `disk`, `cancelled`; `bad_name` where `from` was not downloaded; what `build` throws
 */
export async function buildOnce(
  from: string,
  build: (into: string, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  onWait: () => void,
): Promise<string> {
  const into = from + BUILT;
  const partial = join(dirname(dirname(into)), '.partial');
  await mkdir(partial, { recursive: true }).catch((error: unknown) => {
    throw diskError(partial, error);
  });
  // As removeModel has it: what is being built is not deleted.
  const mutex = join(partial, `${basename(dirname(into))}--${basename(into)}.busy`);
  const held = await hold(mutex, signal, () => Promise.resolve(onWait()));
  try {
    if ((await readStored(into))?.complete === true) return into;
    await rm(into, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }).catch((error: unknown) => {
      throw diskError(into, error);
    });
    await build(into, AbortSignal.any([signal, held.lost]));
    await keepBuilt(from, into);
    return into;
  } finally {
    await held.release();
  }
}

/** Gives the built folder its lock file, and deletes the weights that it was built of. */
async function keepBuilt(from: string, into: string): Promise<void> {
  const lock = await readLockFile(from);
  if (lock === undefined)
    throw new DownloadError('bad_name', t('{0} is not a model that Glassbox downloaded. Nothing was deleted.', from));
  const files: LockedFile[] = [];
  for (const entry of await readdir(into, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || entry.name === LOCK_FILE) continue;
    const file = relative(into, path).split(sep).join('/');
    const size = (await sizeOf(path)) ?? 0;
    files.push({ path: file, size, ...(await sumsOf(path, size, () => undefined, undefined)).sums });
  }
  const ofExports = (path: string): boolean => path.startsWith('onnx/') || /\.onnx(_data\w*)?$/.test(path);
  const builtFrom = lock.files.filter(({ path }) => !ofExports(path));
  await writeLockFile(into, { ...lock, builtFrom, files });
  if (builtFrom.length === lock.files.length) return removeModel(from);
  // The same folder has an export, which somebody chose before: that stays.
  await writeLockFile(from, { ...lock, files: lock.files.filter(({ path }) => !WEIGHTS.test(path)) });
  for (const { path } of lock.files) if (WEIGHTS.test(path)) await rm(pathIn(from, path), { force: true });
}
