// Whether a model folder is as its lock file says.

import { t } from '../l10n';
import { sumsOf } from './checksum';
import { DownloadError } from './errors';
import { Ledger } from './ledger';
import { LOCK_FILE, readLockFile } from './lockFile';
import { pathIn, sizeOf } from './store';
import type { FileProblem, Progress } from './types';

/**
 * Reads every file of a model and compares it with the lock file.
 * @param dir the model folder
 * @returns the files that are missing or changed; empty when all is well
 * @throws DownloadError `bad_name` if there is no lock file, `disk` if it is damaged, `cancelled`
 */
export async function verify(
  dir: string,
  onProgress?: (progress: Progress) => void,
  signal?: AbortSignal,
): Promise<FileProblem[]> {
  const lock = await readLockFile(dir);
  if (lock === undefined)
    throw new DownloadError(
      'bad_name',
      t('{0} has no {1}: Glassbox did not download it, so there is nothing to compare with.', dir, LOCK_FILE),
    );
  const problems: FileProblem[] = [];
  const ledger = new Ledger(
    lock.files.reduce((sum, file) => sum + file.size, 0),
    onProgress,
  );
  for (const { path, size, sha256 } of lock.files) {
    ledger.at(path, 'verify');
    const place = pathIn(dir, path);
    const there = await sizeOf(place);
    if (there === undefined) problems.push({ path, problem: t('The file is missing.') });
    else if (there !== size)
      problems.push({ path, problem: t('It has {0} bytes where it should have {1}.', there, size) });
    else {
      try {
        const { sums } = await sumsOf(place, size, (bytes) => ledger.found(bytes), signal);
        if (sums.sha256 !== sha256) problems.push({ path, problem: t('Its bytes have changed (wrong checksum).') });
      } catch (error) {
        if (error instanceof DownloadError) throw error;
        problems.push({ path, problem: t('It cannot be read ({0}).', (error as Error).message) });
      }
    }
  }
  ledger.tell(true);
  return problems;
}
