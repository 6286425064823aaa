// One file over the network: goes on where it stopped, gives up connections that stand still, and is checked at the end.

import { rm } from 'node:fs/promises';
import { t } from '../l10n';
import { piecesOf, type Access, type Opened } from './access';
import type { Sums } from './checksum';
import { DownloadError, PassingError } from './errors';
import { faultOfThrown } from './faults';
import type { Ledger } from './ledger';
import { PartFile } from './partFile';
import { untilItWorks } from './patience';
import type { RepoFile } from './types';

export interface Wanted {
  file: RepoFile;
  revision: string;
  /** Where its bytes are gathered. They stay there when the download fails, and the next one goes on with them. */
  part: string;
}

/** What the last connection said of the file: bytes of two versions must not be joined. */
interface Version {
  origin?: string;
  etag?: string;
}

/** One file on its way. */
interface Way {
  access: Access;
  wanted: Wanted;
  target: PartFile;
  ledger: Ledger;
  version: Version;
}

/**
 * Downloads a file. After bytes with a wrong checksum it is fetched once more from the beginning.
 * @returns its sums; all its bytes are in the part file
 * @throws DownloadError
 */
export async function transfer(access: Access, wanted: Wanted, ledger: Ledger): Promise<Sums> {
  const { file, part } = wanted;
  for (let refused = 0; ; refused++) {
    ledger.at(file.path, 'verify');
    const target = await PartFile.open(part, file, (bytes) => ledger.found(bytes), access.signal);
    let sums: Sums | undefined;
    try {
      if (target.length < file.size) await fetchRest({ access, wanted, target, ledger, version: {} });
      sums = await target.finish();
    } finally {
      await target.close();
    }
    if (sums !== undefined) return sums;
    await rm(part, { force: true });
    ledger.lost();
    if (refused > 0)
      throw new DownloadError(
        'checksum',
        t(
          '{0} came twice with other bytes than {1} names (wrong checksum). It was deleted. Something on the way changes files, or the mirror is damaged: try again later or with another endpoint.',
          file.path,
          access.base,
        ),
      );
  }
}

/** Tries until the last byte is here. Bytes that came are kept, whatever happens. */
async function fetchRest(way: Way): Promise<void> {
  const { access, wanted, target, ledger } = way;
  const { file, revision } = wanted;
  let furthest = target.length;
  const attempt = async (gotFurther: () => void): Promise<void> => {
    ledger.at(file.path, 'download');
    const from = target.length;
    const opened = await access.open(access.fileUrl(revision, file.path), rangeFrom(from, way.version));
    try {
      await checkStart(opened, from, way);
      for await (const piece of piecesOf(opened.response, opened.stall)) {
        ledger.received(piece.length);
        if (target.taken + piece.length > file.size) {
          await startAnew(way);
          throw new PassingError('bad_answer', t('{0} sends more bytes than {1} has.', opened.url.host, file.path));
        }
        await target.write(piece);
        if (target.taken <= furthest) continue;
        furthest = target.taken;
        gotFurther();
      }
    } catch (error) {
      throw faultOfThrown(error, opened.url, access.signal);
    } finally {
      opened.stall.end();
      await target.flush();
    }
    // The answer ended as answers end, so nobody cut it.
    if (target.length < file.size)
      throw new PassingError(
        'bad_answer',
        t('{0} sends {1} bytes for {2}, which has {3}.', opened.url.host, target.length, file.path, file.size),
      );
  };
  const { patience, signal } = access;
  await untilItWorks(attempt, { patience, signal, onWait: () => ledger.at(file.path, 'wait') });
}

function rangeFrom(from: number, { etag }: Version): Record<string, string> {
  if (from === 0) return {};
  return { range: `bytes=${from}-`, ...(etag === undefined ? {} : { 'if-range': etag }) };
}

/** Makes sure that the bytes to come are those that are missing; where they begin anew, so do we. */
async function checkStart({ response, url }: Opened, from: number, way: Way): Promise<void> {
  const { wanted, version } = way;
  const { path, size } = wanted.file;
  const { status, headers } = response;
  const commit = headers.get('x-repo-commit');
  if (commit !== null && commit !== wanted.revision)
    throw new DownloadError('bad_answer', t('{0} answers with another revision than was asked for.', url.host));

  const before = { ...version };
  // A weak name does not promise the same bytes.
  const etag = headers.get('etag') ?? 'W/';
  way.version = { origin: url.origin, ...(etag.startsWith('W/') ? {} : { etag }) };
  const packed = /^(?!identity$)./i.test(headers.get('content-encoding') ?? '');

  if (/^text\/html\b/i.test(headers.get('content-type') ?? '') && !path.endsWith('.html'))
    throw new PassingError(
      'bad_answer',
      t('{0} sends a web page instead of {1}. Check whether the network asks you to sign in.', url.host, path),
    );
  if (status === 200) {
    // Another server has other names for the same bytes: once more without the name.
    if (from > 0 && before.etag !== undefined && before.origin !== url.origin) {
      way.version = {};
      throw new PassingError('offline', t('The connection to {0} was cut.', url.host), { afterMs: 0 });
    }
    if (from > 0) await startAnew(way);
    const length = headers.get('content-length');
    if (length !== null && !packed && Number(length) !== size)
      throw new PassingError(
        'bad_answer',
        t('{0} sends {1} bytes for {2}, which has {3}.', url.host, length, path, size),
      );
    return;
  }
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
  const sameBytes = before.origin !== url.origin || before.etag === undefined || before.etag === way.version.etag;
  const fits = Number(first) === from && (total === '*' || Number(total) === size);
  if (status === 206 && fits && sameBytes && !packed) return;
  // 416 among others: what is here has no continuation there.
  await startAnew(way);
  way.version = {};
  throw new PassingError('bad_answer', t('{0} sends another part of {1} than was asked for.', url.host, path));
}

async function startAnew({ ledger, target }: Way): Promise<void> {
  ledger.lost();
  await target.restart();
}
