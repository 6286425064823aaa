// What names from a person or a server may look like before they become addresses and paths on the disk.

import { t } from '../l10n';
import { DownloadError } from './errors';

const MOST_PATH = 512;
const MOST_SEGMENT = 200;
/** Names of devices on Windows, whatever follows a dot. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
/** What our own files in a model folder are called. */
const OURS = /^glassbox\.(lock|partial)\.json$|\.part$/i;

/**
 * Whether a path of a repository can lie in a model folder, on every system, and nowhere else.
 * @param path relative, with slashes
 */
export function isSafePath(path: string): boolean {
  if (path.length === 0 || path.length > MOST_PATH || OURS.test(path)) return false;
  return path.split('/').every(
    (segment) =>
      segment.length > 0 &&
      segment.length <= MOST_SEGMENT &&
      // No control characters, nothing that Windows reads as something else; "." and ".." end in a dot.
      !/[\u0000-\u001f\u007f<>:"|?*\\]|[. ]$/.test(segment) &&
      !DEVICE.test(segment),
  );
}

/** @throws DownloadError `bad_name` unless it is owner/name as the hub has them */
export function checkRepoName(name: string): void {
  const parts = name.split('/');
  const fine =
    parts.length === 2 &&
    parts.every((part) => /^[A-Za-z0-9_]([\w.-]{0,94}\w)?$/.test(part) && !/--|\.\.|\.git$/.test(part));
  if (!fine || parts.some((part) => DEVICE.test(part)))
    throw new DownloadError(
      'bad_name',
      t('"{0}" is not the name of a model. Write OWNER/NAME, as it stands on the page of the model.', name),
    );
}

/** @throws DownloadError `bad_name` unless it can be a branch, a tag or a commit */
export function checkRevision(revision: string): void {
  if (!/^[\w][\w./+-]{0,200}$/.test(revision) || revision.includes('..'))
    throw new DownloadError(
      'bad_name',
      t('"{0}" is not a revision. Give a branch, a tag or a commit, such as main.', revision),
    );
}

/** Whether it is a full commit hash. */
export function isCommit(revision: unknown): revision is string {
  return typeof revision === 'string' && /^[0-9a-f]{40}$/.test(revision);
}

/**
 * The address of the hub or of a mirror.
 * @returns without a slash at its end
 * @throws DownloadError `bad_endpoint`
 */
export function readEndpoint(endpoint: string, hasToken: boolean): URL {
  let url: URL | undefined;
  try {
    url = new URL(endpoint.trim().replace(/\/+$/, ''));
  } catch {
    // Said below.
  }
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== '' ||
    url.search !== '' ||
    url.hash !== ''
  )
    throw new DownloadError(
      'bad_endpoint',
      t('"{0}" is not the address of a hub. Write one such as https://huggingface.co.', endpoint),
    );
  const near = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (hasToken && url.protocol === 'http:' && !near)
    throw new DownloadError(
      'bad_endpoint',
      t('A token is not sent to {0}, because everybody on the way could read it. Use an address with https.', endpoint),
    );
  return url;
}
