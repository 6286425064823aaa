// What a small model does badly and a search does well: going on as the text went on before. The next token is drawn from a mixture
// of the model, of what followed earlier occurrences of the last tokens, and of how often each token stands in the text (a cache model,
// Kuhn & De Mori 1990). A model folder that wants this carries the measured weights in generation_config.json; others do without.

import { t } from '../l10n';
import { EngineError } from './errors';
import type { MemoryVoice } from './memory/voice';
import { argmax, logSumExp } from './sampler';
import { BREAK, MAX_PLACES, TextIndex } from './textIndex';

/** How the text before goes on where it agrees longest with its end: in one place only, in several but always the same way, or in several ways. */
const KINDS = ['one', 'same', 'mixed'] as const;
export type Kind = (typeof KINDS)[number];

/** Tokens of the text that the memory is shown: more than any agreement that counts. */
const LONGEST_TAIL = 16;

/** The weights of the mixture; both arrays by the longest agreement, in tokens, the last for longer ones too. */
export type CopyingWeights = Record<Kind, { copy: readonly number[]; word: readonly number[] }> & {
  /** A match of n tokens counts base^n. */
  base: number;
  /** Longer agreements count as this long. */
  longest: number;
};

/**
 * Reads the weights from the parsed generation_config.json.
 * @param path its path, for the error
 * @returns undefined where the model has none
 * @throws EngineError `model_damaged`
 */
export function readCopyingWeights(generation: Record<string, unknown>, path: string): CopyingWeights | undefined {
  const value = generation['glassbox_copying'] as Partial<Record<string, unknown>> | null | undefined;
  if (value === undefined || value === null) return undefined;
  const isShare = (share: unknown): boolean => typeof share === 'number' && share >= 0 && share < 1;
  const isShares = (shares: unknown, length: number): boolean =>
    Array.isArray(shares) && shares.length === length && shares.every(isShare);
  const sound = KINDS.every((kind) => {
    const { copy, word } = (value[kind] ?? {}) as { copy?: unknown[]; word?: unknown[] };
    const length = Array.isArray(copy) ? copy.length : 0;
    return (
      length > 0 &&
      isShares(copy, length) &&
      isShares(word, length) &&
      copy?.every((share, i) => (share as number) + (word?.[i] as number) < 1) === true
    );
  });
  const { base, longest } = value;
  const bounded =
    typeof base === 'number' &&
    base >= 1 &&
    Number.isInteger(longest) &&
    (longest as number) >= 1 &&
    base ** (longest as number) < 1e100;
  if (!sound || !bounded)
    throw new EngineError(
      'model_damaged',
      t(
        '"{0}" in {1} is damaged. Restore the file, or take the entry out: the model then works without it.',
        'glassbox_copying',
        path,
      ),
    );
  return value as unknown as CopyingWeights;
}

/** The same weights with no share for the text: it is only looked into. */
export function silent(weights: CopyingWeights): CopyingWeights {
  const none = { copy: [0], word: [0] };
  return { ...weights, one: none, same: none, mixed: none };
}

/**
 * A text that grows, and the mixture after it:
 * p(t) = (1 − memory) · ((1 − copy − word) · model(t) + copy · copied(t) + word · frequency(t)) + memory · followed(t).
 */
export class CopyText {
  readonly #weights: CopyingWeights;
  readonly #memory: MemoryVoice | undefined;
  /** The text, for whoever wants to look into it; `push` lets it grow. */
  readonly index: TextIndex;
  /** By id: how often it stands in the text. */
  readonly #counts: Int32Array;
  /** Each id that stands in the text, once. */
  readonly #distinct: number[] = [];
  #counted = 0;

  /**
   * @param ids the text, BREAK between its parts
   * @param vocab one more than the highest id
   * @param memory other texts that have a say
   */
  constructor(weights: CopyingWeights, ids: readonly number[], vocab: number, memory?: MemoryVoice) {
    this.#weights = weights;
    this.#memory = memory;
    this.index = new TextIndex([], vocab);
    this.#counts = new Int32Array(vocab);
    for (const id of ids) this.push(id);
  }

  push(id: number): void {
    this.index.push(id);
    if (id === BREAK) return;
    if (this.#counts[id] === 0) this.#distinct.push(id);
    this.#counts[id] = (this.#counts[id] as number) + 1;
    this.#counted++;
  }

  /**
   * @param logits [vocab], the model's after this text
   * @returns [vocab] logarithms of the mixture, up to a constant
   */
  mix(logits: Float32Array): Float32Array {
    const { copied, agreement, kind } = this.matches();
    const at = Math.min(agreement, this.#weights[kind].copy.length - 1);
    const copy = agreement === 0 ? 0 : (this.#weights[kind].copy[at] as number);
    const word = this.#counted === 0 ? 0 : (this.#weights[kind].word[at] as number);
    const heard = this.#memory?.say(this.index.tail(LONGEST_TAIL), agreement);
    const memory = heard?.share ?? 0;
    const mixed = logits.slice();
    if (copy + word + memory === 0) return mixed;
    const own = (1 - copy - word) * (1 - memory);
    const total = logSumExp(logits, logits[argmax(logits)] as number);
    // Relative to own · model, only the tokens that stand in the text or are remembered change.
    const mixIn = (id: number, remembered: number): void => {
      const model = Math.exp((logits[id] as number) - total);
      const frequency = this.#counted === 0 ? 0 : (this.#counts[id] as number) / this.#counted;
      const atHand = copy * (copied.get(id) ?? 0) + word * frequency;
      mixed[id] = Math.log(model + ((1 - memory) * atHand + memory * remembered) / own) + total;
    };
    if (copy + word > 0) for (const id of this.#distinct) mixIn(id, 0);
    if (memory > 0) for (const [id, share] of heard?.followed ?? []) mixIn(id, share);
    return mixed;
  }

  /** What followed earlier occurrences of the last id, each counting base^agreement, as shares. */
  matches(): { copied: Map<number, number>; agreement: number; kind: Kind } {
    const { base, longest } = this.#weights;
    const text = this.index;
    const end = text.length - 1;
    const copied = new Map<number, number>();
    let weight = 0;
    let agreement = 0;
    let best = new Map<number, number>(); // what follows the longest agreements, and how often
    let places = 0;
    for (
      let at = text.at(end) === BREAK ? -1 : text.before(end);
      at >= 0 && places < MAX_PLACES;
      at = text.before(at), places++
    ) {
      const next = text.at(at + 1);
      if (next === BREAK) continue;
      let length = 1;
      while (length < longest && text.at(at - length) !== BREAK && text.at(at - length) === text.at(end - length))
        length++;
      const counts = base ** length;
      copied.set(next, (copied.get(next) ?? 0) + counts);
      weight += counts;
      if (length > agreement) {
        agreement = length;
        best = new Map();
      }
      if (length === agreement) best.set(next, (best.get(next) ?? 0) + 1);
    }
    for (const [id, counts] of copied) copied.set(id, counts / weight);
    const agreeing = [...best.values()].reduce((sum, count) => sum + count, 0);
    return { copied, agreement, kind: agreeing <= 1 ? 'one' : best.size === 1 ? 'same' : 'mixed' };
  }
}
