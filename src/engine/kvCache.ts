// The keys and values of the tokens that the model has seen, and the ids they stand for. It owns its position:
// `ids.length` is the length of every array in it. Knows no session.

import { Tensor } from './session';

/** The cache of one context. */
export class KvCache {
  #ids: number[] = [];
  /** Keys or values of one layer, by the name of the graph's input: float32 or float16 [1, kvHead, position, headDim]. */
  #tensors: Record<string, Tensor>;

  /** @param empty tensors with no position, by the name of the graph's input */
  constructor(empty: Record<string, Tensor>) {
    this.#tensors = empty;
  }

  /** The tokens whose keys and values are held, in order. */
  get ids(): readonly number[] {
    return this.#ids;
  }

  get tensors(): Readonly<Record<string, Tensor>> {
    return this.#tensors;
  }

  /** A cache that holds the same; what either does from here on, the other does not see. */
  branch(): KvCache {
    const branch = new KvCache({ ...this.#tensors });
    branch.#ids = [...this.#ids];
    return branch;
  }

  /** Takes over the tensors that a run returned for all tokens so far, the `ids` it was given included. */
  advance(ids: readonly number[], tensors: Record<string, Tensor>): void {
    this.#ids.push(...ids);
    this.#tensors = tensors;
  }

  /**
   * Forgets everything after the longest common prefix with `ids`, but keeps at most `limit` tokens.
   * @returns the number of tokens kept
   */
  keepPrefix(ids: readonly number[], limit: number): number {
    const most = Math.min(this.#ids.length, ids.length, limit);
    let kept = 0;
    while (kept < most && this.#ids[kept] === ids[kept]) kept++;
    this.truncate(kept);
    return kept;
  }

  /** Forgets all but the first `length` tokens. */
  truncate(length: number): void {
    if (length >= this.#ids.length) return;
    this.#ids.length = length;
    for (const [name, tensor] of Object.entries(this.#tensors)) this.#tensors[name] = firstPositions(tensor, length);
  }
}

/** The first `length` positions of [1, kvHead, position, headDim]. */
function firstPositions(tensor: Tensor, length: number): Tensor {
  const [batch, kvHeads, positions, headDim] = tensor.dims as [number, number, number, number];
  const data = tensor.data as Float32Array;
  const Array = data.constructor as new (size: number) => Float32Array;
  const kept = new Array(batch * kvHeads * length * headDim);
  for (let head = 0; head < batch * kvHeads; head++) {
    const from = head * positions * headDim;
    kept.set(data.subarray(from, from + length * headDim), head * length * headDim);
  }
  return new Tensor(tensor.type as 'float32', kept, [batch, kvHeads, length, headDim]);
}
