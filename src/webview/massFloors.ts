// Which weights of a row make up a share of it. Pure. The weights of each row are counted into bins by size once; another share then reads
// a row's bins and sorts one of them, so that a slider acts within a frame.

import { rowStart } from '../attention/weights';

/** Bins of a row, by share of its largest root. */
const BINS = 256;

export class MassFloors {
  readonly #weights: Uint16Array | Float32Array;
  readonly #keys: Float32Array;
  /** [n, BINS]: sum of the weights in each bin; [n]: of all. */
  readonly #sums: Float32Array;
  readonly #all: Float64Array;
  /** [n]: from root to bin; 0 where nothing has weight. */
  readonly #factors: Float64Array;
  readonly #found: Float32Array;

  /**
   * @param weights roots of the weights, in any unit: a lower triangle of n rows
   * @param keys [n], what each root is multiplied by
   */
  constructor(weights: Uint16Array | Float32Array, keys: Float32Array) {
    const n = keys.length;
    this.#weights = weights;
    this.#keys = keys;
    this.#sums = new Float32Array(n * BINS);
    [this.#all, this.#factors] = [new Float64Array(n), new Float64Array(n)];
    this.#found = new Float32Array(n);
    const sums = new Float64Array(BINS);
    for (let query = 0; query < n; query++) {
      const start = rowStart(query);
      let top = 0;
      for (let key = 0; key <= query; key++)
        top = Math.max(top, (weights[start + key] as number) * (keys[key] as number));
      const factor = (this.#factors[query] = top > 0 ? (BINS - 0.001) / top : 0);
      let all = 0;
      sums.fill(0);
      for (let key = 0; key <= query; key++) {
        const root = (weights[start + key] as number) * (keys[key] as number);
        const bin = (root * factor) | 0;
        sums[bin] = (sums[bin] as number) + root * root;
        all += root * root;
      }
      this.#sums.set(sums, query * BINS);
      this.#all[query] = all;
    }
  }

  /** The smallest of the largest weights of a row that together make up `mass` of it, as a root: whatever is below can be left out. */
  floor(query: number, mass: number): number {
    const factor = this.#factors[query] ?? 0;
    if (factor === 0) return 0;
    const wanted = mass * (this.#all[query] as number);
    const first = query * BINS;
    let covered = 0;
    let bin = BINS - 1;
    while (bin > 0 && covered + (this.#sums[first + bin] as number) < wanted)
      covered += this.#sums[first + bin--] as number;
    const [weights, keys, found, start] = [this.#weights, this.#keys, this.#found, rowStart(query)];
    let count = 0;
    for (let key = 0; key <= query; key++) {
      const root = (weights[start + key] as number) * (keys[key] as number);
      if (((root * factor) | 0) === bin) found[count++] = root;
    }
    // Rounded sums may end in a bin that nothing fell into: all above it is the answer then, and its upper edge lies below that.
    if (count === 0) return (bin + 1) / factor;
    const sorted = found.subarray(0, count).sort();
    let floor = sorted[count - 1] as number;
    for (let at = count - 1; at >= 0 && covered < wanted; at--) {
      floor = sorted[at] as number;
      covered += floor * floor;
    }
    return floor;
  }
}
