// What guessing ahead keeps from one completion to the next: how well it does with this model, and what was offered last, which often
// comes again after a keystroke.

import type { CopyText } from './copying';
import { DraftPolicy } from './draftPolicy';
import { Drafts, textOfPrompt } from './drafts';
import type { MemoryVoice } from './memory/voice';
import { BREAK, TextIndex } from './textIndex';
import type { Tokenizer } from './tokenizer';

/** Completions that are remembered. */
const OFFERS = 4;

export class Speculation {
  readonly policy = new DraftPolicy();
  readonly #tokenizer: Pick<Tokenizer, 'specialIds' | 'fim'>;
  readonly #vocab: number;
  /** Each with the tokens before it; the latest last. */
  #offers: number[][] = [];

  /** @param vocab one more than the highest id */
  constructor(tokenizer: Pick<Tokenizer, 'specialIds' | 'fim'>, vocab: number) {
    this.#tokenizer = tokenizer;
    this.#vocab = vocab;
  }

  /**
   * What guesses for a completion are looked up in: the text that has a say beside the model, or the prompt alone; and other files.
   * @param copying lets its text grow while the completion is written
   */
  drafts(prompt: readonly number[], copying: CopyText | undefined, memory?: MemoryVoice): Drafts {
    const { specialIds, fim } = this.#tokenizer;
    const text = copying?.index ?? new TextIndex(textOfPrompt(prompt, specialIds, fim), this.#vocab);
    const offers = this.#offers.flatMap((offer) => [BREAK, ...offer]);
    return new Drafts(this.policy, text, {
      shared: copying !== undefined,
      ...(memory === undefined ? {} : { memory }),
      ...(offers.length === 0 ? {} : { offers: new TextIndex(offers, this.#vocab) }),
    });
  }

  /** The completion has ended: what was written may come again. */
  remember({ before, written }: Drafts): void {
    if (written.length > 0) this.#offers = [...this.#offers, [...before, ...written]].slice(-OFFERS);
  }
}
