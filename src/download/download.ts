// A whole download: what is here already is used, the rest fetched, everything verified, and only then is there a model folder.

import { mkdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { t } from '../l10n';
import { Access } from './access';
import { isRight, sumsOf, type Sums } from './checksum';
import { cancelled, diskError, DownloadError } from './errors';
import { defaultHubCaches, findInCaches, takeOver } from './hubCache';
import { Ledger } from './ledger';
import { readLockFile, writeLockFile } from './lockFile';
import { hold, type Held } from './mutex';
import { isCommit, isSafePath } from './names';
import { stopIfCancelled } from './patience';
import { checkRoom, freeBytes, noRoom } from './room';
import {
  clearPartial,
  findInStore,
  keepOnly,
  move,
  partialBytes,
  partOf,
  pathIn,
  placeOf,
  sizeOf,
  writePartialFile,
  type Place,
} from './store';
import { transfer } from './transfer';
import type { Downloaded, DownloadOptions, DownloadRequest, LockedFile, RepoFile } from './types';

/** One download under way. */
interface Work {
  request: DownloadRequest;
  place: Place;
  access: Access;
  ledger: Ledger;
  /** Path → sums of the files that are here, whole. */
  sums: Map<string, Sums>;
}

/**
 * Downloads files of a model at one commit. What an earlier try left is gone on with; what is in the hub's own cache is taken over.
 * @returns the model folder, whole and verified
 * @throws DownloadError; what came until then is kept for the next try
 */
export async function download(request: DownloadRequest, options: DownloadOptions): Promise<Downloaded> {
  const { description, store } = request;
  const files = filesOf(request);
  if (!isCommit(description.revision))
    throw new DownloadError('bad_name', t('"{0}" is not a full commit hash.', description.revision));
  // Checks the name, before it becomes a path.
  new Access(description.name, options);
  const place = placeOf(store, description.name, description.revision);
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const ledger = new Ledger(total, options.onProgress);
  const endTelling = ledger.begin();
  try {
    await makeFolder(dirname(place.mutex));
    const held = await hold(place.mutex, options.signal, async () => {
      ledger.at(files[0]?.path ?? '', 'wait');
      ledger.othersHave(await partialBytes(place.partial, files));
    });
    ledger.othersHave(0);
    try {
      const signal = options.signal === undefined ? held.lost : AbortSignal.any([options.signal, held.lost]);
      const access = new Access(description.name, { ...options, signal });
      await fetchAll({ request, place, access, ledger, sums: new Map() }, files);
    } catch (error) {
      stopIfCancelled(options.signal);
      throw await inWords(error, description.name, place, held, ledger);
    } finally {
      await held.release();
    }
  } finally {
    endTelling();
  }
  ledger.tell(true);
  return { dir: place.dir, transferredBytes: ledger.transferred, reusedBytes: ledger.reused };
}

/** What ended a download, as an error for people. */
async function inWords(error: unknown, name: string, place: Place, held: Held, ledger: Ledger): Promise<DownloadError> {
  if (held.lost.aborted)
    return new DownloadError('busy', t('Another window has taken over the download of {0}.', name));
  const known = diskError(place.partial, error);
  if (known.code !== 'disk_full' || known.cause === undefined) return known;
  // The disk was full on the way: says how much is missing.
  const free = (await freeBytes(place.partial)) ?? 0;
  return noRoom(place.partial, Math.max(ledger.left - free, 1), known.cause);
}

/** The files asked for: small ones first, then weights, and graphs last, so that no folder has a graph without its weights. */
function filesOf({ description, files }: DownloadRequest): RepoFile[] {
  const rank = ({ path }: RepoFile): number => (path.endsWith('.onnx') ? 1 : 0);
  const found = [...new Set(files)].map((path) => {
    const file = description.files.find((one) => one.path === path);
    if (file === undefined)
      throw new DownloadError('not_found', t('{0} has no such file: {1}', description.name, path));
    if (!isSafePath(path) || !Number.isSafeInteger(file.size) || file.size < 0)
      throw new DownloadError('bad_answer', t('{0} has a file that cannot be stored: {1}', description.name, path));
    if (file.sha256 === undefined && file.sha1 === undefined)
      throw new DownloadError(
        'bad_answer',
        t('The hub names no checksum for {0}, so it cannot be verified. Choose another endpoint.', path),
      );
    return file;
  });
  // Some file systems take A and a for the same.
  if (new Set(found.map(({ path }) => path.toLowerCase())).size < found.length)
    throw new DownloadError('bad_answer', t('{0} has files that differ in capitals only.', description.name));
  return found.sort((a, b) => rank(a) - rank(b) || a.size - b.size);
}

async function fetchAll(work: Work, files: RepoFile[]): Promise<void> {
  const { request, place, access, ledger, sums } = work;
  const missing: RepoFile[] = [];
  for (const file of files) if (!(await isStored(work, file))) missing.push(file);
  if (missing.length === 0) return;

  await makeFolder(place.partial);
  await writePartialFile(place.partial, request.description, missing);
  const toFetch: RepoFile[] = [];
  for (const file of missing) if (!(await isHere(work, file))) toFetch.push(file);

  const begun = await Promise.all(toFetch.map((file) => sizeOf(partOf(place, file.path))));
  await checkRoom(
    place.partial,
    toFetch.reduce((sum, file, i) => sum + Math.max(0, file.size - (begun[i] ?? 0)), 0),
  );
  for (const file of toFetch) {
    const part = partOf(place, file.path);
    await makeFolder(dirname(part));
    const { revision } = request.description;
    sums.set(file.path, await transfer(access, { file, revision, part }, ledger));
    await move(part, pathIn(place.whole, file.path));
  }
  if (access.signal?.aborted === true) throw cancelled();
  await settle(work, missing);
}

/** Whether the model folder has the file, as its lock file says. */
async function isStored({ place, ledger, sums }: Work, file: RepoFile): Promise<boolean> {
  const lock = await readLockFile(place.dir).catch(() => undefined);
  const locked = lock?.files.find(({ path }) => path === file.path);
  if (locked === undefined || locked.size !== file.size || (await sizeOf(pathIn(place.dir, file.path))) !== file.size)
    return false;
  if (file.sha256 !== undefined && file.sha256 !== locked.sha256) return false;
  sums.set(file.path, { sha256: locked.sha256, sha1: locked.sha1 ?? '' });
  ledger.at(file.path, 'reuse');
  ledger.found(file.size);
  return true;
}

/** Whether the file was finished by an earlier try, or is in the hub's own cache. */
async function isHere({ request, place, access, ledger, sums }: Work, file: RepoFile): Promise<boolean> {
  const path = pathIn(place.whole, file.path);
  await makeFolder(dirname(path));
  const count = (bytes: number): void => ledger.found(bytes);
  let found: Sums | undefined;
  if ((await sizeOf(path)) === file.size) {
    ledger.at(file.path, 'verify');
    const { length, sums: read } = await sumsOf(path, file.size, count, access.signal);
    if (isRight(file, length, read)) found = read;
    else ledger.lost();
  }
  if (found === undefined) {
    await rm(path, { force: true, recursive: true });
    const { name, revision } = request.description;
    for (const find of [
      () => findInStore(request.store, file),
      () => findInCaches(request.hubCaches ?? defaultHubCaches(), name, revision, file),
    ]) {
      const elsewhere = found === undefined ? await find() : undefined;
      if (elsewhere === undefined) continue;
      ledger.at(file.path, 'reuse');
      found = await takeOver(elsewhere, path, file, count, access.signal);
      if (found === undefined) ledger.lost();
    }
  }
  if (found !== undefined) {
    sums.set(file.path, found);
    await rm(partOf(place, file.path), { force: true });
  }
  return found !== undefined;
}

/** Everything is here and verified: the partial folder becomes the model folder, or its files join those that are there. */
async function settle({ request, place, access, sums }: Work, files: RepoFile[]): Promise<void> {
  const { name, revision, licence } = request.description;
  const before = await readLockFile(place.dir).catch(() => undefined);
  const kept = (before?.files ?? []).filter((file) => !files.some(({ path }) => path === file.path));
  const added = files.map(({ path, size, sha1 }): LockedFile => {
    const { sha256 } = sums.get(path) as Sums;
    return { path, size, sha256, ...(sha1 === undefined ? {} : { sha1 }) };
  });
  const lock = {
    format: 1,
    name,
    revision,
    endpoint: access.base,
    ...(licence === undefined ? {} : { licence }),
    downloadedAt: new Date().toISOString(),
    files: [...kept, ...added].sort((a, b) => (a.path < b.path ? -1 : 1)),
  } as const;
  if ((await stat(place.dir).catch(() => undefined)) === undefined) {
    await makeFolder(dirname(place.dir));
    await keepOnly(
      place.whole,
      files.map(({ path }) => path),
    );
    await writeLockFile(place.whole, lock);
    await move(place.whole, place.dir);
  } else {
    for (const { path } of files) {
      await makeFolder(dirname(pathIn(place.dir, path)));
      await move(pathIn(place.whole, path), pathIn(place.dir, path));
    }
    await writeLockFile(place.dir, lock);
  }
  await clearPartial(place);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw diskError(path, error);
  }
}
