// The text on offer, and whether the typing still agrees with it. Pure text: no tokens, no editor.

/** One generation's text at the place in the document it was made for. It grows while tokens arrive. */
export class Suggestion {
  /** The document before and after the cursor when it was asked for. */
  readonly prefix: string;
  readonly suffix: string;
  #text = '';
  #finished = false;

  constructor(prefix: string, suffix: string) {
    this.prefix = prefix;
    this.suffix = suffix;
  }

  get text(): string {
    return this.#text;
  }

  /** True when the text will not grow any more. */
  get finished(): boolean {
    return this.#finished;
  }

  append(text: string): void {
    this.#text += text;
  }

  finish(): void {
    this.#finished = true;
  }

  /**
   * What is left to offer once the user has typed on.
   * @returns the rest; '' while the typing has reached the end of a text that may still grow; undefined when the document no longer agrees
   */
  remaining(prefix: string, suffix: string): string | undefined {
    // A bracket that the editor closed changes the suffix too: the offer would then close it a second time.
    if (!prefix.startsWith(this.prefix) || suffix !== this.suffix) return undefined;
    const typed = prefix.slice(this.prefix.length);
    if (this.#text.startsWith(typed)) {
      const rest = this.#text.slice(typed.length);
      return rest === '' && this.#finished ? undefined : rest;
    }
    return !this.#finished && typed.startsWith(this.#text) ? '' : undefined;
  }
}
