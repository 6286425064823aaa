// How much room is on the disk.

import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { t } from '../l10n';
import { DownloadError } from './errors';

/** What must stay free besides. */
const SPARE = 8 * 2 ** 20;

/** Bytes that may be written where `path` is or will be; undefined where the system does not say. */
export async function freeBytes(path: string): Promise<number | undefined> {
  for (let place = path; ; place = dirname(place)) {
    try {
      const { bavail, bsize } = await statfs(place);
      return bavail * bsize;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(place) === place) return undefined;
    }
  }
}

/** @throws DownloadError `disk_full`, which says how much is missing, unless `bytes` more fit */
export async function checkRoom(path: string, bytes: number): Promise<void> {
  const free = await freeBytes(path);
  if (free !== undefined && free < bytes + SPARE) throw noRoom(path, bytes + SPARE - free);
}

/** The error for a full disk. */
export function noRoom(path: string, missing: number, cause?: unknown): DownloadError {
  return new DownloadError(
    'disk_full',
    t(
      'The disk with {0} is full: {1} MB are missing. Make room; what is here already is kept, and the download goes on from there.',
      path,
      Math.ceil(missing / 1e6),
    ),
    { cause },
  );
}
