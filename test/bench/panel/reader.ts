// A reader of the panel without a page: asks what the sections that are open at first lack, one question at a time, as the page does.

import type { Inspector } from '../../../src/engine/inspect/inspector';
import { readChoices } from '../../../src/webview/choices';
import { Inspected } from '../../../src/webview/inspected';
import { nextQuestion } from '../../../src/webview/wanted';

export class Reader {
  readonly #inspector: Inspector;
  #inspected: Inspected | undefined;
  #asking: Promise<void> | undefined;

  constructor(inspector: Inspector) {
    this.#inspector = inspector;
  }

  /** The text has grown, or has ended. */
  grew({ sequence, n, finished }: { sequence: number; n: number; finished: boolean }): void {
    if (this.#inspected?.sequence !== sequence) this.#inspected = undefined;
    this.#inspected?.grew(n, finished);
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
  }

  /** Resolves when nothing is lacking. */
  async done(): Promise<void> {
    while (this.#asking) await this.#asking;
  }

  async #ask(): Promise<void> {
    const choices = readChoices(undefined);
    if (!this.#inspected) {
      const answer = await this.#inspector.inspect('last', { ask: 'text', from: 0 });
      if (answer.answer === 'text') this.#inspected = new Inspected(answer);
    }
    for (const inspected = this.#inspected; inspected;) {
      const query = inspected.tokens.length - 1;
      const question = nextQuestion({ choices, inspected, query, key: 0 });
      if (!question) return;
      const answer = await this.#inspector.inspect(inspected.sequence, question).catch((error: Error) => error.message);
      if (typeof answer === 'string') inspected.failed(question, answer);
      else if (!inspected.take(answer, question)) inspected.failed(question, 'it does not fit');
    }
  }
}
