// The model's graph once more, with handles: heads can be taken out, spans of the text hidden, and the queries seen. Opened when it is first
// asked for, since it holds the weights a second time.

import { HIDDEN, NAMES } from '../graph/attentionBlock';
import type { RewrittenGraph } from '../graph/rewrite';
import { rewritten } from '../model';
import type { ModelFolder } from '../modelFolder';
import type { RowCache } from '../rowCache';
import { RowRunner } from '../rowRunner';
import { toFloat32, type Wanted } from '../runner';
import { openSession, Tensor, type Session, type TensorMap } from '../session';

/** What a run is done without. */
export interface Without {
  head?: { layer: number; head: number };
  /** Positions [start, end) that are hidden from all queries of the run. */
  span?: readonly [start: number, end: number];
}

export class Lens extends RowRunner {
  readonly graph: RewrittenGraph;
  #without: Without = {};

  private constructor(session: Session, graph: RewrittenGraph) {
    super([session], graph);
    this.graph = graph;
  }

  /** @returns the reason where the graph is not understood. @throws EngineError `model_damaged` */
  static async open(folder: ModelFolder): Promise<Lens | { reason: string }> {
    const graph = rewritten(folder, true);
    if ('reason' in graph) return graph;
    return new Lens(await openSession(folder.weightsPath, 'cpu', { graph: graph.bytes }), graph);
  }

  /** The logits [vocab] after one token, done without something; the cache is as before. */
  async logits(id: number, cache: RowCache, without: Without = {}): Promise<Float32Array> {
    const { length } = cache;
    this.#without = without;
    try {
      return Float32Array.from(await this.forward([id], cache, 'last'));
    } finally {
      this.#without = {};
      cache.truncate(length);
    }
  }

  /** One layer's queries of one token, [head · headDim], after the rotation; its key and value stay in the cache. */
  async query(id: number, cache: RowCache, layer: number): Promise<Float32Array> {
    const name = NAMES.query(layer);
    return Float32Array.from(toFloat32((await this.outputs([id], cache, 'last', [name]))[name] as Tensor));
  }

  protected override feeds(ids: readonly number[], cache: RowCache, wanted: Wanted): TensorMap {
    const feeds = super.feeds(ids, cache, wanted);
    const { heads, layers, windows } = this.graph;
    const { head, span } = this.#without;
    layers.forEach(({ kvHeads }, layer) => {
      const keep = new Float32Array(heads).fill(1);
      if (head?.layer === layer) keep[head.head] = 0;
      feeds[NAMES.keep(layer)] = new Tensor('float32', keep, [kvHeads, heads / kvHeads, 1, 1]);
    });
    if (span !== undefined)
      for (const window of windows) {
        const mask = feeds[NAMES.mask(window)] as Tensor;
        const [rows, width] = mask.dims as [number, number];
        for (let row = 0; row < rows; row++)
          (mask.data as Float32Array).fill(HIDDEN, row * width + span[0], row * width + span[1]);
      }
    return feeds;
  }
}
