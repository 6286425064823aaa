// What the extension offers: the model's greedy completion, up to the end of the line and while it is sure enough.

import type { Engine } from '../../src/engine/engine';
import type { CompletionRequest } from '../../src/protocol';
import { NO_OFFER, type Offer, type Offerer } from './replay';

const MAX_TOKENS = 24;

/** Offers of the engine. */
export class ModelOfferer implements Offerer {
  readonly #engine: Pick<Engine, 'complete'>;
  readonly #minProbability: number;
  readonly #more: Pick<CompletionRequest, 'context' | 'memory'>;

  /**
   * @param minProbability as in `CompletionRequest`
   * @param more of the request
   */
  constructor(
    engine: Pick<Engine, 'complete'>,
    minProbability: number,
    more: Pick<CompletionRequest, 'context' | 'memory'> = {},
  ) {
    this.#engine = engine;
    this.#minProbability = minProbability;
    this.#more = more;
  }

  async offer(prefix: string, suffix: string, path: string): Promise<Offer> {
    if (prefix.trim() === '') return NO_OFFER; // the extension does not ask then
    const abort = new AbortController();
    let certain = '';
    const request = {
      prefix,
      suffix,
      path,
      maxTokens: MAX_TOKENS,
      sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
      raw: false,
      minProbability: this.#minProbability,
      ...this.#more,
    };
    const { text } = await this.#engine.complete(request, {
      signal: abort.signal,
      onToken: (_, piece) => {
        certain += piece;
        if (certain.includes('\n')) abort.abort(); // the rest would not be looked at
      },
    });
    return { text: text.split('\n', 1)[0] as string };
  }
}
