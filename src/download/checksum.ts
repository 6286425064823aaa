// Checksums of files: SHA-256, and the name that git gives to a file's bytes.

import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { stopIfCancelled } from './patience';
import type { RepoFile } from './types';

const PIECE = 2 ** 20;

export interface Sums {
  /** In hex. */
  sha256: string;
  sha1: string;
}

/** Both sums of bytes that come piece by piece. */
export class Checksum {
  private readonly sha256 = createHash('sha256');
  private readonly sha1: Hash;
  /** Bytes so far. */
  length = 0;

  /** @param size of the whole file: git's sum begins with it (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects) */
  constructor(size: number) {
    this.sha1 = createHash('sha1').update(`blob ${size}\0`);
  }

  /** The next bytes. */
  update(bytes: Uint8Array): void {
    this.sha256.update(bytes);
    this.sha1.update(bytes);
    this.length += bytes.length;
  }

  /** The sums; nothing can be added after this. */
  end(): Sums {
    return { sha256: this.sha256.digest('hex'), sha1: this.sha1.digest('hex') };
  }
}

/** Whether these are the bytes that the hub means. A file without any sum is never right. */
export function isRight(file: RepoFile, length: number, sums: Sums): boolean {
  if (length !== file.size) return false;
  if (file.sha256 !== undefined) return sums.sha256 === file.sha256 && (file.sha1 ?? sums.sha1) === sums.sha1;
  return file.sha1 === sums.sha1;
}

/**
 * Reads a file from its beginning.
 * @param onPiece gets each piece; it is only valid until the promise of the next one
 */
export async function readThrough(
  path: string,
  onPiece: (bytes: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(PIECE);
    for (;;) {
      stopIfCancelled(signal);
      const { bytesRead } = await handle.read(buffer, 0, PIECE, null);
      if (bytesRead === 0) return;
      onPiece(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/**
 * The sums of a file on the disk.
 * @param size that it must have
 * @throws what the file system throws, and DownloadError `cancelled`
 */
export async function sumsOf(
  path: string,
  size: number,
  onBytes: (count: number) => void,
  signal: AbortSignal | undefined,
): Promise<{ length: number; sums: Sums }> {
  const checksum = new Checksum(size);
  await readThrough(
    path,
    (bytes) => {
      checksum.update(bytes);
      onBytes(bytes.length);
    },
    signal,
  );
  return { length: checksum.length, sums: checksum.end() };
}
