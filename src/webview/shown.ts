// One head's map as the reader wants it: which weights count, what has full colour, what is left out. Pure; knows no element of the page.
//
// Weights come as w = 65535 · √p. What the reader can choose multiplies each weight by something of its row and something of its key, so
// the root of what is shown is w · rows[query] · keys[key] / 65535, and nothing has to be computed for each cell but that.
import { FULL, rowStart } from '../attention/weights';
import type { Choices } from './choices';
import { MassFloors } from './massFloors';
import type { Scale } from './scale';

export interface Shown {
  n: number;
  /** Lower triangle, w = 65535 · √p. */
  weights: Uint16Array;
  /** Factors of the root, [query] and [key]. */
  rows: Float32Array<ArrayBuffer>;
  keys: Float32Array<ArrayBuffer>;
  /** Root of the weight of full colour, [query]. */
  full: Float32Array<ArrayBuffer>;
  /** Root of the least weight that is drawn, [query]. */
  floors: Float32Array<ArrayBuffer>;
  /** Share of the hidden first token in each row, [query]; undefined when it is shown. */
  hidden?: Float32Array<ArrayBuffer>;
  /** First key that is shown: 1 when the first token is hidden. */
  first: 0 | 1;
  valueWeighted: boolean;
  mass: number;
  scale: Scale;
}

/** What a map is made of. */
export interface Weights {
  n: number;
  weights: Uint16Array;
  valueNorms: Float32Array;
}

/** Applies the choices to a head's weights. */
export function present(
  map: Weights,
  choices: Pick<Choices, 'scale' | 'full' | 'hideFirst' | 'valueWeighted' | 'mass'>,
): Shown {
  const { n, weights } = map;
  const { full, hideFirst, valueWeighted, mass, scale } = choices;
  const keys = new Float32Array(n).fill(1);
  if (valueWeighted) for (let key = 0; key < n; key++) keys[key] = Math.sqrt(map.valueNorms[key] ?? 0);
  const rows = new Float32Array(n).fill(1);
  const tops = new Float32Array(n);
  const hidden = new Float32Array(n);
  const firstFactor = keys[0] ?? 1;
  if (hideFirst) keys[0] = 0;
  let largest = 0;
  // With the plainest choices nothing of a row has to be known: a pass over all weights saved for each head that is stepped through.
  const looks = hideFirst || valueWeighted || full !== 'all';
  for (let query = 0; looks && query < n; query++) {
    const start = rowStart(query);
    let [sum, top] = [0, 0];
    for (let key = 0; key <= query; key++) {
      const root = (weights[start + key] as number) * (keys[key] as number);
      sum += root * root;
      if (root > top) top = root;
    }
    const first = ((weights[start] ?? 0) * firstFactor) ** 2;
    const all = hideFirst ? sum + first : sum;
    hidden[query] = all > 0 ? first / all : 0;
    if (hideFirst || valueWeighted) rows[query] = sum > 0 ? FULL / Math.sqrt(sum) : 0;
    tops[query] = (top * (rows[query] as number)) / FULL;
    largest = Math.max(largest, tops[query] as number);
  }
  const floors = new Float32Array(n);
  if (mass < 1) {
    const found = massFloors(map, keys, hideFirst, valueWeighted);
    for (let query = 0; query < n; query++) floors[query] = (found.floor(query, mass) * (rows[query] as number)) / FULL;
  }
  return {
    n,
    weights,
    rows,
    keys,
    full: full === 'row' ? tops : new Float32Array(n).fill(full === 'head' ? largest : 1),
    floors,
    first: hideFirst ? 1 : 0,
    valueWeighted,
    mass,
    scale,
    ...(hideFirst && { hidden }),
  };
}

let lastFloors: { of: Weights; hideFirst: boolean; valueWeighted: boolean; floors: MassFloors } | undefined;

/** The floors of a map; made once while a share of it is looked for. */
function massFloors(of: Weights, keys: Float32Array, hideFirst: boolean, valueWeighted: boolean): MassFloors {
  const same =
    lastFloors?.of.weights.buffer === of.weights.buffer &&
    lastFloors.of.valueNorms === of.valueNorms &&
    lastFloors.of.n === of.n &&
    lastFloors.hideFirst === hideFirst &&
    lastFloors.valueWeighted === valueWeighted;
  if (same && lastFloors) return lastFloors.floors;
  lastFloors = { of, hideFirst, valueWeighted, floors: new MassFloors(of.weights, keys) };
  return lastFloors.floors;
}

/** The shown weight of a cell. */
export function weightOf({ weights, rows, keys }: Shown, query: number, key: number): number {
  const root = ((weights[rowStart(query) + key] ?? 0) * (rows[query] ?? 0) * (keys[key] ?? 0)) / FULL;
  return root * root;
}

/** The model's own weight of a cell, whatever is shown. */
export function realWeightOf({ weights }: Shown, query: number, key: number): number {
  return ((weights[rowStart(query) + key] ?? 0) / FULL) ** 2;
}

/** The shown weights of a row, [query + 1]. */
export function rowOfShown({ weights, rows, keys }: Shown, query: number): Float32Array<ArrayBuffer> {
  const row = new Float32Array(query + 1);
  const start = rowStart(query);
  const factor = (rows[query] ?? 0) / FULL;
  for (let key = 0; key <= query; key++) {
    const root = (weights[start + key] as number) * (keys[key] as number) * factor;
    row[key] = root * root;
  }
  return row;
}
