// What a small model does badly and a search does well: going on as the text went on before. The next token is drawn from a mixture
// of the model, of what followed earlier occurrences of the last tokens, and of how often each token stands in the text (a cache model,
// Kuhn & De Mori 1990). A model folder that wants this carries the measured weights in generation_config.json; others do without.

import { EngineError } from './errors';
import { argmax, logSumExp } from './sampler';

/** How the text before goes on where it agrees longest with its end: in one place only, in several but always the same way, or in several ways. */
const KINDS = ['one', 'same', 'mixed'] as const;
type Kind = (typeof KINDS)[number];

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
  if (!sound || !(typeof base === 'number' && base >= 1) || !(Number.isInteger(longest) && (longest as number) >= 1))
    throw new EngineError(
      'model_damaged',
      `"glassbox_copying" in ${path} is damaged. Restore the file, or take the entry out: the model then works without it.`,
    );
  return value as unknown as CopyingWeights;
}

/** The mixture at one place in a text. */
export class Copying {
  readonly #weights: CopyingWeights;
  /** Ids that are never copied: they stand for no text. */
  readonly #special: ReadonlySet<number>;

  constructor(weights: CopyingWeights, special: ReadonlySet<number>) {
    this.#weights = weights;
    this.#special = special;
  }

  /**
   * p(t) = (1 − copy − word) model(t) + copy · copied(t) + word · frequency(t).
   * @param logits [vocab], the model's after `ids`
   * @param ids the text so far
   * @returns [vocab] logarithms of the mixture, up to a constant
   */
  mix(logits: Float32Array, ids: readonly number[]): Float32Array {
    const { copied, frequency, agreement, kind } = this.#read(ids);
    const at = Math.min(agreement, this.#weights[kind].copy.length - 1);
    const copy = agreement === 0 ? 0 : (this.#weights[kind].copy[at] as number);
    const word = this.#weights[kind].word[at] as number;
    const mixed = logits.slice();
    if (copy + word === 0) return mixed;
    const own = 1 - copy - word;
    const total = logSumExp(logits, logits[argmax(logits)] as number);
    // Relative to own · model, only the tokens that stand in the text change.
    for (const [id, share] of frequency) {
      const model = Math.exp((logits[id] as number) - total);
      const sum = own * model + copy * (copied.get(id) ?? 0) + word * share;
      mixed[id] = Math.log(sum / own) + total;
    }
    return mixed;
  }

  #read(ids: readonly number[]): {
    copied: Map<number, number>;
    frequency: Map<number, number>;
    agreement: number;
    kind: Kind;
  } {
    const { base, longest } = this.#weights;
    const n = ids.length;
    const last = ids[n - 1];
    const copied = new Map<number, number>();
    const frequency = new Map<number, number>();
    let counted = 0;
    let weight = 0;
    let agreement = 0;
    let best = new Map<number, number>(); // what follows the longest agreements, and how often
    for (let at = 1; at < n; at++) {
      const id = ids[at] as number;
      if (this.#special.has(id)) continue;
      frequency.set(id, (frequency.get(id) ?? 0) + 1);
      counted++;
      if (ids[at - 1] !== last) continue;
      let length = 1;
      while (length < longest && at > length && ids[at - 1 - length] === ids[n - 1 - length]) length++;
      copied.set(id, (copied.get(id) ?? 0) + base ** length);
      weight += base ** length;
      if (length > agreement) {
        agreement = length;
        best = new Map();
      }
      if (length === agreement) best.set(id, (best.get(id) ?? 0) + 1);
    }
    for (const [id, count] of frequency) frequency.set(id, count / counted);
    for (const [id, share] of copied) copied.set(id, share / weight);
    const places = [...best.values()].reduce((sum, count) => sum + count, 0);
    return { copied, frequency, agreement, kind: places <= 1 ? 'one' : best.size === 1 ? 'same' : 'mixed' };
  }
}
