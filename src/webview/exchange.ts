// Keeps the questions to the extension host in order: one at a time; what is asked next is decided when the answer is there, from what the
// reader looks at by then, so the newest choice wins. Pure; it knows no answers.
import type { Question, SequenceName } from '../inspectionProtocol';
import type { FromWebview } from '../webviewProtocol';

export interface Asked {
  sequence: SequenceName;
  question: Question;
}

export class Exchange {
  #number = 0;
  #asked: Asked | undefined;
  /** What is under way is no longer wanted: its answer is dropped, but waited for. */
  #dropped = false;
  readonly #post: (message: FromWebview) => void;

  constructor(post: (message: FromWebview) => void) {
    this.#post = post;
  }

  /** A question waits for its answer. */
  get busy(): boolean {
    return this.#asked !== undefined;
  }

  /** Asks, unless a question is under way. */
  ask(sequence: SequenceName, question: Question): void {
    if (this.#asked) return;
    this.#asked = { sequence, question };
    this.#dropped = false;
    this.#post({ type: 'ask', number: ++this.#number, sequence, question });
  }

  /** The answer that is awaited will not be wanted. */
  drop(): void {
    this.#dropped = true;
  }

  /** Takes an answer. @returns the question; undefined where it is another's or no longer wanted */
  take(number: number): Asked | undefined {
    if (!this.#asked || number !== this.#number) return undefined;
    const asked = this.#dropped ? undefined : this.#asked;
    this.#asked = undefined;
    return asked;
  }

  /** The host has begun anew: whatever was asked before is not answered any more. */
  restart(): void {
    this.#asked = undefined;
  }
}
