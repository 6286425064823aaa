// Arithmetic on one row of weights, [query + 1]. Pure; knows neither tokens nor colours.
import { FULL } from '../attention/weights';

/** 1 + the number of keys, from `first` on, with more weight. */
export function rank(row: ArrayLike<number>, key: number, first: number): number {
  const own = row[key] ?? 0;
  let above = 0;
  for (let other = first; other < row.length; other++) if ((row[other] ?? 0) > own) above++;
  return above + 1;
}

/** The keys with the most weight, from `first` on, best first; at most `count`. Equal weights: nearest first. */
export function topKeys(row: ArrayLike<number>, count: number, first: number): number[] {
  const top: number[] = [];
  const at = (key: number | undefined): number => (key === undefined ? -1 : (row[key] ?? 0));
  for (let key = row.length - 1; key >= first; key--) {
    if (top.length === count && at(key) <= at(top.at(-1))) continue;
    let place = top.length;
    while (place > 0 && at(top[place - 1]) < at(key)) place--;
    top.splice(place, 0, key);
    if (top.length > count) top.pop();
  }
  return top;
}

/** The sum of those that are at least `floor`. */
export function covered(row: Iterable<number>, floor: number): number {
  let sum = 0;
  for (const weight of row) if (weight >= floor) sum += weight;
  return sum;
}

/** Each weight as a share of the largest, 0 to 255, from `first` on; for shading. */
export function sharesOf(row: ArrayLike<number>, first: number): Uint8Array<ArrayBuffer> {
  let top = 0;
  for (let key = first; key < row.length; key++) top = Math.max(top, row[key] ?? 0);
  return Uint8Array.from({ length: row.length }, (_, key) =>
    key < first || top === 0 ? 0 : Math.round((255 * (row[key] ?? 0)) / top),
  );
}

/** Mean and largest weight of each key over the heads of a row of all heads, [heads, keys] as w = 65535 · √p. */
export function overHeads(
  weights: Uint16Array,
  keys: number,
): { mean: Float32Array<ArrayBuffer>; max: Float32Array<ArrayBuffer> } {
  const mean = new Float32Array(keys);
  const max = new Float32Array(keys);
  const heads = Math.max(1, Math.floor(weights.length / Math.max(1, keys)));
  const factor = 1 / (FULL * FULL);
  for (let head = 0; head < heads; head++) {
    const start = head * keys;
    for (let key = 0; key < keys; key++) {
      const w = weights[start + key] as number;
      const p = w * w * factor;
      mean[key] = (mean[key] as number) + p / heads;
      if (p > (max[key] as number)) max[key] = p;
    }
  }
  return { mean, max };
}

/** Leaves key 0 out and lets the rest sum to 1. @returns what it had as a share of all */
export function hideFirst(row: Float32Array): number {
  let sum = 0;
  for (const weight of row) sum += weight;
  const first = row[0] ?? 0;
  const rest = sum - first;
  for (let key = 0; key < row.length; key++) row[key] = key > 0 && rest > 0 ? (row[key] as number) / rest : 0;
  return sum > 0 ? first / sum : 0;
}
