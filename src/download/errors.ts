// The one kind of error that the download raises on purpose: a code for programs and a sentence for people.

export type DownloadErrorCode =
  /** The name, the revision or the endpoint is not one. */
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
