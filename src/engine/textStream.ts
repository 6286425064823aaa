// Turns a stream of token ids into a stream of text that never holds half a character. Knows the tokenizer only.

/** The text of some ids; bytes that are not whole characters become U+FFFD. */
export type Decode = (ids: number[]) => string;

/**
 * Holds ids back until they end in a whole character. Each step decodes a short window that begins with text already
 * released, because a tokenizer may drop a leading space at the start of what it decodes.
 */
export class TextStream {
  readonly #decode: Decode;
  /** Ids since the start of the window. */
  #window: number[];
  /** How many ids of the window have been released, and the text they gave. */
  #released: number;
  #releasedText: string;

  /** @param before the last ids of the text that the stream goes on with */
  constructor(decode: Decode, before: readonly number[] = []) {
    this.#decode = decode;
    this.#window = [...before];
    this.#released = before.length;
    this.#releasedText = decode(this.#window);
  }

  /** Adds a token and returns the text that is now certain; '' while a character is unfinished. */
  push(id: number): string {
    this.#window.push(id);
    const text = this.#decode(this.#window);
    if (text.endsWith('\uFFFD')) return '';
    return this.#release(text);
  }

  /** The text still held back, once no more ids will come: whole characters only, the unfinished rest is dropped. */
  end(): string {
    return this.#release(this.#decode(this.#window).replace(/\uFFFD+$/, ''));
  }

  #release(text: string): string {
    const piece = text.slice(this.#releasedText.length);
    const last = this.#window.slice(this.#released);
    const lastText = this.#decode(last);
    // What gives no text by itself is no beginning: the blank of the token behind it would be dropped.
    if (lastText !== '') this.#window = last;
    this.#released = this.#window.length;
    this.#releasedText = lastText === '' ? text : lastText;
    return piece;
  }
}
