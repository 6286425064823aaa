// What is known of the tokens of a few sequences: the answers that pass on their way to the panel are kept, the rest is asked. No editor.

import type { Answer, Question, SequenceName, TextAnswer } from '../../inspectionProtocol';

/** So many sequences; the panel shows one. */
const KEPT = 3;

/** Asks the engine. */
export type Inspect = (sequence: SequenceName, question: Question) => Promise<Answer>;

export class Facts {
  readonly #inspect: Inspect;
  /** By sequence, whole from position 0 on; the last used at the end. */
  readonly #known = new Map<number, TextAnswer>();

  constructor(inspect: Inspect) {
    this.#inspect = inspect;
  }

  /** An answer of the engine. @returns true where it says more of the tokens than was known */
  take(answer: Answer): boolean {
    if (answer.answer !== 'text') return false;
    const { sequence, from, tokens } = answer;
    const known = this.#known.get(sequence);
    const before = known?.tokens ?? [];
    if (from > before.length) return false;
    this.#known.delete(sequence);
    this.#known.set(sequence, { ...answer, from: 0, tokens: [...before.slice(0, from), ...tokens] });
    if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value as number);
    return known === undefined || from + tokens.length > before.length || known.finished !== answer.finished;
  }

  /** What is known of a sequence now. */
  known(sequence: number): TextAnswer | undefined {
    return this.#known.get(sequence);
  }

  /** All tokens of a sequence. @throws Error in words where the engine has none */
  async of(sequence: SequenceName): Promise<TextAnswer> {
    const known = sequence === 'last' ? undefined : this.#known.get(sequence);
    if (known?.finished === true) return known;
    const answer = await this.#inspect(sequence, { ask: 'text', from: known?.tokens.length ?? 0 });
    this.take(answer);
    return (answer.answer === 'text' && this.#known.get(answer.sequence)) || Promise.reject(new Error(answer.answer));
  }

  clear(): void {
    this.#known.clear();
  }
}
