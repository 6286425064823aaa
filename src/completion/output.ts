// The text of one completion as it grows: what of it may be shown, and how probable each part of it is. Knows text and probabilities;
// tokens are counted only.

import { reindent } from './indentation';
import { shape, type Ended, type Shape, type Situation } from './stop';
import { Worth } from './worth';
import type { Completion, CompletionRequest, Finish } from '../protocol';

/** The probability, in [0, 1], that so many tokens are right; from the logarithm of the product of theirs. */
export type Sureness = (logProbability: number, tokens: number) => number;

/** The first word of a text, or its first signs, with the white space before. */
const FIRST_WORD = /^\s*(?:[\p{L}\p{N}_$]+|[^\s\p{L}\p{N}_$]+)/u;

/** A place in the text where a token ends. */
interface Place {
  /** Characters up to there. */
  characters: number;
  /** That all of it is right; does not grow as the text does. */
  probability: number;
}

/** Collects the text of a completion and releases what the stop rules let through. */
export class Output {
  readonly #situation: Situation | undefined;
  readonly #raw: boolean;
  readonly #least: number;
  readonly #sureness: Sureness;
  /** Given: the text is cut where it is worth most. */
  readonly #worth: Worth | undefined;
  /** As the model wrote it. */
  #written = '';
  /** The same, indented as the document is. */
  #all = '';
  /** The end of each token. */
  readonly #places: Place[] = [];
  /** Of all tokens, as the model has it. */
  #logProbability = 0;
  /** Characters to come that are in the document already. */
  #typed: number;
  /** Characters at the start that were settled before; the text is not cut there. */
  #begun = 0;
  /** A token that was too improbable to be part of the text. */
  #refused = '';
  text = '';
  stopped = false;
  cut: Completion['cut'];

  /**
   * @param situation undefined: everything is let through
   * @param typed characters at the start of the text that are in the document already
   */
  constructor(
    situation: Situation | undefined,
    { raw, minProbability = 0 }: Pick<CompletionRequest, 'raw' | 'minProbability'>,
    typed: number,
    sureness: Sureness,
  ) {
    this.#situation = situation;
    this.#raw = raw;
    this.#least = minProbability;
    this.#worth = minProbability > 0 ? new Worth() : undefined;
    this.#typed = typed;
    this.#sureness = sureness;
  }

  /** All that was taken, whether it may be shown or not. */
  get written(): string {
    return this.#all;
  }

  /** That all of `text` is right; 1 of no text. */
  get probability(): number {
    return this.#probabilityOf(this.text.length);
  }

  /** Tokens that `text` reaches into. */
  get tokens(): number {
    const last = this.#places.findIndex(({ characters }) => characters >= this.text.length);
    return this.text === '' ? 0 : last + 1;
  }

  /** Where nothing is shown: the first word or line of what was written. Not where it looks like a secret. */
  get withheld(): Completion['withheld'] {
    if (this.text !== '' || this.cut === 'secret') return undefined;
    const written = this.#all + this.#refused;
    const word = FIRST_WORD.exec(written)?.[0] ?? '';
    return word === '' ? undefined : { text: word, probability: this.#probabilityOf(word.length) };
  }

  /**
   * Takes the text of a token.
   * @param logProbability of all tokens so far
   * @param settled true: the text goes on beyond it, whatever it is worth to end here
   * @returns the text that became certain
   */
  push(piece: string, logProbability: number, settled = false): string {
    this.#append(piece);
    this.#place(this.#all.length, logProbability);
    if (settled) this.#begun = this.#all.length;
    return this.#release(false);
  }

  /** Whether the text would become too improbable with one more token. @param logProbability of all tokens, that one included */
  isDoubtful(logProbability: number): boolean {
    return this.#sureness(logProbability, this.#places.length + 1) < this.#least;
  }

  /** Takes the token that was too improbable: it is not part of the text, but it tells whether the word before it was over. */
  refuse(piece: string, logProbability: number): void {
    this.#refused = this.#clean(piece);
    this.#place(this.#all.length + this.#refused.length, logProbability);
    this.#release(false);
  }

  /** No more will come. @param rest text still held back */
  end(finish: Finish, rest: string): void {
    this.#append(rest);
    this.#release(finish === 'unsure' ? 'unsure' : finish === 'length' || finish === 'cancelled' ? 'length' : true);
  }

  /** Without what is in the document already; in a document the editor ends lines as the document does, raw text is left as it is. */
  #clean(piece: string): string {
    const added = piece.slice(this.#typed);
    this.#typed -= piece.length - added.length;
    return this.#raw ? added : added.replaceAll('\r', '');
  }

  #append(piece: string): void {
    this.#written += this.#clean(piece);
    const situation = this.#situation;
    this.#all =
      situation === undefined ? this.#written : reindent(this.#written, situation.linePrefix, situation.style);
  }

  #place(characters: number, logProbability: number): void {
    this.#logProbability = logProbability;
    const before = this.#places.at(-1)?.probability ?? 1;
    const probability = Math.min(before, this.#sureness(logProbability, this.#places.length + 1));
    this.#places.push({ characters, probability });
  }

  /** That the first so many characters are right: to the end of the token that holds the last of them. */
  #probabilityOf(characters: number): number {
    if (characters === 0) return 1;
    const place = this.#places.find((each) => each.characters >= characters) ?? this.#places.at(-1);
    return place?.probability ?? 1;
  }

  #release(ended: Ended): string {
    const read = ended === false ? this.#all + this.#refused : this.#all;
    const found: Shape =
      this.#situation === undefined
        ? { certain: read.length, stop: false }
        : shape(read, this.#situation, ended, Math.exp(this.#logProbability));
    const certain = Math.min(found.certain, this.#all.length);
    this.stopped ||= found.stop;
    this.cut ??= found.cut;
    if (certain > this.#begun) this.#worth?.weigh(certain, this.#probabilityOf(certain));
    const shown = Math.min(certain, this.#worth?.length ?? certain);
    const added = this.#all.slice(this.text.length, Math.max(shown, this.text.length));
    this.text += added;
    return added;
  }
}
