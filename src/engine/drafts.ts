// Guesses at the tokens to come: what is typed already, then what followed an earlier occurrence of the last tokens in the text at hand
// ("prompt lookup", Saxena 2023), in what was offered last, or in other files. The model checks them; a wrong one costs time, and nothing else.

import { LONGEST_AGREEMENT, MOST_DRAFTED, type DraftPolicy, type Kind, type Source } from './draftPolicy';
import { holeIn, tailOf, type Fim } from './fim';
import type { Typed } from './healing';
import type { Drafter } from './lookahead';
import type { MemoryVoice } from './memory/voice';
import { BREAK, type TextIndex } from './textIndex';

/** Tokens that are guessed to come next, and what each guess rests on. */
export interface Draft {
  ids: number[];
  kinds: Kind[];
}

/** The texts that guesses for one completion are looked up in. */
export class Drafts implements Drafter {
  readonly policy: DraftPolicy;
  readonly #text: TextIndex;
  readonly #shared: boolean;
  readonly #offers: TextIndex | undefined;
  readonly #memory: MemoryVoice | undefined;
  /** The last tokens of the text as it was at first, and those written since. */
  readonly before: readonly number[];
  readonly written: number[] = [];

  /**
   * @param text what stands before the cursor, at its end, and any other text before that
   * @param shared somebody else lets `text` grow
   * @param offers what was generated before, with some tokens of the text before it
   * @param memory other files
   */
  constructor(
    policy: DraftPolicy,
    text: TextIndex,
    { shared = false, offers, memory }: { shared?: boolean; offers?: TextIndex; memory?: MemoryVoice },
  ) {
    this.policy = policy;
    this.#text = text;
    this.#shared = shared;
    this.#offers = offers;
    this.#memory = memory;
    this.before = this.#tail();
  }

  /** Takes the token that was sampled. */
  push(id: number): void {
    this.written.push(id);
    if (!this.#shared) this.#text.push(id);
  }

  /**
   * @param most tokens
   * @param typed what has to be written anew first
   */
  draft(most: number, typed?: Typed): Draft {
    const open = typed?.done === false ? typed : undefined;
    const spelled = open?.spelled() ?? [];
    const tail = [...this.#tail(), ...spelled].slice(-LONGEST_AGREEMENT);
    const fits = open === undefined ? undefined : (id: number): boolean => open.goesOn(spelled.length, id);
    const inText = this.#text.continuation(tail, fits);
    const inOffers = this.#offers?.continuation(tail, fits);
    // What the model wrote before it is likelier to write again.
    const offered = (inOffers?.agreement ?? 0) >= (inText?.agreement ?? 1);
    const found = offered ? inOffers : inText;
    const remembered = this.#memory?.guess(tail, MOST_DRAFTED, fits);
    if (remembered !== undefined && remembered.agreement > (found?.agreement ?? 0))
      return this.#drafted(spelled, remembered.ids, 'memory', remembered.agreement, most);
    const following =
      found === undefined ? [] : ((offered ? this.#offers : this.#text)?.from(found.at, MOST_DRAFTED) ?? []);
    // What repeats itself up to its end goes on repeating itself.
    const period = found === undefined || offered || spelled.length > 0 ? 0 : this.#text.length - found.at;
    if (period === following.length && period > 0)
      while (following.length < MOST_DRAFTED) following.push(following[following.length - period] as number);
    return this.#drafted(spelled, following, offered ? 'offer' : 'text', found?.agreement ?? 0, most);
  }

  /** @param agreement of the first of `following` */
  #drafted(spelled: number[], following: number[], source: Source, agreement: number, most: number): Draft {
    const kinds = following.map((_, i): Kind => `${source} ${Math.min(agreement + i, LONGEST_AGREEMENT)}`);
    const limit = Math.max(0, Math.min(most, MOST_DRAFTED));
    return {
      ids: [...spelled, ...following].slice(0, limit),
      kinds: [...spelled.map((): Kind => 'typed'), ...kinds].slice(0, limit),
    };
  }

  /** The last tokens of the text: as many as an agreement may have. */
  #tail(): number[] {
    return this.#text.tail(LONGEST_AGREEMENT);
  }
}

/**
 * The text of a prompt for looking up: its parts with BREAK between them, and last the part that goes on at the cursor.
 * @param special ids that stand for no text
 */
export function textOfPrompt(prompt: readonly number[], special: ReadonlySet<number>, fim: Fim | undefined): number[] {
  const text = (ids: readonly number[]): number[] => ids.map((id) => (special.has(id) ? BREAK : id));
  const hole = fim === undefined ? undefined : holeIn(prompt, fim);
  if (hole === undefined) {
    // Behind the suffix, the prefix may have a token of the frame between it and the cursor.
    const last = fim !== undefined && fim.frame.indexOf('prefix') > fim.frame.indexOf('suffix');
    const end = prompt.length - (last ? tailOf(prompt, fim.frame) : 0);
    return text([...prompt.slice(end), ...prompt.slice(0, end)]);
  }
  // prefix first: the suffix stands between the prefix and the cursor
  const { prefix: before, suffix: after } = hole;
  return text([...prompt.slice(0, before), ...prompt.slice(after), ...prompt.slice(before, after)]);
}
