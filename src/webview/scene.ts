// What all sections are drawn from, and what they may cause. Types, and what several of them compute alike. Pure.
import { drawnByKey, type DrawnKeys } from '../attention/drawn';
import { triangleLength } from '../attention/weights';
import type { HostSources, SequenceEntry } from '../webviewProtocol';
import type { Choices } from './choices';
import { present, rowOfShown, type Shown } from './shown';
import type { Theme } from './palette';
import type { Look } from './wanted';
import { hideFirst, overHeads } from './weights';

export interface Scene extends Look {
  theme: Theme;
  entry: SequenceEntry | undefined;
  sources: HostSources | undefined;
  /** Answers are still to come: what was drawn last stays, so that nothing jumps and the focus is kept. */
  busy: boolean;
}

export interface Actions {
  readonly change: (changed: Partial<Choices>) => void;
  /** Outlines a token in the editor, and shades what it looks at; −1: none. */
  readonly point: (position: number, reveal: boolean, shares?: Uint8Array<ArrayBuffer>) => void;
  /** Measures what heads and these spans did for the token at a position. */
  readonly measure: (position: number, spans: [number, number][]) => void;
  /** Says something to screen readers. */
  readonly say: (text: string) => void;
}

let lastMean: { of: Uint16Array; mean: Float32Array<ArrayBuffer> } | undefined;

/** Mean over the heads of a row; computed once for the same row. */
function meanRow(weights: Uint16Array, keys: number): Float32Array<ArrayBuffer> {
  if (lastMean?.of !== weights) lastMean = { of: weights, mean: overHeads(weights, keys).mean };
  return lastMean.mean;
}

let lastShown: { from: Uint16Array; n: number; by: string; shown: Shown } | undefined;

/** The chosen head's map as the reader wants it; undefined while it is not here. Computed once for the same weights and choices. */
export function shownHead({ choices, inspected }: Pick<Scene, 'choices' | 'inspected'>): Shown | undefined {
  const map = inspected.heads.get(choices.layer, choices.head);
  if (!map) return undefined;
  const { scale, full, hideFirst: hides, valueWeighted, mass } = choices;
  const by = [inspected.sequence, choices.layer, choices.head, scale, full, hides, valueWeighted, mass].join();
  if (lastShown?.by !== by || lastShown.n !== map.n || lastShown.from.buffer !== map.weights.buffer) {
    const weights = map.weights.subarray(0, triangleLength(map.n));
    lastShown = {
      from: weights,
      n: map.n,
      by,
      shown: present({ n: map.n, weights, valueNorms: map.valueNorms }, choices),
    };
  }
  return lastShown.shown;
}

/** A row of weights, and what of it the first token had, which is left out. */
export interface Row {
  weights: Float32Array<ArrayBuffer>;
  hidden: number;
}

/** What shades the keys of the selected query: the chosen head's row or the mean of all heads, without the first token. */
export function shadingRow(scene: Scene): Row | undefined {
  const { choices, inspected, query } = scene;
  let weights: Float32Array<ArrayBuffer> | undefined;
  if (choices.shade === 'mean') {
    const row = inspected.rows.get(query);
    weights = row && meanRow(row.weights, query + 1).slice();
  } else {
    const shown = shownHead(scene);
    weights = shown && query < shown.n ? rowOfShown(shown, query) : undefined;
    if (shown?.hidden && weights) return { weights, hidden: shown.hidden[query] ?? 0 };
  }
  return weights && { weights, hidden: query > 0 ? hideFirst(weights) : 0 };
}

let lastDrawn: { of: Float32Array; keys: DrawnKeys } | undefined;

/** What the generated text drew from each key, without the first; undefined while it is not here. */
export function drawnKeys({ inspected: { drawn } }: Pick<Scene, 'inspected'>): DrawnKeys | undefined {
  if (!drawn || drawn.n <= drawn.from) return undefined;
  if (lastDrawn?.of !== drawn.weights)
    lastDrawn = { of: drawn.weights, keys: drawnByKey(drawn.weights, drawn.from, drawn.n, { withoutFirst: true }) };
  return lastDrawn.keys;
}
