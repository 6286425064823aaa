// The exact distribution of the next token, and what temperature, top-k, top-p and min-p leave of it. Pure.
//
// The tokens are ordered by falling logit, equal ones by rising id. Each of the filters keeps the first so many of that order, whichever
// came before it, so what survives is a number, and nothing is ever sorted but the few tokens around it. The filters apply in the order
// and by the definitions of the sampler (src/engine/decoding/filters.ts, which is that of Hugging Face transformers): temperature, top-k,
// top-p, min-p; each counts probabilities among what the one before has left.
//
// A logit that is no finite number has probability 0.

import { Order, type Weighed } from './order';

/** How the next token is drawn; the fields are those of `Sampling`. */
export interface Filters {
  /** Logits are divided by this; 0 takes the likeliest token. */
  temperature: number;
  /** Keep the k likeliest tokens; 0 keeps all. */
  topK: number;
  /** Keep the likeliest tokens whose probabilities sum to at least this, in (0, 1]; 1 keeps all. */
  topP: number;
  /** Keep the tokens at least this many times as probable as the likeliest, in [0, 1]; 0 keeps all. */
  minP: number;
}

/** What the filters leave. */
export interface Survivors {
  /** How many tokens survive: the first of the order. */
  count: number;
  /** Share of the model's own probability, before temperature, that they hold. */
  covered: number;
  /** Probability of drawing a token; 0 where it was pruned. @param rank its place in the order, from 1, where it is known */
  probability: (id: number, rank?: number) => number;
}

/** The model's distribution over the next token. */
export class Distribution {
  readonly logits: Float32Array;
  /** Entropy in bits. */
  readonly entropy: number;
  readonly #order: Order;
  /** The model's own weights. */
  readonly #own: Weighed;
  /** log Σ exp(logit). */
  readonly #logSum: number;

  /** @param logits [vocab] as the model gave them; kept, not copied */
  constructor(logits: Float32Array) {
    this.logits = logits;
    this.#order = new Order(logits);
    this.#own = this.#order.weighed(1);
    const { max, count } = this.#order;
    const sum = this.#own.massOf(count);
    this.#logSum = max + Math.log(sum);
    this.entropy = count === 0 ? 0 : Math.max(0, (Math.log(sum) + this.#own.meanDistance()) / Math.LN2);
  }

  /** Natural logarithm of a token's probability. */
  logprob(id: number): number {
    const logit = this.logits[id] as number;
    return Number.isFinite(logit) ? logit - this.#logSum : -Infinity;
  }

  /** A token's probability. */
  probability(id: number): number {
    return Math.exp(this.logprob(id));
  }

  /** A token's place in the order, from 1. */
  rank(id: number): number {
    return this.#order.rank(id);
  }

  /** Ids of the first tokens of the order, at most `count`. */
  top(count: number): Int32Array<ArrayBuffer> {
    return this.#order.first(count);
  }

  /** How much likelier the likeliest token is than the second, as a difference of probabilities. */
  get margin(): number {
    const [first, second] = this.top(2);
    return first === undefined ? 0 : this.probability(first) - (second === undefined ? 0 : this.probability(second));
  }

  /** What the filters leave. */
  after({ temperature, topK, topP, minP }: Filters): Survivors {
    const order = this.#order;
    const greedy = temperature === 0;
    // As in the sampler: a temperature next to 0 must not divide to infinity.
    const scale = greedy ? 1 : Math.min(1 / temperature, Number.MAX_VALUE);
    const weighed = scale === 1 ? this.#own : order.weighed(scale);
    let count = greedy ? Math.min(1, order.count) : order.count;
    if (topK > 0) count = Math.min(count, topK);
    if (topP < 1) count = Math.min(count, weighed.countReaching(topP * weighed.massOf(count)));
    if (minP > 0) count = Math.min(count, order.countFrom(order.max + Math.log(minP) / scale));
    const mass = weighed.massOf(count);
    return {
      count,
      covered: this.#own.massOf(count) / this.#own.massOf(order.count),
      probability: (id, rank = this.rank(id)) => (rank > count ? 0 : weighed.weightOf(id) / mass),
    };
  }
}
