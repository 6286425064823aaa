// A model that was built here from downloaded weights: it gets a lock file of its own, and the weights that it was built of go.

import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { t } from '../l10n';
import { sumsOf } from './checksum';
import { DownloadError } from './errors';
import { LOCK_FILE, readLockFile, writeLockFile } from './lockFile';
import { removeModel, sizeOf } from './store';
import type { LockedFile } from './types';

/**
 * Makes a folder that was built from a downloaded one a model of the store, and deletes the downloaded one.
 * @param from the downloaded folder, with its lock file
 * @param into the built folder, whole
 * @throws DownloadError `disk`; `bad_name` where `from` was not downloaded
 */
export async function keepBuilt(from: string, into: string): Promise<void> {
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
  await writeLockFile(into, { ...lock, builtFrom: lock.files, files });
  await removeModel(from);
}
