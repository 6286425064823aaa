// A programmer who types a piece of a real file and accepts every offer that is right. What is offered comes from outside.

import type { TypedWindow } from './windows';

/** What is offered at the cursor. */
export interface Offer {
  /** One line at most; '' is nothing. */
  text: string;
  /** True: it is a word, and right only if the word ends with it. */
  word?: boolean;
}

/** A way to make offers. */
export interface Offerer {
  /** @param suffix the text after the cursor; '' at the end of what is written */
  offer(prefix: string, suffix: string, path: string): Promise<Offer> | Offer;
}

/** What was counted; characters and keys without the white space at the front of lines, which the editor writes. */
export interface Typing {
  characters: number;
  keys: number;
  /** Offers that came up; one that typing goes along with is one. */
  shown: number;
  accepted: number;
  /** Characters of the accepted ones. */
  acceptedCharacters: number;
}

export const NO_OFFER: Offer = { text: '' };
/** A shorter offer is not worth the key. */
const SHORTEST_OFFER = 2;

/**
 * Types a window. Before each key: is the whole offer what comes next? Then one key accepts it, else one key types a character. An
 * offer stays while the typing agrees with it, as in `src/completion/offer.ts`; otherwise the offerer is asked anew.
 */
export async function replay({ file, start, end, inside }: TypedWindow, offerer: Offerer): Promise<Typing> {
  const { text, path } = file;
  const suffix = inside ? text.slice(end) : '';
  const typing: Typing = { characters: 0, keys: 0, shown: 0, accepted: 0, acceptedCharacters: 0 };
  let offer = NO_OFFER;
  let at = start;
  for (;;) {
    if (at === 0 || text[at - 1] === '\n') while (at < end && /[ \t]/.test(text[at] as string)) at++;
    if (at >= end) return typing;
    if (offer.text === '') {
      offer = await offerer.offer(text.slice(0, at), suffix, path);
      if (offer.text.length < SHORTEST_OFFER) offer = NO_OFFER;
      else typing.shown++;
    }
    typing.keys++;
    if (offer.text !== '' && isRight(offer, text.slice(at, end))) {
      at += offer.text.length;
      typing.characters += offer.text.length;
      typing.accepted++;
      typing.acceptedCharacters += offer.text.length;
      offer = NO_OFFER;
    } else {
      const typed = text[at] as string;
      offer = offer.text.startsWith(typed) ? { ...offer, text: offer.text.slice(1) } : NO_OFFER;
      at++;
      typing.characters++;
    }
  }
}

function isRight({ text, word }: Offer, next: string): boolean {
  return next.startsWith(text) && !(word === true && /^[\w$]/.test(next.slice(text.length)));
}

/** The sum of several. */
export function sumOf(typings: readonly Typing[]): Typing {
  const sum: Typing = { characters: 0, keys: 0, shown: 0, accepted: 0, acceptedCharacters: 0 };
  for (const typing of typings) for (const key of Object.keys(sum) as (keyof Typing)[]) sum[key] += typing[key];
  return sum;
}

/** 1 − keys / characters; 0 where nothing was typed. */
export function keystrokesSaved({ keys, characters }: Typing): number {
  return characters === 0 ? 0 : 1 - keys / characters;
}
