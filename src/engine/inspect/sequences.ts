// The last completions, as token ids: what can be looked into. In memory only.

import { t } from '../../l10n';
import type { SequenceName, TokenFacts } from '../../inspectionProtocol';
import type { CompletionRequest } from '../../protocol';
import { EngineError } from '../errors';
import type { Prompt } from '../prompt';
import type { Sampled } from '../sampler';
import type { Tokenizer } from '../tokenizer';
import { placesOf } from './places';

/** So many are kept besides those that people have seen. */
const KEPT = 20;

/** One completion, while it is written and afterwards. */
export interface Sequence {
  id: number;
  /** Prompt, then generated. */
  ids: number[];
  /** Of the generated tokens. */
  logprobs: number[];
  prompt: Prompt;
  /** Characters before the cursor that were to be written anew. */
  retyped: number;
  files: string[];
  path?: string;
  finished: boolean;
}

export class Sequences {
  /** The oldest first. */
  readonly #kept = new Map<number, Sequence>();
  #last: Sequence | undefined;
  #seen: ReadonlySet<number> = new Set();

  /** A completion begins. @param background true: nobody waits for it, so it is not the last */
  begin(id: number, { context = [], path }: CompletionRequest, prompt: Prompt, background: boolean): Sequence {
    const sequence: Sequence = {
      id,
      ids: [...prompt.ids],
      logprobs: [],
      prompt,
      retyped: prompt.typed?.characters ?? 0,
      files: context.map((file) => file.path),
      ...(path === undefined ? {} : { path }),
      finished: false,
    };
    this.#kept.delete(id);
    this.#kept.set(id, sequence);
    const unseen = [...this.#kept.keys()].filter((each) => !this.#seen.has(each));
    for (const each of unseen.slice(0, -KEPT)) this.#kept.delete(each);
    if (!background) this.#last = sequence;
    return sequence;
  }

  /** People have seen these: they are kept however many follow, and those named before are so no longer. */
  keep(ids: readonly number[]): void {
    this.#seen = new Set(ids);
  }

  /** @throws EngineError `bad_request` where it is not kept any more, or was never there */
  get(name: SequenceName): Sequence {
    const found = name === 'last' ? this.#last : this.#kept.get(name);
    if (found !== undefined) return found;
    throw new EngineError(
      'bad_request',
      name === 'last'
        ? t('There is nothing to look at: no text has been completed yet.')
        : t('This completion is not kept any more: only the last {0} are, and the last that were shown.', KEPT),
    );
  }
}

/** Takes a token into a sequence that is being written. */
export function take(sequence: Sequence, { id, logprob }: Pick<Sampled, 'id' | 'logprob'>): void {
  sequence.ids.push(id);
  sequence.logprobs.push(logprob);
}

/** What is known of the tokens at positions from … end − 1. */
export function factsOf(tokenizer: Tokenizer, sequence: Sequence, from: number, end: number): TokenFacts[] {
  const { ids, prompt, retyped, logprobs } = sequence;
  const places = placesOf(tokenizer.texts, ids, prompt.parts, retyped);
  return ids.slice(from, Math.max(from, end)).map((id, i) => {
    const position = from + i;
    const logprob = logprobs[position - prompt.ids.length];
    return {
      id,
      text: tokenizer.label(id),
      special: tokenizer.specialIds.has(id),
      place: places[position] ?? { in: 'frame' },
      ...(logprob === undefined ? {} : { logprob }),
    };
  });
}
