// The tokens of a vocabulary from the largest logit down, equal ones by rising id, without sorting it. Pure.

const BUCKETS = 4096;
/** Logits farther below the largest share the last bucket: they are rarely looked at, and the others are told apart the better. */
const RANGE = 100;
/** A weight of e^−50 or less is taken for 0: a whole vocabulary of them is less than the rounding of a sum that is at least 1. */
const FARTHEST = 50;

/**
 * Logits, shared into buckets of equal width, those of the largest first. A place in the order is found bucket by bucket, and only the
 * tokens of the bucket where it lies are sorted. What is no finite number is left out.
 */
export class Order {
  /** The largest logit; −∞ where there is none. */
  readonly max: number = -Infinity;
  /** Tokens in the order. */
  readonly count: number = 0;
  readonly #logits: Float32Array;
  /** Buckets per unit of logit. */
  readonly #perUnit: number;
  /** [bucket] tokens in it. */
  readonly #counts = new Int32Array(BUCKETS);
  /** Tokens of the buckets that were looked into, in order. */
  readonly #sorted = new Map<number, Int32Array<ArrayBuffer>>();

  /** @param logits [vocab] */
  constructor(logits: Float32Array) {
    let [min, max, count] = [Infinity, -Infinity, 0];
    for (let id = 0; id < logits.length; id++) {
      const logit = logits[id] as number;
      if (logit - logit !== 0) continue; // no finite number
      if (logit > max) max = logit;
      if (logit < min) min = logit;
      count++;
    }
    this.max = max;
    this.count = count;
    this.#logits = logits;
    this.#perUnit = max > min ? (BUCKETS - 1) / Math.min(max - min, RANGE) : 0;
    const counts = this.#counts;
    const perUnit = this.#perUnit;
    for (let id = 0; id < logits.length; id++) {
      const bucket = bucketOf(max - (logits[id] as number), perUnit);
      if (bucket >= 0) counts[bucket] = (counts[bucket] as number) + 1;
    }
  }

  /** A token's place, from 1; one more than there are where it has none. */
  rank(id: number): number {
    const logits = this.#logits;
    const own = logits[id] as number;
    if (!Number.isFinite(own)) return this.count + 1;
    let before = 0;
    for (let other = 0; other < logits.length; other++) {
      const logit = logits[other] as number;
      if ((logit > own || (logit === own && other < id)) && logit !== Infinity) before++;
    }
    return before + 1;
  }

  /** The first tokens, at most `count`. */
  first(count: number): Int32Array<ArrayBuffer> {
    let [last, reached] = [0, 0];
    for (; last < BUCKETS && reached < count; last++) reached += this.#counts[last] as number;
    return this.#sort(0, last - 1).slice(0, Math.max(0, count));
  }

  /** How many tokens have at least this logit. */
  countFrom(logit: number): number {
    let found = 0;
    for (let id = 0; id < this.#logits.length; id++) {
      const other = this.#logits[id] as number;
      if (other >= logit && other !== Infinity) found++;
    }
    return found;
  }

  /** Weighs all tokens: e^((logit − max) · scale), so that of the first is 1. @param scale one over the temperature */
  weighed(scale: number): Weighed {
    const logits = this.#logits;
    const max = this.max;
    const perUnit = this.#perUnit;
    const masses = new Float64Array(BUCKETS);
    let moment = 0;
    for (let id = 0; id < logits.length; id++) {
      const below = max - (logits[id] as number);
      const bucket = bucketOf(below, perUnit);
      const distance = below * scale;
      if (bucket < 0 || distance >= FARTHEST) continue;
      const mass = weight(distance);
      masses[bucket] = (masses[bucket] as number) + mass;
      moment += mass * distance;
    }
    const weightOf = (id: number): number => weight((max - (logits[id] as number)) * scale);
    return new Weighed(this.#counts, masses, moment, weightOf, (bucket) => this.#bucket(bucket));
  }

  #bucket(bucket: number): Int32Array<ArrayBuffer> {
    let ids = this.#sorted.get(bucket);
    if (ids === undefined) this.#sorted.set(bucket, (ids = this.#sort(bucket, bucket)));
    return ids;
  }

  /** The tokens of some buckets, in order. */
  #sort(first: number, last: number): Int32Array<ArrayBuffer> {
    const logits = this.#logits;
    const max = this.max;
    const perUnit = this.#perUnit;
    const ids: number[] = [];
    for (let id = 0; id < logits.length; id++) {
      const bucket = bucketOf(max - (logits[id] as number), perUnit);
      if (bucket >= first && bucket <= last) ids.push(id);
    }
    return Int32Array.from(ids.sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b));
  }
}

/** The bucket of a logit so far below the largest; −1: none. */
function bucketOf(distance: number, perUnit: number): number {
  return distance >= 0 && distance < Infinity ? Math.min(BUCKETS - 1, distance * perUnit) | 0 : -1;
}

/** Steps of the table per unit of distance. */
const STEPS = 256;
/** [step] e^(−step / 256) */
const POWERS = Float64Array.from({ length: FARTHEST * STEPS + 1 }, (_, step) => Math.exp(-step / STEPS));

/**
 * e^−distance, or 0 from FARTHEST on: the nearest entry of a table, at most h = 1 / 512 away, times Taylor's polynomial of degree 3 for the
 * rest. Its relative error is below h⁴ / 24 < 7 · 10⁻¹³, in a fraction of the time of Math.exp.
 */
function weight(distance: number): number {
  if (!(distance < FARTHEST)) return 0;
  const step = (distance * STEPS + 0.5) | 0;
  const rest = step / STEPS - distance;
  return (POWERS[step] as number) * (1 + rest * (1 + rest * (1 / 2 + rest / 6)));
}

/** Weights of the tokens in their order. */
export class Weighed {
  /** Weight of a token. */
  readonly weightOf: (id: number) => number;
  readonly #counts: Int32Array;
  readonly #masses: Float64Array;
  readonly #moment: number;
  readonly #sorted: (bucket: number) => Int32Array;

  /** @param counts [bucket] @param masses [bucket] @param moment Σ weight · distance @param sorted the tokens of a bucket */
  constructor(
    counts: Int32Array,
    masses: Float64Array,
    moment: number,
    weightOf: (id: number) => number,
    sorted: (bucket: number) => Int32Array,
  ) {
    this.#counts = counts;
    this.#masses = masses;
    this.#moment = moment;
    this.weightOf = weightOf;
    this.#sorted = sorted;
  }

  /** Mean of −log weight over the distribution, in nats: what the entropy exceeds the logarithm of the sum by. */
  meanDistance(): number {
    const mass = this.#masses.reduce((sum, value) => sum + value, 0);
    return mass > 0 ? this.#moment / mass : 0;
  }

  /** Weight of the first `count` tokens together. */
  massOf(count: number): number {
    let [mass, passed] = [0, 0];
    for (let bucket = 0; bucket < BUCKETS && passed < count; bucket++) {
      const tokens = this.#counts[bucket] as number;
      if (passed + tokens <= count) mass += this.#masses[bucket] as number;
      else for (const id of this.#sorted(bucket).subarray(0, count - passed)) mass += this.weightOf(id);
      passed += tokens;
    }
    return mass;
  }

  /** The smallest number of first tokens whose weight together is at least `wanted`; all where they do not reach it. */
  countReaching(wanted: number): number {
    let [mass, passed] = [0, 0];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if ((this.#counts[bucket] as number) === 0) continue;
      if (mass + (this.#masses[bucket] as number) < wanted) {
        mass += this.#masses[bucket] as number;
        passed += this.#counts[bucket] as number;
        continue;
      }
      for (const id of this.#sorted(bucket)) {
        mass += this.weightOf(id);
        passed++;
        if (mass >= wanted) return passed;
      }
    }
    return passed;
  }
}
