// The cache of a graph that is run as it is: the tensors that one run returns are fed to the next.

import { KvCache } from './kvCache';
import { Tensor } from './session';

export class TensorCache extends KvCache {
  /** Keys or values of one layer, by the name of the graph's input: float32 or float16 [1, kvHead, position, headDim]. */
  #tensors: Record<string, Tensor>;

  /** @param empty tensors with no position, by the name of the graph's input */
  constructor(empty: Record<string, Tensor>) {
    super();
    this.#tensors = empty;
  }

  get tensors(): Readonly<Record<string, Tensor>> {
    return this.#tensors;
  }

  override get bytes(): number {
    return Object.values(this.#tensors).reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0);
  }

  override branch(): TensorCache {
    const branch = new TensorCache({ ...this.#tensors });
    branch.held = [...this.held];
    branch.cut = this.cut;
    return branch;
  }

  /** Takes over the tensors that a run returned for all tokens so far, the `ids` it was given included. */
  advance(ids: readonly number[], tensors: Record<string, Tensor>): void {
    this.held.push(...ids);
    this.#tensors = tensors;
  }

  protected override shorten(length: number): void {
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
