// What the workspace memory has to say of the next token: what followed the last tokens in other files, and how far that is trusted.
// The weights are measured with the model (models/eval/memoryFit.ts) and lie in its generation_config.json; without them the memory
// only helps to guess ahead.

import type { Kind } from '../copying';
import { EngineError } from '../errors';
import { t } from '../../l10n';
import type { MemoryIndex, Stretch } from './memoryIndex';

/** Places looked at in each chain: more say nothing new, and each costs a look into far memory. */
const MOST_PLACES = 128;
/** Longest agreement that guesses are looked for with. */
const LONGEST_GUESS = 12;

/** Shares of the memory in the mixture, by its longest agreement in tokens, the last for longer ones too. */
type Shares = Record<Kind, readonly number[]>;

/** How far the memory is trusted. */
export interface MemoryWeights {
  /** A place where n tokens agree counts base^n. */
  base: number;
  /** Longer agreements count as this long. */
  longest: number;
  /** Where no place in the text at hand agrees as long. */
  alone: Shares;
  /** Where one does: what the memory says may be the same once more. */
  beside: Shares;
}

const KINDS: readonly Kind[] = ['one', 'same', 'mixed'];

/**
 * Reads the weights from the parsed generation_config.json.
 * @param path its path, for the error
 * @returns undefined where the model has none
 * @throws EngineError `model_damaged`
 */
export function readMemoryWeights(generation: Record<string, unknown>, path: string): MemoryWeights | undefined {
  const value = generation['glassbox_memory'] as Partial<Record<string, unknown>> | null | undefined;
  if (value === undefined || value === null) return undefined;
  const { base, longest } = value;
  const isShare = (share: unknown): boolean => typeof share === 'number' && share >= 0 && share < 1;
  const sound = (['alone', 'beside'] as const).every((place) =>
    KINDS.every((kind) => {
      const shares = (value[place] as Partial<Record<Kind, unknown>> | null | undefined)?.[kind];
      return Array.isArray(shares) && shares.length > 0 && shares.every(isShare);
    }),
  );
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
        'glassbox_memory',
        path,
      ),
    );
  return value as unknown as MemoryWeights;
}

/** What followed the last tokens elsewhere. */
export interface Heard {
  /** By id: its share of all that followed; they sum to 1. */
  followed: ReadonlyMap<number, number>;
  /** Tokens that agree at the best places. */
  agreement: number;
  kind: Kind;
}

/** The memory as one completion may use it: without the files whose text it has anyway. */
export class MemoryVoice {
  readonly #index: MemoryIndex;
  readonly weights: MemoryWeights | undefined;
  readonly #without: readonly Stretch[];

  /** @param without paths of files that do not count */
  constructor(index: MemoryIndex, weights: MemoryWeights | undefined, without: readonly string[]) {
    this.#index = index;
    this.weights = weights;
    this.#without = without.map((path) => index.stretchOf(path)).filter((stretch) => stretch !== undefined);
  }

  /**
   * What followed the end of `tail`; undefined where there is no such place.
   * @param base a place where n tokens agree counts base^n
   */
  listen(tail: readonly number[], { base, longest }: Pick<MemoryWeights, 'base' | 'longest'>): Heard | undefined {
    const followed = new Map<number, number>();
    let weight = 0;
    let agreement = 0;
    let best = new Map<number, number>(); // what follows the longest agreements, and how often
    this.#index.search(
      tail.slice(-longest),
      { longest, most: MOST_PLACES, without: this.#without },
      (next, agreeing) => {
        const counts = base ** agreeing;
        followed.set(next, (followed.get(next) ?? 0) + counts);
        weight += counts;
        if (agreeing > agreement) {
          agreement = agreeing;
          best = new Map();
        }
        if (agreeing === agreement) best.set(next, (best.get(next) ?? 0) + 1);
      },
    );
    if (weight === 0) return undefined;
    for (const [id, counts] of followed) followed.set(id, counts / weight);
    const places = [...best.values()].reduce((sum, count) => sum + count, 0);
    return { followed, agreement, kind: places === 1 ? 'one' : best.size === 1 ? 'same' : 'mixed' };
  }

  /**
   * What the memory adds to a mixture, and its share; undefined where it has nothing to say.
   * @param besides tokens that agree in the text at hand
   */
  say(tail: readonly number[], besides: number): { followed: ReadonlyMap<number, number>; share: number } | undefined {
    if (this.weights === undefined) return undefined;
    const heard = this.listen(tail, this.weights);
    if (heard === undefined) return undefined;
    const shares = this.weights[besides >= heard.agreement ? 'beside' : 'alone'][heard.kind];
    return { followed: heard.followed, share: shares[Math.min(heard.agreement, shares.length - 1)] as number };
  }

  /**
   * The tokens that followed where most of the end of `tail` stands, of equally long agreements the latest place.
   * @param fits given: whether an id may come first
   */
  guess(
    tail: readonly number[],
    most: number,
    fits?: (id: number) => boolean,
  ): { ids: number[]; agreement: number } | undefined {
    let best: { at: number; agreement: number } | undefined;
    const search = { longest: LONGEST_GUESS, most: MOST_PLACES, without: this.#without };
    this.#index.search(tail, search, (next, agreement, at) => {
      if (agreement > (best?.agreement ?? 0) && fits?.(next) !== false) best = { at, agreement };
    });
    return best === undefined ? undefined : { ids: this.#index.from(best.at, most), agreement: best.agreement };
  }
}
