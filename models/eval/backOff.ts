// Which token follows, by counting: stupid back-off (Brants et al. 2007, "Large language models in machine translation") over the
// training text and the file at hand, whose counts weigh more. Token ids in and out.

import { DEPTH, type Corpus } from './corpus';

export interface BackOffOptions {
  /** How much an occurrence in the file counts, beside one in the corpus. */
  fileWeight: number;
  /** Counted to all that follows a context, for what has never followed it: a context seen once is no certainty. */
  unseen: number;
}

/** A token and its score: a share of what followed the longest context known, times BACK_OFF for each token of context given up. */
export interface Guess {
  id: number;
  score: number;
}

/** Brants et al.'s factor. */
const BACK_OFF = 0.4;
/** Most tokens of context. */
export const CONTEXT = DEPTH - 1;
/** What follows short contexts is counted once and remembered, for so many of them. */
const MAX_REMEMBERED = 20_000;
const SHORT_CONTEXT = 2;

/** Tokens that follow a context, in order of their ids, and how often. */
interface Followers {
  ids: number[];
  counts: number[];
}

/** The n-gram model: the text given in each call is its cache. */
export class BackOff {
  readonly #corpus: Corpus | undefined;
  readonly #options: BackOffOptions;
  readonly #short = new Map<string, Followers>();
  /** Weighted counts at the order at hand, 0 between calls; [vocab]. */
  readonly #weights: Float64Array;

  /** @param corpus undefined: only the text given in each call is known */
  constructor(corpus: Corpus | undefined, vocab: number, options: BackOffOptions) {
    this.#corpus = corpus;
    this.#options = options;
    this.#weights = new Float64Array(vocab);
  }

  /**
   * The token with the highest score after `text`; of equals the one of the longer context, then of the lower id.
   *
   * With S(w | context) = c(context w) / (c(context) + unseen) where that count is not 0, else 0.4 · S(w | context without its first token),
   * c being summed over the corpus and, weighted, the text itself. Contexts never seen cost no factor.
   * @param text the text so far
   * @param allowed if given, only these may come: nothing else is counted
   */
  best(text: readonly number[], allowed?: readonly number[]): Guess | undefined {
    const { fileWeight, unseen } = this.#options;
    const only = allowed === undefined ? undefined : new Set(allowed);
    const matches = matchesIn(text);
    const scored = new Set<number>();
    let best: Guess | undefined;
    let bestOrder = -1;
    let factor = 1;
    for (let order = Math.min(CONTEXT, text.length); order >= 0; order--) {
      if (best !== undefined && best.score >= factor) break; // no count at this order can be higher
      const ids = new Set<number>();
      let total = 0;
      const add = (id: number, weight: number): void => {
        if (only !== undefined && !only.has(id)) return;
        this.#weights[id]! += weight;
        total += weight;
        ids.add(id);
      };
      if (order === 0) for (const id of text) add(id, fileWeight);
      else for (const { id, length } of matches) if (length >= order) add(id, fileWeight);
      const followers = this.#followers(text.slice(text.length - order));
      for (const [i, id] of followers.ids.entries()) add(id, followers.counts[i] as number);
      for (const id of ids) {
        const score = (factor * (this.#weights[id] as number)) / (total + unseen);
        this.#weights[id] = 0;
        if (scored.has(id)) continue;
        scored.add(id);
        if (best === undefined || score > best.score || (score === best.score && order === bestOrder && id < best.id)) {
          best = { id, score };
          bestOrder = order;
        }
      }
      if (ids.size > 0) factor *= BACK_OFF;
    }
    return best;
  }

  #followers(context: readonly number[]): Followers {
    if (this.#corpus === undefined) return { ids: [], counts: [] };
    if (context.length > SHORT_CONTEXT) return followersIn(this.#corpus, context);
    const key = context.join(' ');
    let found = this.#short.get(key);
    if (found === undefined) {
      if (this.#short.size >= MAX_REMEMBERED) this.#short.clear();
      this.#short.set(key, (found = followersIn(this.#corpus, context)));
    }
    return found;
  }
}

/** Every token of the text that stands after the last one's like, with how many of the tokens before it, at most CONTEXT, end the text. */
function matchesIn(text: readonly number[]): { id: number; length: number }[] {
  const n = text.length;
  const last = text[n - 1];
  const found: { id: number; length: number }[] = [];
  for (let at = 1; at < n; at++) {
    if (text[at - 1] !== last) continue;
    let length = 1;
    while (length < CONTEXT && length < at && text[at - 1 - length] === text[n - 1 - length]) length++;
    found.push({ id: text[at] as number, length });
  }
  return found;
}

function followersIn({ tokens, order }: Corpus, context: readonly number[]): Followers {
  const depth = context.length;
  let low = 0;
  let high = order.length;
  for (const [i, id] of context.entries()) [low, high] = stretch(tokens, order, i, id, low, high);
  const ids: number[] = [];
  const counts: number[] = [];
  while (low < high) {
    const at = (order[low] as number) + depth;
    if (at >= tokens.length) {
      low++; // the context ends the corpus
      continue;
    }
    const id = tokens[at] as number;
    const end = firstAbove(tokens, order, depth, id, low, high);
    ids.push(id);
    counts.push(end - low);
    low = end;
  }
  return { ids, counts };
}

/** The part of order[low, high) whose token at `depth` is `id`. */
function stretch(
  tokens: Uint16Array,
  order: Int32Array,
  depth: number,
  id: number,
  low: number,
  high: number,
): [number, number] {
  const start = firstAbove(tokens, order, depth, id - 1, low, high);
  return [start, firstAbove(tokens, order, depth, id, start, high)];
}

/** First index in order[low, high) whose token at `depth` is more than `id`; the steps grow, because the next one is often near. */
function firstAbove(
  tokens: Uint16Array,
  order: Int32Array,
  depth: number,
  id: number,
  low: number,
  high: number,
): number {
  const isAbove = (index: number): boolean => {
    const at = (order[index] as number) + depth;
    return at < tokens.length && (tokens[at] as number) > id;
  };
  let step = 1;
  while (low + step < high && !isAbove(low + step)) {
    low += step;
    step *= 2;
  }
  let end = Math.min(high, low + step);
  while (low < end) {
    const middle = (low + end) >>> 1;
    if (isAbove(middle)) end = middle;
    else low = middle + 1;
  }
  return low;
}
