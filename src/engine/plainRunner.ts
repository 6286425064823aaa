// Runs a graph as it is: the cache goes in and comes out as tensors, copied at each run. For graphs that cannot be rewritten, and for
// devices on which the cache cannot stay (CUDA, DirectML, Core ML).

import type { ModelFolder } from './modelFolder';
import { checkInputs, emptyPasts, feedsFor, wantedLogits, type PastInput, type Runner, type Wanted } from './runner';
import { run, type Session, type Tensor } from './session';
import { TensorCache } from './tensorCache';

export class PlainRunner implements Runner {
  readonly session: Session;
  readonly lastLogitsAlone = false;
  readonly #pasts: PastInput[];

  /** @throws EngineError `model_unsupported` */
  constructor(session: Session, folder: ModelFolder) {
    this.session = session;
    this.#pasts = checkInputs(session, folder);
  }

  newCache(): TensorCache {
    return new TensorCache(emptyPasts(this.#pasts));
  }

  async forward(ids: readonly number[], cache: TensorCache, wanted: Wanted): Promise<Float32Array> {
    const feeds = feedsFor(this.session, ids, cache.length, wanted);
    for (const past of this.#pasts) feeds[past.name] = cache.tensors[past.name] as Tensor;
    const outputs = await run(this.session, feeds, ['logits', ...this.#pasts.map((past) => past.present)]);
    cache.advance(ids, Object.fromEntries(this.#pasts.map((past) => [past.name, outputs[past.present] as Tensor])));
    return wantedLogits(outputs['logits'] as Tensor, wanted, ids.length);
  }

  dispose(): Promise<void> {
    return this.session.release();
  }
}
