// What is counted of suggestions, and how latencies are kept in bounded space. Pure values; statistics.ts stores them.

/** Milliseconds by bucket: how many lay in [2^(b/8), 2^((b+1)/8)). Sparse, at most 129 entries, however much is counted. */
export type Histogram = Record<number, number>;

/** Counts of some time; lengths are in UTF-16 units. */
export interface Counts {
  /** Suggestions shown; one that is typed through counts once. */
  shown: number;
  /** Suggestions of which at least a part was accepted. */
  accepted: number;
  /** Presses of a key that accepted a whole suggestion or a part. */
  keys: number;
  /** Characters of all suggestions shown, accepted, and typed by hand. */
  shownCharacters: number;
  acceptedCharacters: number;
  typedCharacters: number;
  /** From the key to the answer, where it was known already, and where the model was asked. */
  memory: Histogram;
  model: Histogram;
}

/** By day, as YYYY-MM-DD in local time, and in all. */
export interface Tally {
  total: Counts;
  days: Record<string, Counts>;
}

/** Days that are kept one by one. */
export const DAYS = 30;

const PER_OCTAVE = 8;
/** The last bucket also takes what is slower: 2^16 ms are 65 seconds. */
const LAST = 16 * PER_OCTAVE;

export function noCounts(): Counts {
  const numbers = { shown: 0, accepted: 0, keys: 0, shownCharacters: 0, acceptedCharacters: 0, typedCharacters: 0 };
  return { ...numbers, memory: {}, model: {} };
}

export function noTally(): Tally {
  return { total: noCounts(), days: {} };
}

/** Counts one latency, in milliseconds; below 1 ms counts as 1. */
export function count(histogram: Histogram, ms: number): void {
  const bucket = Math.min(LAST, Math.max(0, Math.floor(Math.log2(Math.max(1, ms)) * PER_OCTAVE)));
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

/**
 * The latency, in milliseconds, that a share `q` in (0, 1] of all did not exceed: the middle, in ratio, of the bucket in which it lies,
 * so at most 4.5 % away from the truth. Undefined where nothing was counted.
 */
export function percentile(histogram: Histogram, q: number): number | undefined {
  const buckets = Object.entries(histogram).sort(([a], [b]) => Number(a) - Number(b));
  let left = Math.ceil(q * buckets.reduce((sum, [, n]) => sum + n, 0));
  for (const [bucket, n] of buckets) {
    left -= n;
    if (left <= 0) return 2 ** ((Number(bucket) + 0.5) / PER_OCTAVE);
  }
  return undefined;
}

/** The sum of counts, in new objects. */
export function sum(all: readonly Counts[]): Counts {
  const result = noCounts();
  for (const counts of all) {
    for (const key of NUMBERS) result[key] += counts[key];
    for (const key of HISTOGRAMS)
      for (const [bucket, n] of Object.entries(counts[key]))
        result[key][Number(bucket)] = (result[key][Number(bucket)] ?? 0) + n;
  }
  return result;
}

/** Two tallies in one, with the newest days alone. */
export function join(a: Tally, b: Tally): Tally {
  const names = [...new Set([...Object.keys(a.days), ...Object.keys(b.days)])].sort().slice(-DAYS);
  const day = (name: string): Counts => sum([a.days[name] ?? noCounts(), b.days[name] ?? noCounts()]);
  return { total: sum([a.total, b.total]), days: Object.fromEntries(names.map((name) => [name, day(name)])) };
}

/** A tally out of a file, or undefined where it is none: nothing of a damaged file is believed. */
export function readTally(text: string): Tally | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || !isCounts(value['total']) || !isObject(value['days'])) return undefined;
  const days = Object.entries(value['days']);
  if (!days.every(([name, counts]) => /^\d{4}-\d\d-\d\d$/.test(name) && isCounts(counts))) return undefined;
  return join(value as unknown as Tally, noTally());
}

/** The day of a moment in local time, as YYYY-MM-DD. */
export function dayOf(now: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

const HISTOGRAMS = ['memory', 'model'] as const;
const NUMBERS = ['shown', 'accepted', 'keys', 'shownCharacters', 'acceptedCharacters', 'typedCharacters'] as const;

function isCounts(value: unknown): value is Counts {
  if (!isObject(value)) return false;
  const isHistogram = (histogram: unknown): boolean =>
    isObject(histogram) &&
    Object.entries(histogram).every(([bucket, n]) => /^\d+$/.test(bucket) && Number(bucket) <= LAST && isCount(n));
  return NUMBERS.every((key) => isCount(value[key])) && HISTOGRAMS.every((key) => isHistogram(value[key]));
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
