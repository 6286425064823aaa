// The folder of all downloaded models: STORE/OWNER--NAME/COMMIT/, and STORE/.partial/ for what is not whole yet.

import { readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { t } from '../l10n';
import { DownloadError, diskError } from './errors';
import { LOCK_FILE, readLockFile, writeWhole } from './lockFile';
import { isAtWork } from './mutex';
import { isCommit, isSafePath } from './names';
import type { RepoDescription, RepoFile, StoredModel } from './types';

const PARTIAL = '.partial';
const PARTIAL_FILE = 'glassbox.partial.json';
/** How names of files end that are not whole yet, so that nobody takes them for weights. */
const PART = '.part';
/** Hex digits of a commit that are enough to tell it. */
const SHORT = 12;

export interface Place {
  /** The model, when it is whole. */
  dir: string;
  /** Until then: who the model is, and the next two. */
  partial: string;
  /** Files that have begun to come. */
  parts: string;
  /** Files that are whole and verified; it becomes the model. */
  whole: string;
  /** Who is at work on it. */
  mutex: string;
}

/** Where a model at a commit lies. */
export function placeOf(store: string, name: string, revision: string): Place {
  const folder = name.replace('/', '--');
  const short = revision.slice(0, SHORT);
  const partial = join(resolve(store), PARTIAL, `${folder}--${short}`);
  return {
    dir: join(resolve(store), folder, short),
    partial,
    parts: join(partial, 'parts'),
    whole: join(partial, 'whole'),
    mutex: `${partial}.busy`,
  };
}

/** Where a file of a repository lies in a folder. */
export function pathIn(dir: string, path: string): string {
  return join(dir, ...path.split('/'));
}

/** Where a file lies that has begun to come. */
export function partOf(place: Place, path: string): string {
  return pathIn(place.parts, path) + PART;
}

/** Writes what is being downloaded into a partial folder, so that it can be listed. */
export async function writePartialFile(
  partial: string,
  description: RepoDescription,
  files: RepoFile[],
): Promise<void> {
  const { name, revision, licence } = description;
  const begun = new Date().toISOString();
  await writeWhole(join(partial, PARTIAL_FILE), JSON.stringify({ name, revision, licence, begun, files }));
}

/** Deletes from a folder all but these files. */
export async function keepOnly(dir: string, paths: readonly string[]): Promise<void> {
  const keep = new Set(paths.map((path) => pathIn(dir, path)));
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && !keep.has(path)) await rm(path, { force: true });
  }
}

/** Deletes a partial folder in which nothing is left but perhaps empty folders; another choice of files may have begun there. */
export async function clearPartial({ partial, parts }: Place): Promise<void> {
  const left = await readdir(parts, { recursive: true, withFileTypes: true }).catch(() => []);
  if (!left.some((entry) => entry.isFile())) await rm(partial, { recursive: true, force: true });
}

/** The models in the store, by name; those that are not whole are marked, and must not be loaded. */
export async function storedModels(store: string): Promise<StoredModel[]> {
  const found: StoredModel[] = [];
  for (const folder of await foldersIn(store)) {
    for (const commit of folder === PARTIAL ? [] : await foldersIn(join(store, folder))) {
      const model = await readStored(join(resolve(store), folder, commit));
      if (model !== undefined) found.push(model);
    }
  }
  for (const folder of await foldersIn(join(store, PARTIAL))) {
    const model = await readPartial(join(resolve(store), PARTIAL, folder));
    if (model !== undefined) found.push(model);
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.downloadedAt < b.downloadedAt ? 1 : -1));
}

async function foldersIn(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw diskError(dir, error);
  }
}

/** The model of a folder; undefined where it has no lock file that can be read. */
export async function readStored(dir: string): Promise<StoredModel | undefined> {
  const lock = await readLockFile(dir).catch(() => undefined);
  if (lock === undefined) return undefined;
  const { name, revision, licence, downloadedAt, files } = lock;
  const sizes = await Promise.all(files.map((file) => sizeOf(pathIn(dir, file.path))));
  return {
    dir,
    name,
    revision,
    ...(licence === undefined ? {} : { licence }),
    downloadedAt,
    files,
    bytes: sizes.reduce((sum: number, size) => sum + (size ?? 0), 0),
    complete: files.every((file, i) => sizes[i] === file.size),
  };
}

async function readPartial(dir: string): Promise<StoredModel | undefined> {
  let said: Record<string, unknown>;
  try {
    said = JSON.parse(await readFile(join(dir, PARTIAL_FILE), 'utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { name, revision, licence, begun, files } = said;
  if (typeof name !== 'string' || !isCommit(revision) || typeof begun !== 'string' || !Array.isArray(files))
    return undefined;
  const listed = (files as (RepoFile | null)[]).filter(
    (file): file is RepoFile => typeof file?.path === 'string' && isSafePath(file.path),
  );
  return {
    dir,
    name,
    revision,
    ...(typeof licence === 'string' ? { licence } : {}),
    downloadedAt: begun,
    files: listed,
    bytes: await partialBytes(dir, listed),
    complete: false,
  };
}

/** The same bytes in another model of the store, such as an earlier commit of this one; undefined where there are none. */
export async function findInStore(store: string, { size, sha256 }: RepoFile): Promise<string | undefined> {
  if (sha256 === undefined) return undefined;
  for (const { dir, complete, files } of await storedModels(store)) {
    const same = complete ? files.find((file) => file.sha256 === sha256 && file.size === size) : undefined;
    if (same !== undefined) return pathIn(dir, same.path);
  }
  return undefined;
}

/** Bytes of files in a partial folder, finished ones and begun ones. */
export async function partialBytes(partial: string, files: readonly RepoFile[]): Promise<number> {
  const sizes = await Promise.all(
    files.map(
      async ({ path }) =>
        (await sizeOf(pathIn(join(partial, 'whole'), path))) ??
        (await sizeOf(pathIn(join(partial, 'parts'), path) + PART)) ??
        0,
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Bytes of a file; undefined where there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? found.size : undefined;
}

/**
 * Deletes a model, or what is there of one.
 * @param dir as `storedModels` gave it
 * @throws DownloadError `bad_name` if it is no folder of the store, `busy` if it is being downloaded, `disk`
 */
export async function removeModel(dir: string): Promise<void> {
  const folder = resolve(dir);
  const isPartial = basename(dirname(folder)) === PARTIAL;
  const known = await stat(join(folder, isPartial ? PARTIAL_FILE : LOCK_FILE)).catch(() => undefined);
  if (known?.isFile() !== true)
    throw new DownloadError('bad_name', t('{0} is not a model that Glassbox downloaded. Nothing was deleted.', folder));
  const mutex = isPartial
    ? `${folder}.busy`
    : join(dirname(dirname(folder)), PARTIAL, `${basename(dirname(folder))}--${basename(folder)}.busy`);
  if (await isAtWork(mutex)) throw new DownloadError('busy', t('{0} is being downloaded. Cancel that first.', folder));
  try {
    // From here on it is no model any more, however far the rest gets.
    await rm(join(folder, isPartial ? PARTIAL_FILE : LOCK_FILE));
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    // The folder of the model's other commits, where there are none.
    if (!isPartial) await rmdir(dirname(folder)).catch(() => undefined);
  } catch (error) {
    throw diskError(folder, error);
  }
}

/** Renames; on Windows a virus scanner may hold a new file for a moment. */
export async function move(from: string, to: string): Promise<void> {
  for (let left = 20; ; left--) {
    try {
      return await rename(from, to);
    } catch (error) {
      const held = ['EPERM', 'EACCES', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '');
      if (process.platform !== 'win32' || !held || left === 0) throw error;
      await sleep(100);
    }
  }
}
