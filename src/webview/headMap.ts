// The weights of one head as they come in: a lower triangle that rows are appended to while the text is written. Pure.
import type { HeadAnswer } from '../inspectionProtocol';
import { rowStart, triangleLength } from '../attention/weights';

export class HeadMap {
  readonly layer: number;
  readonly head: number;
  /** Rows that are there. */
  n = 0;
  /** [n]: length of the value at each key. */
  valueNorms = new Float32Array();
  #weights = new Uint16Array();

  constructor(layer: number, head: number) {
    this.layer = layer;
    this.head = head;
  }

  /** The triangle of n rows, w = 65535 · √p; a view that is good until rows are added. */
  get weights(): Uint16Array<ArrayBuffer> {
    return this.#weights.subarray(0, triangleLength(this.n));
  }

  /** Appends rows. @returns false where they do not follow on those that are there */
  add({ from, n, weights, valueNorms }: HeadAnswer): boolean {
    if (from > this.n || n < this.n || weights.length < triangleLength(n) - rowStart(from)) return false;
    if (this.#weights.length < triangleLength(n)) {
      // Twice the room that is needed, so that a growing text does not copy everything for each token.
      const larger = new Uint16Array(from === 0 ? triangleLength(n) : 2 * triangleLength(n));
      larger.set(this.weights);
      this.#weights = larger;
    }
    this.#weights.set(weights, rowStart(from));
    this.n = n;
    this.valueNorms = valueNorms;
    return true;
  }
}
