// One text on offer at the place it was made for, and what of it is left where the user has typed on. Pure text: no tokens, no editor.

/** An offer rests on so many characters before the cursor, and on so many after it. */
const BEFORE = 8192;
const AFTER = 2048;
/** Most that an editor writes by itself after the cursor: brackets, and the line break and indentation between them. */
const CLOSED = 32;
/** So far the typing may run ahead of a text that is still being written, in characters. */
const AHEAD = 64;

/** What is left of an offer. */
export interface Rest {
  text: string;
  /** Characters after the cursor that `text` takes the place of: a bracket that the editor closed and the text closes too. */
  over: number;
}

/** The place that offers are made for: the document before and after the cursor, as far as they rest on it. */
export class Spot {
  readonly before: string;
  readonly after: string;
  /** Characters before the cursor and after it in all. */
  readonly length: number;
  readonly suffixLength: number;

  constructor(prefix: string, suffix: string) {
    this.before = ownCopy(prefix.slice(-BEFORE));
    this.after = ownCopy(suffix.slice(0, AFTER));
    this.length = prefix.length;
    this.suffixLength = suffix.length;
  }
}

export class Offer {
  readonly spot: Spot;
  #text = '';
  #finished = false;

  constructor(spot: Spot) {
    this.spot = spot;
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

  /** True where the typing has run ahead of the text. */
  isBehind(prefix: string): boolean {
    return prefix.length - this.spot.length > this.#text.length;
  }

  /**
   * What is left to offer at a place.
   * @returns text '' while the typing has reached the end of a text that may still grow, and where the offer, made for this very place, is
   * empty; undefined where the document does not agree with the offer, or has all of it
   */
  remaining(prefix: string, suffix: string): Rest | undefined {
    const { before, length } = this.spot;
    const typed = prefix.length - length;
    if (typed < 0 || typed > this.#text.length + (this.#finished ? 0 : AHEAD)) return undefined;
    const end = prefix.slice(length);
    const agrees = this.#text.startsWith(end) || (!this.#finished && end.startsWith(this.#text));
    if (!agrees || prefix.slice(Math.max(0, length - BEFORE), length) !== before) return undefined;
    const closed = this.#closedSince(suffix);
    if (closed === undefined) return undefined;
    const rest = closing(this.#text.slice(typed), closed);
    if (rest === undefined) return undefined;
    return this.#finished && rest.text.trim() === '' && typed > 0 ? undefined : rest;
  }

  /** What stands before the text that stood after the cursor: '', or what an editor closes by itself; undefined where anything else has changed. */
  #closedSince(suffix: string): string | undefined {
    const { after, suffixLength } = this.spot;
    const most = /^[\s)\]}"'`>]*/.exec(suffix.slice(0, CLOSED))?.[0].length ?? 0;
    for (let length = 0; length <= most; length++) {
      const same = suffix.startsWith(after, length);
      if (same && (suffixLength > AFTER || suffix.length === length + suffixLength)) return suffix.slice(0, length);
    }
    return undefined;
  }
}

/** Fits the rest of an offer to what the editor closed after the cursor; undefined where the two close different things. */
function closing(text: string, closed: string): Rest | undefined {
  if (closed === '') return { text, over: 0 };
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (depth === 0 && text.startsWith(closed, i)) {
      const more = text.slice(i + closed.length).trim() !== '';
      // What is replaced must lie on the cursor's line.
      return more && !closed.includes('\n') ? { text, over: closed.length } : { text: text.slice(0, i), over: 0 };
    }
    const char = text[i] as string;
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char) && --depth < 0) return undefined;
  }
  return { text, over: 0 };
}

/** A slice holds on to the whole text that it was cut from; this holds its own characters only. */
function ownCopy(text: string): string {
  return ` ${text}`.slice(1);
}
