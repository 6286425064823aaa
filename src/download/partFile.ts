// A file while it is being downloaded: what is written is hashed, and what an earlier try left is hashed first.

import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Checksum, isRight, type Sums } from './checksum';
import { diskError } from './errors';
import { stopIfCancelled } from './patience';
import type { RepoFile } from './types';

/** Bytes that are gathered before they are written, and for how long: so much is lost if this process is killed. */
const GATHERED = 512 * 1024;
const LONGEST_MS = 1000;
const PIECE = 2 ** 20;

export class PartFile {
  private readonly path: string;
  private readonly file: RepoFile;
  private readonly handle: FileHandle;
  private checksum: Checksum;
  private gathered: Uint8Array[] = [];
  private gatheredBytes = 0;
  private flushedAt = Date.now();

  private constructor(path: string, file: RepoFile, handle: FileHandle) {
    this.path = path;
    this.file = file;
    this.handle = handle;
    this.checksum = new Checksum(file.size);
  }

  /**
   * Opens the file and reads what is there.
   * @param onBytes told of bytes that are there, as they are read
   * @throws DownloadError `disk`, `disk_full`, `cancelled`
   */
  static async open(
    path: string,
    file: RepoFile,
    onBytes: (count: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<PartFile> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
      const part = new PartFile(path, file, handle);
      // Longer than the file can be: of no use.
      if ((await handle.stat()).size > file.size) await handle.truncate(0);
      const buffer = Buffer.allocUnsafe(PIECE);
      for (;;) {
        stopIfCancelled(signal);
        const { bytesRead } = await handle.read(buffer, 0, PIECE, part.length);
        if (bytesRead === 0) return part;
        part.checksum.update(buffer.subarray(0, bytesRead));
        onBytes(bytesRead);
      }
    } catch (error) {
      await handle?.close();
      throw diskError(path, error);
    }
  }

  /** Bytes that are on the disk. */
  get length(): number {
    return this.checksum.length;
  }

  /** Bytes that are on the disk or about to be. */
  get taken(): number {
    return this.checksum.length + this.gatheredBytes;
  }

  /** Takes the next bytes; they stay the caller's no longer. */
  async write(bytes: Uint8Array): Promise<void> {
    this.gathered.push(bytes);
    this.gatheredBytes += bytes.length;
    if (this.gatheredBytes >= GATHERED || Date.now() - this.flushedAt >= LONGEST_MS) await this.flush();
  }

  /** Writes what is gathered. */
  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.gathered);
    this.gathered = [];
    this.gatheredBytes = 0;
    this.flushedAt = Date.now();
    try {
      let written = 0;
      while (written < bytes.length) {
        const { bytesWritten } = await this.handle.write(bytes, written, bytes.length - written, this.length);
        this.checksum.update(bytes.subarray(written, written + bytesWritten));
        written += bytesWritten;
      }
    } catch (error) {
      throw diskError(this.path, error);
    }
  }

  /** Throws everything away. */
  async restart(): Promise<void> {
    this.gathered = [];
    this.gatheredBytes = 0;
    this.checksum = new Checksum(this.file.size);
    try {
      await this.handle.truncate(0);
    } catch (error) {
      throw diskError(this.path, error);
    }
  }

  /**
   * After the last byte: makes sure that all is on the disk.
   * @returns undefined if these are not the file's bytes
   */
  async finish(): Promise<Sums | undefined> {
    await this.flush();
    try {
      await this.handle.sync();
    } catch (error) {
      throw diskError(this.path, error);
    }
    const sums = this.checksum.end();
    return isRight(this.file, this.length, sums) ? sums : undefined;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
