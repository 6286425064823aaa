// What the reader chose, as it is kept from one showing of the panel to the next. Pure; it does not know where the
// choices are stored. Read once at the start, written by main.ts after every change.
import { ZOOMS } from './layout';
import { type Scale, SCALES } from './scale';

export interface Choices {
  layer: number;
  head: number;
  scale: Scale;
  /** Full colour at the largest weight of each row, instead of at 100 %. */
  perRow: boolean;
  /** Leave key 0 out and let the rest sum to 1. */
  hideFirst: boolean;
  /** Edge of a cell in CSS pixels, one of ZOOMS; 0 fits. */
  zoom: number;
  /** The selected cell; -1 lets the panel choose. */
  query: number;
  key: number;
}

/** What was stored, with the default for everything that is missing or not what it should be. */
export function readChoices(stored: unknown): Choices {
  const kept: Partial<Record<keyof Choices, unknown>> = typeof stored === 'object' && stored !== null ? stored : {};
  const index = (value: unknown, otherwise: number): number =>
    Number.isInteger(value) && (value as number) >= 0 ? (value as number) : otherwise;
  return {
    layer: index(kept.layer, 0),
    head: index(kept.head, 0),
    scale: SCALES.find((scale) => scale === kept.scale) ?? 'sqrt',
    perRow: kept.perRow === true,
    hideFirst: kept.hideFirst === true,
    zoom: ZOOMS.find((zoom) => zoom === kept.zoom) ?? 0,
    query: index(kept.query, -1),
    key: index(kept.key, -1),
  };
}
