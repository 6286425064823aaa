// Token healing: the piece of text before the cursor, often half a word, is taken back from the prompt, and the model writes it
// anew under the constraint that its text begins with what was typed. A model knows words by the tokens they are usually
// written in ("return"), not by those of a word half typed ("ret" + "u"); and while a word is typed, the prompt stays the same.

import type { TokenTexts } from './tokenTexts';

/** A longer piece is left in the prompt: writing it anew would take longer than it helps. */
const MAX_PIECE = 32;
/** What tokenizers of code keep together at most: a line break with its indentation, a word, digits, signs, white space. */
const LAST_PIECE = /(?:[\r\n]+[ \t]*| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|[ \t]+)$/u;

/** Splits a text before its last piece; the piece is '' where there is none or it is too long to be written anew. */
export function splitLastPiece(text: string): { before: string; piece: string } {
  const tail = text.slice(-MAX_PIECE - 2);
  const piece = LAST_PIECE.exec(tail)?.[0] ?? '';
  // A match at the start of the tail may be the end of a longer piece.
  if (piece.length > MAX_PIECE || (piece.length === tail.length && tail.length < text.length))
    return { before: text, piece: '' };
  return { before: text.slice(0, text.length - piece.length), piece };
}

/** What is typed already and still has to be written anew. */
export class Typed {
  /** Length of the text. */
  readonly characters: number;
  /** Most tokens that writing it anew takes. */
  readonly tokens: number;
  readonly #texts: TokenTexts;
  /** The tokens that the piece is written in by itself. */
  readonly #path: readonly number[];
  #taken = 0;
  /** UTF-8 bytes as a string, one character a byte. */
  #rest: string;

  /**
   * @param piece the text
   * @param path the ids of the piece, as the tokenizer writes it; their texts joined are the piece
   */
  constructor(texts: TokenTexts, piece: string, path: readonly number[]) {
    this.#texts = texts;
    this.characters = piece.length;
    this.tokens = path.length;
    this.#path = path;
    this.#rest = path.map((id) => texts.of(id)).join('');
  }

  /** True when all of it has been written. */
  get done(): boolean {
    return this.#rest === '';
  }

  /**
   * The ids that may come next: those whose text begins with the rest, and the one that the tokenizer would write. Other
   * beginnings of the rest (a lone space before a word) are no way that the tokenizer writes any text that begins so.
   */
  allowed(): number[] {
    const covering = this.#texts.startingWith(this.#rest);
    const own = this.#path[this.#taken] as number;
    return covering.includes(own) ? covering : [...covering, own];
  }

  /** The tokens that the tokenizer would write next, but for the last, which may come out longer. */
  spelled(): number[] {
    return this.#path.slice(this.#taken, -1);
  }

  /** Whether `id` may come after the next `tokens` tokens that the tokenizer would write. */
  goesOn(tokens: number, id: number): boolean {
    const rest = this.#path.slice(this.#taken + tokens).map((each) => this.#texts.of(each));
    return id === this.#path[this.#taken + tokens] || this.#texts.of(id).startsWith(rest.join(''));
  }

  /**
   * Takes a token that is allowed.
   * @returns true when it goes beyond what was typed
   */
  take(id: number): boolean {
    const text = this.#texts.of(id);
    const beyond = text.length > this.#rest.length;
    this.#rest = this.#rest.slice(text.length);
    this.#taken++;
    return beyond;
  }
}

/** The piece to be written anew, or undefined where its tokens do not spell it: some tokenizers put a space first. */
export function typedPiece(texts: TokenTexts, piece: string, path: readonly number[]): Typed | undefined {
  const spelled = path.map((id) => texts.of(id)).join('');
  return spelled !== '' && spelled === Buffer.from(piece, 'utf8').toString('latin1')
    ? new Typed(texts, piece, path)
    : undefined;
}
