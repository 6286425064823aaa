// Keeps what people wrote from being taken for the template's own tokens: `<|im_end|>` in a message is text, not the end of the message.
// What looks like a special token is rewritten in characters that nothing else uses, until the tokens have been found. The rest of a
// message is left as it is, so that a template may trim and search it. What is not a token in the model's vocabulary, such as [/INST] in
// Llama 2, cannot be told from text by any means.

/** First of the plane of private characters in which each hidden UTF-16 unit has one. */
const PLANE = 0x100000;
const HIDDEN = /[\u{100000}-\u{10FFFF}]/gu;

/** Hides the names of special tokens in text. */
export class Hiding {
  readonly #names: RegExp | undefined;
  /** Their beginnings and ends: together with the template's text or another message, these could become a name. */
  readonly #beginnings = new Set<string>();
  readonly #ends = new Set<string>();
  readonly #longest: number;

  /** @param names of the special tokens */
  constructor(names: readonly string[]) {
    const known = names.filter((name) => name.trim() !== '').sort((a, b) => b.length - a.length);
    this.#names =
      known.length === 0
        ? undefined
        : new RegExp(known.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g');
    this.#longest = known[0]?.length ?? 0;
    for (const name of known)
      for (let i = 1; i < name.length; i++) {
        this.#beginnings.add(name.slice(0, i));
        this.#ends.add(name.slice(i));
      }
  }

  /** `text` in which no name stands, and none can come to stand by what is put before or after it. */
  hide(text: string): string {
    if (this.#names === undefined) return text.replace(HIDDEN, hidden);
    const inner = text.replace(HIDDEN, hidden).replace(this.#names, hidden);
    const body = inner.trim();
    if (body === '') return inner;
    const at = inner.indexOf(body);
    const most = Math.min(this.#longest, body.length);
    const start = longest(most, (n) => this.#ends.has(body.slice(0, n)));
    const end = longest(most - start, (n) => this.#beginnings.has(body.slice(body.length - n)));
    return (
      inner.slice(0, at) +
      hidden(body.slice(0, start)) +
      body.slice(start, body.length - end) +
      hidden(body.slice(body.length - end)) +
      inner.slice(at + body.length)
    );
  }
}

/** Text as it was before it was hidden. */
export function reveal(text: string): string {
  return text.replace(HIDDEN, (char) => String.fromCharCode((char.codePointAt(0) as number) - PLANE));
}

function hidden(text: string): string {
  return text
    .split('')
    .map((unit) => String.fromCodePoint(PLANE + unit.charCodeAt(0)))
    .join('');
}

/** The largest n from 1 to `most` that is so; 0 where none is. */
function longest(most: number, isSo: (n: number) => boolean): number {
  for (let n = most; n > 0; n--) if (isSo(n)) return n;
  return 0;
}
