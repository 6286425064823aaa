// Which parts of a text are still there after edits, and where. Pure.

/** Characters [from, to) of the text as it was stand at offset `at` now. Runs are in order of both, and do not overlap. */
interface Run {
  from: number;
  to: number;
  at: number;
}

/** Follows a text through edits. Offsets are UTF-16 units. */
export class Kept {
  #runs: Run[];

  /** @param length of the text, which stands at offset 0 */
  constructor(length: number) {
    this.#runs = length > 0 ? [{ from: 0, to: length, at: 0 }] : [];
  }

  /** Something has been cut out of the text or written over. */
  get damaged(): boolean {
    return this.#damaged;
  }
  #damaged = false;

  /** `removed` characters from `offset` on have given way to `added` others; offsets as they were directly before. */
  edit(offset: number, removed: number, added: number): void {
    if (removed === 0 && added === 0) return;
    const runs: Run[] = [];
    const push = (from: number, to: number, at: number): void => {
      const last = runs.at(-1);
      // What was written in between has been taken out again.
      if (last !== undefined && last.to === from && last.at + last.to - last.from === at) last.to = to;
      else runs.push({ from, to, at });
    };
    for (const { from, to, at } of this.#runs) {
      const end = at + to - from;
      if (at < offset) push(from, from + Math.min(end, offset) - at, at);
      const rest = Math.max(at, offset + removed);
      if (rest < end) push(from + rest - at, to, rest + added - removed);
      if (Math.max(at, offset) < Math.min(end, offset + removed)) this.#damaged = true;
    }
    this.#runs = runs;
  }

  /** Takes in characters [from, to) of the text, which stand at `at`. They follow all others. */
  put(from: number, to: number, at: number): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && last.to === from && last.at + last.to - last.from === at) last.to = to;
    else if (to > from) this.#runs.push({ from, to, at });
  }

  /** Where [start, end) begins now; undefined where it is not there in one piece. */
  now(start: number, end: number): number | undefined {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#runs[middle] as Run).to > start) high = middle;
      else low = middle + 1;
    }
    const run = this.#runs[low];
    return run !== undefined && run.from <= start && end <= run.to ? run.at + start - run.from : undefined;
  }
}
