// A few numbers that say what kind of head one is. Pure.

import { classScores } from './headClasses';
import { patterns, type HeadToken } from './patterns';
import { rowStart, type LayerTriangles } from './weights';

/** Numbers of all heads, [layer, head] each; means are over the queries q ≥ 1. */
export interface Figures {
  /** Mean entropy of a row divided by ln(q + 1), in [0, 1]. */
  entropy: Float32Array<ArrayBuffer>;
  /** Mean weight on position 0. */
  sink: Float32Array<ArrayBuffer>;
  /** Mean of Σ p · (q − k), in tokens. */
  distance: Float32Array<ArrayBuffer>;
  /** Mean weight on the query itself. */
  self: Float32Array<ArrayBuffer>;
  /** [layer, head, class]: the score of each of `HEAD_CLASSES`, in [0, 1]. */
  classes: Float32Array<ArrayBuffer>;
}

/** [w] p · ln p; made when it is first needed. */
let logs: Float64Array | undefined;

function makeLogs(): Float64Array {
  const table = new Float64Array(65536);
  for (let w = 1; w < table.length; w++) table[w] = (w * w * 2 * Math.log(w / 65535)) / (65535 * 65535);
  return table;
}

/**
 * Sums from which the figures of all heads come. Rows are added one by one as a text grows, in any order, each of them once; what is
 * asked at any time then costs no pass over all weights.
 */
export class FigureSums {
  /** [layer · head] */
  readonly #entropy: Float64Array;
  readonly #sink: Float64Array;
  readonly #distance: Float64Array;
  readonly #self: Float64Array;
  readonly #rows: Float64Array;
  readonly #spread: Float64Array;
  readonly #spreadMass: Float64Array;
  /** By layer · head, by query: weight beside position 0. */
  readonly #beside: Float32Array[];

  /** @param heads of all layers together */
  constructor(heads: number) {
    const zeros = (): Float64Array => new Float64Array(heads);
    [this.#entropy, this.#sink, this.#distance, this.#self] = [zeros(), zeros(), zeros(), zeros()];
    [this.#rows, this.#spread, this.#spreadMass] = [zeros(), zeros(), zeros()];
    this.#beside = Array.from({ length: heads }, () => new Float32Array(64));
  }

  /**
   * Adds one row.
   * @param head layer · heads + head
   * @param row [query + 1] from index `start` on
   */
  add(head: number, query: number, row: Uint16Array, start = 0): void {
    const table = (logs ??= makeLogs());
    let [sum, moment, log] = [0, 0, 0];
    for (let key = 0; key <= query; key++) {
      const w = row[start + key] as number;
      const p = w * w;
      sum += p;
      moment += p * key;
      log += table[w] as number;
    }
    const unit = 1 / (65535 * 65535);
    const first = row[start] as number;
    const beside = (sum - first * first) * unit;
    this.#keepBeside(head, query, beside);
    if (query === 0 || sum === 0) return;
    const increase = (sums: Float64Array, by: number): void => void (sums[head] = (sums[head] as number) + by);
    const own = row[start + query] as number;
    const mass = sum * unit;
    increase(this.#rows, 1);
    increase(this.#entropy, entropyOf(mass, log, query + 1));
    increase(this.#sink, (first * first * unit) / mass);
    increase(this.#distance, query - moment / sum);
    increase(this.#self, (own * own * unit) / mass);
    if (query === 1 || beside <= 0) return;
    increase(this.#spread, beside * entropyOf(beside, log - (table[first] as number), query));
    increase(this.#spreadMass, beside);
  }

  /** The means of what was added. */
  figures(): Omit<Figures, 'classes'> {
    return {
      entropy: this.#mean(this.#entropy),
      sink: this.#mean(this.#sink),
      distance: this.#mean(this.#distance),
      self: this.#mean(this.#self),
    };
  }

  /** [layer · head]: how evenly the weight beside position 0 is spread, in [0, 1]: Σ m · H / ln q / Σ m over the queries q ≥ 2, m the weight beside position 0, H the entropy of its shares. */
  spread(): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.#spread, (sum, head) => sum / ((this.#spreadMass[head] as number) || 1));
  }

  /** By query, of those that were added: weight beside position 0. */
  beside(head: number): Float32Array {
    return this.#beside[head] as Float32Array;
  }

  #mean(sums: Float64Array): Float32Array<ArrayBuffer> {
    return Float32Array.from(sums, (sum, head) => sum / ((this.#rows[head] as number) || 1));
  }

  #keepBeside(head: number, query: number, weight: number): void {
    let kept = this.#beside[head] as Float32Array;
    if (query >= kept.length) {
      const longer = new Float32Array(Math.max(2 * kept.length, query + 1));
      longer.set(kept);
      this.#beside[head] = kept = longer;
    }
    kept[query] = weight;
  }
}

/** Entropy of weights that sum to `mass` and whose Σ p ln p is `log`, divided by the most that `count` of them can have; rounding aside in [0, 1]. */
function entropyOf(mass: number, log: number, count: number): number {
  return Math.min(1, Math.max(0, (Math.log(mass) - log / mass) / Math.log(count)));
}

/** The sums of all rows of some triangles. */
export function sumsOf(layers: LayerTriangles, n: number): FigureSums {
  const heads = layers.flat();
  const sums = new FigureSums(heads.length);
  heads.forEach((triangle, head) => {
    for (let query = 0; query < n; query++) sums.add(head, query, triangle, rowStart(query));
  });
  return sums;
}

/**
 * The figures of all heads.
 * @param tokens of the sequence, [n]
 * @param sums of the same rows, where they were added as the text grew
 */
export function figures(
  layers: LayerTriangles,
  n: number,
  tokens: readonly HeadToken[],
  sums: FigureSums = sumsOf(layers, n),
): Figures {
  return { ...sums.figures(), classes: classScores(layers, n, patterns(tokens), sums) };
}
