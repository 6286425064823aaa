// The cache of a graph that is run as it is: the tensors that one run returns are fed to the next.

import { KvCache } from './kvCache';
import { Tensor } from './session';

/** The axis of the positions in [batch, kvHead, position, headDim]. */
const USUAL_AXIS = 2;

export class TensorCache extends KvCache {
  /** Keys or values of one layer, by the name of the graph's input: float32 or float16; how they lie, cacheInputs.ts says. */
  #tensors: Record<string, Tensor>;
  readonly #axes: ReadonlyMap<string, number>;

  /**
   * @param empty tensors with no position, by the name of the graph's input
   * @param axes by the same names, which of a tensor's axes is that of the positions; by default the third
   */
  constructor(empty: Record<string, Tensor>, axes: ReadonlyMap<string, number> = new Map()) {
    super();
    this.#tensors = empty;
    this.#axes = axes;
  }

  get tensors(): Readonly<Record<string, Tensor>> {
    return this.#tensors;
  }

  override get bytes(): number {
    return Object.values(this.#tensors).reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0);
  }

  override branch(): TensorCache {
    const branch = new TensorCache({ ...this.#tensors }, this.#axes);
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
    for (const [name, tensor] of Object.entries(this.#tensors))
      this.#tensors[name] = firstPositions(tensor, length, this.#axes.get(name) ?? USUAL_AXIS);
  }
}

/** A tensor's first `length` positions along an axis. */
function firstPositions(tensor: Tensor, length: number, axis: number): Tensor {
  const { dims } = tensor;
  const count = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1);
  const [blocks, row] = [count(dims.slice(0, axis)), count(dims.slice(axis + 1))];
  const positions = dims[axis] as number;
  const data = tensor.data as Float32Array;
  const Array = data.constructor as new (size: number) => Float32Array;
  const kept = new Array(blocks * length * row);
  for (let block = 0; block < blocks; block++) {
    const from = block * positions * row;
    kept.set(data.subarray(from, from + length * row), block * length * row);
  }
  return new Tensor(tensor.type as 'float32', kept, dims.with(axis, length));
}
