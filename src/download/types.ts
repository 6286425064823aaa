// What is asked of the download and what it answers; types only.

import type { Strings } from '../l10n';

/** Where the hub is and how it is reached. */
export interface HubOptions {
  /** The hub or a mirror of it: https://huggingface.co, or another address that speaks its protocol. */
  endpoint: string;
  /** For private and gated models; sent to the endpoint's own origin only. */
  token?: string;
  /** The host's: it knows the editor's proxy and certificates. */
  fetch: typeof fetch;
  signal?: AbortSignal;
  /** How long is waited, and how often something is tried again; what is left out has a default (patience.ts). */
  patience?: Partial<Patience>;
}

/** All times in milliseconds. */
export interface Patience {
  /** Without a byte for so long, a connection is given up and opened anew. */
  stallMs: number;
  /** So often in a row something is tried again that got no further. */
  retries: number;
  /** The first pause before a new try; each next one is twice as long. */
  pauseMs: number;
  longestPauseMs: number;
  /** If the hub wants to be left alone for longer than this, that is an error, which says how long. */
  longestWaitMs: number;
}

/** A file of a repository. */
export interface RepoFile {
  /** Relative, with slashes. */
  path: string;
  size: number;
  /** Of files in large-file storage: the SHA-256 of their bytes, in hex. */
  sha256?: string;
  /** Of files in the repository itself: git's blob id, in hex. */
  sha1?: string;
}

/** A repository at one commit. */
export interface RepoDescription {
  /** owner/name */
  name: string;
  /** The full commit hash. */
  revision: string;
  licence?: string;
  /** Readers have to agree to terms first. */
  gated: boolean;
  files: RepoFile[];
  /** config.json; empty where there is none. */
  config: Record<string, unknown>;
}

/**
 * What is going on: `wait` for the hub or for another window that downloads the same, `reuse` of a file that is here already,
 * `verify` of what is on the disk, or `download`.
 */
export type Phase = 'download' | 'verify' | 'reuse' | 'wait';

export interface Progress {
  /** Of all files: bytes that are here. */
  doneBytes: number;
  totalBytes: number;
  /** Over the network in this call. */
  transferredBytes: number;
  /** Over the last seconds. */
  bytesPerSecond?: number;
  secondsLeft?: number;
  /** Relative path of the file at hand. */
  file: string;
  phase: Phase;
}

export interface DownloadRequest {
  description: RepoDescription;
  /** Paths of `description.files`. */
  files: string[];
  /** Folder of all downloaded models. */
  store: string;
  /** Folders that the hub's own tools keep their downloads in; by default as these tools find them. */
  hubCaches?: string[];
}

export interface DownloadOptions extends HubOptions {
  onProgress?: (progress: Progress) => void;
}

export interface Downloaded {
  /** The model folder, whole and verified. */
  dir: string;
  transferredBytes: number;
  /** Bytes of files or parts of files that were here already. */
  reusedBytes: number;
}

/** A file as the lock file says it must be. */
export interface LockedFile {
  path: string;
  size: number;
  sha256: string;
  sha1?: string;
}

/** What stands in glassbox.lock.json beside the model. */
export interface LockFile {
  format: 1;
  /** owner/name */
  name: string;
  /** The full commit hash. */
  revision: string;
  endpoint: string;
  licence?: string;
  /** ISO 8601 */
  downloadedAt: string;
  files: LockedFile[];
  /** Of a model that was built here: the files of the hub that it was built of. */
  builtFrom?: LockedFile[];
}

export interface StoredModel {
  dir: string;
  name: string;
  revision: string;
  licence?: string;
  /** On the disk; of a partial download, so far. */
  bytes: number;
  /** ISO 8601; of a partial download, when it was begun. */
  downloadedAt: string;
  files: RepoFile[];
  /** All files are there in their full size. What is not complete must not be loaded. */
  complete: boolean;
}

/** A file that is not as the lock file says. */
export interface FileProblem {
  path: string;
  /** For people. */
  problem: string;
}

/** What `dist/download.js` exports: for hosts that load it when it is first needed. Errors are `DownloadError`s (errors.ts). */
export interface DownloadRoom {
  describeRepo: (name: string, revision: string, options: HubOptions) => Promise<RepoDescription>;
  filesToFetch: (description: RepoDescription, weights?: string) => string[];
  download: (request: DownloadRequest, options: DownloadOptions) => Promise<Downloaded>;
  storedModels: (store: string) => Promise<StoredModel[]>;
  removeModel: (dir: string) => Promise<void>;
  verify: (dir: string, onProgress?: (progress: Progress) => void, signal?: AbortSignal) => Promise<FileProblem[]>;
  /** A `fetch` that heeds HTTPS_PROXY, HTTP_PROXY and NO_PROXY, for hosts that have none such. */
  environmentFetch: () => typeof fetch;
  /** The bundle has its own table of sentences; see l10n.ts. */
  useStrings: (table: Strings) => void;
}
