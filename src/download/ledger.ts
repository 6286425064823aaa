// Keeps count of a download and tells of it: ten times a second at most, and twice a second even if nothing comes.

import { Pace } from './pace';
import type { Phase, Progress } from './types';

const EVERY_MS = 100;
const AT_LEAST_MS = 500;

export class Ledger {
  /** Over the network. */
  transferred = 0;
  /** Here already. */
  reused = 0;
  private done = 0;
  /** Of the file at hand. */
  private fileDone = 0;
  private fileReused = 0;
  private file = '';
  private phase: Phase = 'download';
  private toldAt = 0;
  private readonly pace = new Pace();

  private readonly total: number;
  private readonly onProgress: ((progress: Progress) => void) | undefined;

  constructor(total: number, onProgress: ((progress: Progress) => void) | undefined) {
    this.total = total;
    this.onProgress = onProgress;
  }

  /** Tells from now on how things stand, until the function is called that it returns. */
  begin(): () => void {
    const timer = setInterval(() => this.tell(true), AT_LEAST_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** What is being done now. */
  at(file: string, phase: Phase): void {
    if (file === this.file && phase === this.phase) return;
    if (file !== this.file) this.fileDone = this.fileReused = 0;
    this.file = file;
    this.phase = phase;
    this.tell(true);
  }

  /** Bytes came over the network. */
  received(bytes: number): void {
    this.transferred += bytes;
    this.done += bytes;
    this.fileDone += bytes;
    this.pace.mark(this.transferred);
    this.tell(false);
  }

  /** Bytes were found here. */
  found(bytes: number): void {
    this.reused += bytes;
    this.done += bytes;
    this.fileDone += bytes;
    this.fileReused += bytes;
    this.tell(false);
  }

  /** What is here of the file at hand is of no use. */
  lost(): void {
    this.done -= this.fileDone;
    this.reused -= this.fileReused;
    this.fileDone = this.fileReused = 0;
    this.tell(false);
  }

  /** Somebody else is downloading the same and has so much of it. */
  othersHave(bytes: number): void {
    this.done = bytes;
    this.tell(false);
  }

  /** Bytes that are still to come. */
  get left(): number {
    return this.total - this.done;
  }

  /** Says how things stand, now if `atOnce`. */
  tell(atOnce: boolean): void {
    const now = Date.now();
    if (this.onProgress === undefined || (!atOnce && now - this.toldAt < EVERY_MS)) return;
    this.toldAt = now;
    const speed = this.phase === 'download' ? this.pace.bytesPerSecond() : undefined;
    this.onProgress({
      doneBytes: this.done,
      totalBytes: this.total,
      transferredBytes: this.transferred,
      ...(speed === undefined ? {} : { bytesPerSecond: speed }),
      ...(speed === undefined || speed <= 0 ? {} : { secondsLeft: this.left / speed }),
      file: this.file,
      phase: this.phase,
    });
  }
}
