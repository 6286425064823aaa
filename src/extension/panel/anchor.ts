// Where the text of a completion, and what the model was shown for it, stand in the document while that is edited. Pure: offsets and
// strings, no editor. What the model was shown has line ends of one character; the document may have two.

import type { TokenPlace } from '../../inspectionProtocol';
import { Kept } from './kept';

/** The place of a completion in a document, when the model was asked. */
export interface Spot {
  /** What the model was shown before and after the cursor. */
  prefix: string;
  suffix: string;
  /** What the document has before and after the place where the text goes, as far as it was looked at, with \n for line ends. */
  before: string;
  after: string;
  /** Offset of that place in the document. */
  at: number;
  /** The document's lines end in \r\n. */
  crlf: boolean;
  /** So many characters at the end of `prefix` are not in the document, but are written there with the text. */
  lead: number;
  /** Those characters and what the model has written up to now. */
  text: () => string;
}

/** [start, end) in the document. */
export interface Range {
  start: number;
  end: number;
}

/** What an edit does to a completion: it writes more of its text; or it touches its place; or it is elsewhere. */
export type Effect = 'writes' | 'touches' | 'elsewhere';

export class Anchor {
  readonly #spot: Spot;
  readonly #document: Kept;
  /** Of the text, what stands in the document. */
  readonly #text = new Kept(0);
  /** Where the text goes on, in the document; and how much of it is there. Undefined once somebody wrote something else there. */
  #end: number | undefined;
  #taken = 0;

  constructor(spot: Spot) {
    this.#spot = spot;
    this.#end = spot.at;
    this.#document = new Kept(spot.at + this.#long(spot.after));
  }

  /** Something that the model was shown of the document has been edited since. */
  get changed(): boolean {
    return this.#document.damaged;
  }

  /** Offset at which the text goes on; undefined once somebody wrote something else there. */
  get end(): number | undefined {
    return this.#end;
  }

  /** The document was edited: offsets as they were directly before. */
  edit(offset: number, removed: number, added: string): Effect {
    const end = this.#end;
    if (end !== undefined && offset <= end && offset + removed >= end) {
      const written = offset + added.length - end;
      const part = written > 0 ? added.slice(-written) : '';
      if (part !== '' && this.#inDocument(this.#spot.text()).startsWith(part, this.#taken)) {
        // What stands before the part has been written again as it was: editors replace the indentation, too.
        const over = offset + removed - end;
        this.#document.edit(end, over, part.length);
        this.#text.put(this.#taken, this.#taken + part.length, end);
        this.#taken += part.length;
        this.#end = end + part.length;
        return 'writes';
      }
    }
    this.#document.edit(offset, removed, added.length);
    this.#text.edit(offset, removed, added.length);
    if (end === undefined) return 'elsewhere';
    const begin = end - this.#taken;
    if (offset > end || (offset + removed <= begin && !(offset === begin && removed === 0))) {
      if (offset < end) this.#end = end + added.length - removed;
      return 'elsewhere';
    }
    this.#end = undefined;
    return 'touches';
  }

  /** The editor has written so many characters after the place, such as a closing bracket. */
  beside(added: number): void {
    if (this.#end !== undefined) this.#document.edit(this.#end, 0, added);
  }

  /** Where a token stands now; undefined where it does not, or stands in another file or in the frame. */
  place(place: TokenPlace): Range | undefined {
    if (place.in !== 'document' && place.in !== 'generated') return undefined;
    const { prefix, lead } = this.#spot;
    const { start, end } = place;
    if (end <= start || start < -prefix.length) return undefined;
    if (place.in === 'document' && start >= 0) return this.#after(start, end);
    const before =
      start < -lead ? this.#before(prefix.length + start, prefix.length + Math.min(end, -lead)) : undefined;
    const text = end > -lead ? this.#written(Math.max(start, -lead) + lead, end + lead) : undefined;
    if (start >= -lead) return text;
    // A token that is half typed and half suggested: what of it stands there.
    return before !== undefined && text?.start === before.end ? { start: before.start, end: text.end } : before;
  }

  /** [start, end) of the prefix. */
  #before(start: number, end: number): Range | undefined {
    const { prefix, before, at, lead } = this.#spot;
    const told = prefix.slice(0, prefix.length - lead);
    const shift = (this.#beforeShift ??= shifts(told, before))(start, end);
    if (shift === undefined) return undefined;
    return this.#kept(at - this.#long(before.slice(start + shift)), at - this.#long(before.slice(end + shift)));
  }
  #beforeShift: Shift | undefined;

  /** [start, end) of the suffix. */
  #after(start: number, end: number): Range | undefined {
    const { suffix, after, at } = this.#spot;
    const shift = (this.#afterShift ??= shifts(suffix, after))(start, end);
    if (shift === undefined) return undefined;
    return this.#kept(at + this.#long(after.slice(0, start + shift)), at + this.#long(after.slice(0, end + shift)));
  }
  #afterShift: Shift | undefined;

  /** [start, end) of the text. */
  #written(start: number, end: number): Range | undefined {
    const text = this.#spot.text();
    const from = this.#long(text.slice(0, start));
    const to = this.#long(text.slice(0, end));
    const now = this.#text.now(from, to);
    return now === undefined ? undefined : { start: now, end: now + to - from };
  }

  #kept(start: number, end: number): Range | undefined {
    const now = start < 0 ? undefined : this.#document.now(start, end);
    return now === undefined ? undefined : { start: now, end: now + end - start };
  }

  #inDocument(text: string): string {
    return this.#spot.crlf ? text.replaceAll('\n', '\r\n') : text;
  }

  /** How long a text is in the document. */
  #long(text: string): number {
    if (!this.#spot.crlf) return text.length;
    let length = text.length;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) length++;
    return length;
  }
}

type Shift = (start: number, end: number) => number | undefined;

/**
 * Two texts that agree at their beginning and at their end: how far [start, end) of the one is moved in the other, undefined where it is not
 * in it. What the model was shown may be an older state, or have a prompt in it.
 */
export function shifts(told: string, real: string): Shift {
  const limit = Math.min(told.length, real.length);
  let front = 0;
  while (front < limit && told[front] === real[front]) front++;
  let back = 0;
  while (back < limit - front && told[told.length - 1 - back] === real[real.length - 1 - back]) back++;
  return (start, end) => (end <= front ? 0 : start >= told.length - back ? real.length - told.length : undefined);
}
