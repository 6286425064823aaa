// Arithmetic on the weights of one head, [query, key] row-major with n × n entries, of which only key ≤ query count.
// Pure; knows neither tokens nor colours. Called when a map arrives and when the selected row changes.

export interface WithoutFirst {
  /** The weights with key 0 at zero and every row scaled to sum to 1 again, [query, key]. */
  weights: Float32Array<ArrayBuffer>;
  /** What key 0 had in each row, [query]. */
  hidden: Float32Array<ArrayBuffer>;
}

/** Takes key 0, the attention sink, out of every row. A row that gave everything to it becomes zero. */
export function withoutFirst(weights: Float32Array, n: number): WithoutFirst {
  const rest = new Float32Array(n * n);
  const hidden = new Float32Array(n);
  for (let query = 0; query < n; query++) {
    const row = query * n;
    hidden[query] = weights[row] ?? 0;
    let sum = 0;
    for (let key = 1; key <= query; key++) sum += weights[row + key] ?? 0;
    if (sum <= 0) continue;
    for (let key = 1; key <= query; key++) rest[row + key] = (weights[row + key] ?? 0) / sum;
  }
  return { weights: rest, hidden };
}

/** Mean over the rows that have another key to look at than the first; 0 when there is none. */
export function meanHidden(hidden: Float32Array): number {
  let sum = 0;
  for (let query = 1; query < hidden.length; query++) sum += hidden[query] ?? 0;
  return hidden.length > 1 ? sum / (hidden.length - 1) : 0;
}

/** The largest weight of each row, [query]. */
export function rowTops(weights: Float32Array, n: number): Float32Array<ArrayBuffer> {
  const tops = new Float32Array(n);
  for (let query = 0; query < n; query++) {
    let top = 0;
    for (let key = 0; key <= query; key++) top = Math.max(top, weights[query * n + key] ?? 0);
    tops[query] = top;
  }
  return tops;
}

/** Largest distance of a row's sum from 1: how exact the weights are. */
export function sumError(weights: Float32Array, n: number): number {
  let worst = 0;
  for (let query = 0; query < n; query++) {
    let sum = 0;
    for (let key = 0; key <= query; key++) sum += weights[query * n + key] ?? 0;
    worst = Math.max(worst, Math.abs(sum - 1));
  }
  return worst;
}

/** 1 + the number of keys, from `first` on, with more weight in this row. */
export function rank(weights: Float32Array, n: number, query: number, key: number, first: number): number {
  const own = weights[query * n + key] ?? 0;
  let above = 0;
  for (let other = first; other <= query; other++) if ((weights[query * n + other] ?? 0) > own) above++;
  return above + 1;
}

/** The keys of a row with the most weight, from `first` on, best first; at most `count`. Equal weights: nearest first. */
export function topKeys(weights: Float32Array, n: number, query: number, count: number, first: number): number[] {
  const top: number[] = [];
  const at = (key: number | undefined): number => (key === undefined ? -1 : (weights[query * n + key] ?? 0));
  for (let key = query; key >= first; key--) {
    if (top.length === count && at(key) <= at(top.at(-1))) continue;
    let place = top.length;
    while (place > 0 && at(top[place - 1]) < at(key)) place--;
    top.splice(place, 0, key);
    if (top.length > count) top.pop();
  }
  return top;
}
