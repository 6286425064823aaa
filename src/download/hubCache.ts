// The folder in which the hub's own tools keep what they have downloaded. What is there need not be fetched.

import { getHFHubCachePath, getRepoFolderName } from '@huggingface/hub';
import { constants } from 'node:fs';
import { copyFile, link, realpath, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isRight, sumsOf, type Sums } from './checksum';
import { diskError } from './errors';
import { checkRoom } from './room';
import type { RepoFile } from './types';

/** Where the hub's tools keep their downloads: as the environment says, and where it would be without. */
export function defaultHubCaches(): string[] {
  return [...new Set([getHFHubCachePath(), join(homedir(), '.cache', 'huggingface', 'hub')])];
}

/**
 * Looks for a file of a repository: in the snapshot of the commit, and under the name of its content, for other commits may have it too.
 * @returns the file with the bytes, of the right size; its content is not checked
 */
export async function findInCaches(
  caches: readonly string[],
  name: string,
  revision: string,
  file: RepoFile,
): Promise<string | undefined> {
  const sum = file.sha256 ?? file.sha1;
  for (const cache of caches) {
    const repo = join(cache, getRepoFolderName({ type: 'model', name }));
    for (const place of [
      join(repo, 'snapshots', revision, ...file.path.split('/')),
      ...(sum === undefined ? [] : [join(repo, 'blobs', sum)]),
    ]) {
      const found = await stat(place).catch(() => undefined);
      if (found?.isFile() === true && found.size === file.size) return realpath(place);
    }
  }
  return undefined;
}

/**
 * Takes a file over, as a second name of the same bytes where the file system can do that, and checks it.
 * @returns undefined, and nothing at `to`, if its content is another or it cannot be read
 * @throws DownloadError `cancelled`, `disk_full`, `disk`
 */
export async function takeOver(
  from: string,
  to: string,
  file: RepoFile,
  onBytes: (count: number) => void,
  signal: AbortSignal | undefined,
): Promise<Sums | undefined> {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch {
    await checkRoom(to, file.size);
    try {
      await copyFile(from, to, constants.COPYFILE_FICLONE);
    } catch (error) {
      await rm(to, { force: true });
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EDQUOT') throw diskError(to, error);
      return undefined;
    }
  }
  let right = false;
  try {
    const { length, sums } = await sumsOf(to, file.size, onBytes, signal);
    right = isRight(file, length, sums);
    return right ? sums : undefined;
  } catch (error) {
    throw diskError(to, error);
  } finally {
    if (!right) await rm(to, { force: true });
  }
}
