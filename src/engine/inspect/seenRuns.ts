// Runs that were seen and whose rows nobody has asked for yet: what the runtime gave, as it is, so that seeing costs the writer no more than
// fetching. Knows no model.

import type { LayerWeights } from '../rowRunner';

/** A run over `ids`, the first of which stands at position `start`. */
export interface SeenRun {
  start: number;
  ids: readonly number[];
  /** By layer, keys then values: [ids, kvHead, headDim]. */
  added: readonly Float32Array[];
  /** By layer. */
  weights: readonly LayerWeights[];
}

export class SeenRuns {
  #runs: SeenRun[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a run; what runs before it said of its positions and those behind them is not true any more. */
  add(run: SeenRun): void {
    while ((this.#runs.at(-1)?.start ?? -1) >= run.start) this.#bytes -= bytesOf(this.#runs.pop() as SeenRun);
    const last = this.#runs.at(-1);
    if (last !== undefined)
      this.#runs[this.#runs.length - 1] = { ...last, ids: last.ids.slice(0, run.start - last.start) };
    this.#runs.push(run);
    this.#bytes += bytesOf(run);
  }

  /** All of them, in the order of their positions; none is left. */
  take(): SeenRun[] {
    const runs = this.#runs;
    this.#runs = [];
    this.#bytes = 0;
    return runs;
  }
}

function bytesOf({ weights }: SeenRun): number {
  return weights.reduce((sum, layer) => sum + layer.weights.byteLength, 0);
}
