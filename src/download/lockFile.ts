// The lock file beside a model: from which commit it is, and every file with its size and checksum.

import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCK_FILE } from '../catalog/weights';
import { t } from '../l10n';
import { DownloadError, diskError } from './errors';
import { isCommit, isSafePath } from './names';
import type { LockedFile, LockFile } from './types';

export { LOCK_FILE };
const FORMAT = 1;

/**
 * Reads the lock file of a model folder.
 * @returns undefined where there is none
 * @throws DownloadError `disk` if it cannot be read or is none
 */
export async function readLockFile(dir: string): Promise<LockFile | undefined> {
  const path = join(dir, LOCK_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw diskError(path, error);
  }
  const lock = parseLock(text);
  if (lock === undefined)
    throw new DownloadError('disk', t('{0} is damaged. Delete the folder and download the model again.', path));
  return lock;
}

function parseLock(text: string): LockFile | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { format, name, revision, endpoint, downloadedAt, licence, files } = (value ?? {}) as Record<string, unknown>;
  const fine =
    format === FORMAT &&
    [name, endpoint, downloadedAt].every((one) => typeof one === 'string') &&
    isCommit(revision) &&
    ['string', 'undefined'].includes(typeof licence) &&
    Array.isArray(files) &&
    files.every(isLockedFile);
  return fine ? (value as LockFile) : undefined;
}

function isLockedFile(value: unknown): value is LockedFile {
  const { path, size, sha256 } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof path === 'string' &&
    isSafePath(path) &&
    Number.isSafeInteger(size) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}

/** Writes the lock file of a folder, whole or not at all. */
export async function writeLockFile(dir: string, lock: LockFile): Promise<void> {
  await writeWhole(join(dir, LOCK_FILE), `${JSON.stringify(lock, null, 2)}\n`);
}

/**
 * Writes a small file so that it is there whole or as it was before.
 * @throws DownloadError `disk`, `disk_full`
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.part`;
  try {
    const handle = await open(beside, 'w');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw diskError(path, error);
  }
}
