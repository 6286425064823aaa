// What the hub says of a repository: its commit, licence and files, asked with the hub's own client library.

import { listFiles, modelInfo } from '@huggingface/hub';
import { t } from '../l10n';
import { Access } from './access';
import { DownloadError } from './errors';
import { checkRevision, isCommit, isSafePath } from './names';
import type { HubOptions, RepoDescription, RepoFile } from './types';

/** Repositories of models have some dozens. */
const MOST_FILES = 20_000;

/**
 * Asks the hub for a repository.
 * @param name owner/name
 * @param revision a branch, a tag or a commit
 * @returns the commit that the revision is now, and its files; those that could not lie in a folder on every system are left out
 * @throws DownloadError
 */
export async function describeRepo(name: string, revision: string, options: HubOptions): Promise<RepoDescription> {
  const access = new Access(name, options);
  checkRevision(revision);
  const hub = { hubUrl: access.base, fetch: access.forLibrary() };
  const info = await understood(access, () =>
    modelInfo({ name, revision, additionalFields: ['sha', 'cardData', 'tags'], ...hub }),
  );
  const commit: unknown = info.sha;
  if (!isCommit(commit))
    throw new DownloadError('bad_answer', t('{0} does not say which commit of {1} it has.', access.base, name));
  const files = await understood(access, async () => {
    const found: RepoFile[] = [];
    const list = listFiles({ repo: { type: 'model', name }, revision: commit, recursive: true, ...hub });
    for await (const entry of list) {
      if (entry.type !== 'file') continue;
      const file = readEntry(entry);
      if (file !== undefined) found.push(file);
      if (found.length > MOST_FILES)
        throw new DownloadError('bad_answer', t('The list of files of {0} has no end.', name));
    }
    return found;
  });
  const licence = licenceOf(info.cardData, info.tags);
  return {
    name,
    revision: commit,
    ...(licence === undefined ? {} : { licence }),
    gated: Boolean(info.gated),
    files,
    config: await readConfig(access, commit, files),
  };
}

/** Errors of the library that are not ours mean that the answer had another shape. */
async function understood<T>(access: Access, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DownloadError) throw error;
    throw new DownloadError(
      'bad_answer',
      t(
        '{0} does not answer as a hub does ({1}). Check the address, and whether the network asks you to sign in.',
        access.base,
        (error as Error).message,
      ),
      { cause: error },
    );
  }
}

/** @returns undefined for what cannot be a file of ours */
function readEntry(entry: { path: unknown; size: unknown; oid?: unknown; lfs?: unknown }): RepoFile | undefined {
  const { path, size, oid } = entry;
  if (typeof path !== 'string' || !isSafePath(path)) return undefined;
  const lfs = (entry.lfs ?? undefined) as { oid?: unknown; size?: unknown } | undefined;
  const bytes = lfs?.size ?? size;
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) return undefined;
  const [sha256] = /[0-9a-f]{64}$/i.exec(typeof lfs?.oid === 'string' ? lfs.oid : '') ?? [];
  if (sha256 !== undefined) return { path, size: bytes, sha256: sha256.toLowerCase() };
  const sha1 =
    lfs === undefined && typeof oid === 'string' && /^[0-9a-f]{40}$/i.test(oid) ? oid.toLowerCase() : undefined;
  return { path, size: bytes, ...(sha1 === undefined ? {} : { sha1 }) };
}

function licenceOf(card: unknown, tags: unknown): string | undefined {
  const said = (card as { license?: unknown } | undefined | null)?.license;
  if (typeof said === 'string') return said;
  if (Array.isArray(said) && said.every((one) => typeof one === 'string')) return said.join(', ');
  const tag = (Array.isArray(tags) ? tags : []).find(
    (one): one is string => typeof one === 'string' && one.startsWith('license:'),
  );
  return tag?.slice('license:'.length);
}

async function readConfig(access: Access, commit: string, files: RepoFile[]): Promise<Record<string, unknown>> {
  if (!files.some((file) => file.path === 'config.json')) return {};
  const { text } = await access.text(access.fileUrl(commit, 'config.json'));
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new DownloadError('bad_answer', t('config.json of {0} is not JSON. The model cannot be used.', access.name));
  return config as Record<string, unknown>;
}
