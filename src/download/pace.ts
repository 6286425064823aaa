// How fast bytes come, from the last seconds only: a download that was paused or cut is judged by what it does now.

const WINDOW_MS = 8000;
/** Below this there is nothing to tell. */
const LEAST_MS = 500;

export class Pace {
  private readonly marks: { at: number; bytes: number }[] = [];
  private readonly now: () => number;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** @param bytes all that have come so far */
  mark(bytes: number): void {
    const at = this.now();
    const last = this.marks.at(-1);
    // A tenth of a second is fine enough.
    if (last !== undefined && this.marks.length > 1 && at - (this.marks.at(-2) as { at: number }).at < 100)
      last.bytes = bytes;
    else this.marks.push({ at, bytes });
    while (this.marks.length > 2 && at - (this.marks[0] as { at: number }).at > WINDOW_MS) this.marks.shift();
  }

  /** Over the last seconds; undefined while too little is known. */
  bytesPerSecond(): number | undefined {
    const [first, last] = [this.marks[0], this.marks.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const ms = this.now() - first.at;
    return ms < LEAST_MS ? undefined : ((last.bytes - first.bytes) * 1000) / ms;
  }
}
