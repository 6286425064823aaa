// The one kind of error that the download raises on purpose: a code for programs and a sentence for people.

import { t } from '../l10n';

export type DownloadErrorCode =
  /** The name, the revision or a path is not one. */
  | 'bad_name'
  | 'bad_endpoint'
  /** No such model, revision or file. */
  | 'not_found'
  /** A token is missing, wrong, or without the right. */
  | 'unauthorised'
  /** Somebody has to agree to the model's terms first. */
  | 'gated'
  | 'rate_limited'
  | 'offline'
  | 'certificate'
  | 'proxy'
  /** The bytes are not those that the hub names. */
  | 'checksum'
  | 'disk_full'
  | 'disk'
  | 'bad_answer'
  /** The hub itself fails. */
  | 'server'
  /** The repository has no model that could be run. */
  | 'unsuitable'
  /** Another window is at work on the same folder. */
  | 'busy'
  | 'cancelled';

/** An error whose message says what is wrong and what helps. */
export class DownloadError extends Error {
  readonly code: DownloadErrorCode;

  constructor(code: DownloadErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DownloadError';
    this.code = code;
  }
}

/** An error that may be gone at the next try. */
export class PassingError extends DownloadError {
  /** When the hub said that it may be asked again, in milliseconds from now. */
  readonly afterMs: number | undefined;

  constructor(code: DownloadErrorCode, message: string, options?: ErrorOptions & { afterMs?: number | undefined }) {
    super(code, message, options);
    this.afterMs = options?.afterMs;
  }
}

/** The person called it off. */
export function cancelled(): DownloadError {
  return new DownloadError('cancelled', t('The download was cancelled. What is here already is kept.'));
}

/**
 * An error of the file system, in our words.
 * @param path what was written or read
 */
export function diskError(path: string, error: unknown): DownloadError {
  if (error instanceof DownloadError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new DownloadError('disk_full', t('There is no room left on the disk for {0}.', path), { cause: error });
  return new DownloadError(
    'disk',
    t('{0} cannot be written or read ({1}). Check the folder and its rights.', path, message),
    { cause: error },
  );
}
