// The cache of a graph that runs on WebGPU: tensors in the memory of the GPU, which one run returns and the next is fed.

import { KvCache } from './kvCache';
import type { Tensor, TensorMap } from './session';

/** Tensors that several caches may hold: nobody writes into them, every run returns new ones. */
class Held {
  readonly tensors: TensorMap;
  /** Positions that each of them has. */
  readonly rows: number;
  holders = 1;

  constructor(tensors: TensorMap, rows: number) {
    this.tensors = tensors;
    this.rows = rows;
  }

  /** The last to let go gives the memory back: the garbage collector does not see it. */
  release(): void {
    if (--this.holders === 0) for (const tensor of Object.values(this.tensors)) tensor.dispose();
  }

  get bytes(): number {
    return Object.values(this.tensors).reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  }
}

export class GpuCache extends KvCache {
  readonly #empty: () => TensorMap;
  #held: Held;

  /** @param empty makes tensors with no position, [1, kvHead, 0, headDim], by the name of the graph's input */
  constructor(empty: () => TensorMap) {
    super();
    this.#empty = empty;
    this.#held = new Held(empty(), 0);
  }

  /** Keys or values of one layer, [1, kvHead, position, headDim], by the name of the graph's input; only the first `length` positions count. */
  get tensors(): Readonly<TensorMap> {
    return this.#held.tensors;
  }

  /** Positions of the tensors. */
  get rows(): number {
    return this.#held.rows;
  }

  override get bytes(): number {
    return this.#held.bytes / this.#held.holders;
  }

  override branch(): GpuCache {
    const branch = new GpuCache(this.#empty);
    branch.held = [...this.held];
    branch.#put(this.#held);
    this.#held.holders++;
    return branch;
  }

  /** Takes over tensors that hold what it held and then `ids`. */
  advance(ids: readonly number[], tensors: TensorMap): void {
    this.held.push(...ids);
    const rows = Object.values(tensors)[0]?.dims[2] ?? this.held.length;
    this.#put(new Held(tensors, rows));
  }

  override dispose(): void {
    this.held = [];
    this.#put(new Held(this.#empty(), 0));
  }

  /** The rows stay until a run: whether it must be without them, the runner knows. */
  protected override shorten(length: number): void {
    if (length === 0) this.dispose();
  }

  #put(held: Held): void {
    this.#held.release();
    this.#held = held;
  }
}

function tensorBytes({ dims, type }: Tensor): number {
  return dims.reduce((product, size) => product * size, type === 'float16' ? 2 : 4);
}
