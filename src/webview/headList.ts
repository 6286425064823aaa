// The heads of a model with class and metric, in the order the reader wants. Pure.
import { chanceLevels, classify, HEAD_CLASSES, type HeadClass } from '../attention/headClasses';
import { patterns } from '../attention/patterns';
import type { EffectsAnswer, OverviewAnswer } from '../inspectionProtocol';
import type { Choices, Metric } from './choices';
import type { Inspected } from './inspected';

export interface HeadEntry {
  layer: number;
  head: number;
  /** layer · heads + head */
  index: number;
  class: HeadClass | undefined;
  /** The chosen metric; undefined where it is not known. */
  value: number | undefined;
}

let lastChance: { of: Inspected; n: number; levels: Float32Array } | undefined;

/** By class: what looking everywhere alike would score in this text. */
function chanceIn(inspected: Inspected): Float32Array {
  const n = inspected.tokens.length;
  // Chance changes slowly: while the text is written it is computed again for every eighth longer text only.
  if (lastChance?.of !== inspected || n > lastChance.n * 1.125 || (inspected.finished && n !== lastChance.n))
    lastChance = { of: inspected, n, levels: chanceLevels(patterns(inspected.tokens)) };
  return lastChance.levels;
}

/** Class of each head, [layer · head]. */
export function classesOf(inspected: Inspected, { figures }: OverviewAnswer): (HeadClass | undefined)[] {
  const chance = chanceIn(inspected);
  const count = figures.classes.length / HEAD_CLASSES.length;
  return Array.from({ length: count }, (_, index) => classify(figures.classes, index * HEAD_CLASSES.length, chance));
}

/** The metric of a head. */
export function metricOf(
  metric: Metric,
  { figures }: OverviewAnswer,
  effects: EffectsAnswer | undefined,
  index: number,
  own: HeadClass | undefined,
): number | undefined {
  if (metric === 'effect') return effects?.heads[index];
  if (metric !== 'class') return figures[metric][index];
  return own && figures.classes[index * HEAD_CLASSES.length + HEAD_CLASSES.indexOf(own)];
}

/** The heads that are shown, in order: by place, or by the metric, the largest first; heads without it last. */
export function headList(
  inspected: Inspected,
  overview: OverviewAnswer,
  effects: EffectsAnswer | undefined,
  choices: Pick<Choices, 'metric' | 'sorted' | 'filter'>,
): HeadEntry[] {
  const { heads } = inspected.facts.shape;
  const entries = classesOf(inspected, overview).map((own, index): HeadEntry => ({
    layer: Math.floor(index / heads),
    head: index % heads,
    index,
    class: own,
    value: metricOf(choices.metric, overview, effects, index, own),
  }));
  const shown = choices.filter === '' ? entries : entries.filter((entry) => entry.class === choices.filter);
  if (choices.sorted) shown.sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity) || a.index - b.index);
  return shown;
}

/** How the overview lies: cells of equal size, in rows. */
export interface Flow {
  columns: number;
  /** Edge of a picture; width and height of a cell with its text and gaps, in CSS pixels. */
  edge: number;
  width: number;
  height: number;
  /** Room at the left and on top for the names of layers and heads; 0 where heads are not in their places. */
  left: number;
  top: number;
  /** Gap before each group of heads that share keys and values. */
  gap: number;
  group: number;
}

const TEXT = 14;
const PAD = 6;

/**
 * Lays out the overview.
 * @param inPlace true: a row is a layer
 * @param group heads that share keys and values
 */
export function flow(count: number, heads: number, group: number, width: number, inPlace: boolean): Flow {
  const left = inPlace ? 28 : 0;
  const gap = inPlace && group > 1 ? 6 : 0;
  const groups = inPlace ? Math.ceil(heads / Math.max(1, group)) : 0;
  const room = Math.max(60, width - left - groups * gap);
  const columns = inPlace ? heads : Math.max(1, Math.min(count, Math.floor(room / 70)));
  const edge = Math.max(32, Math.min(96, Math.floor(room / Math.max(1, columns)) - PAD));
  return {
    columns,
    edge,
    width: edge + PAD,
    height: edge + TEXT + PAD,
    left,
    top: inPlace ? 22 : 0,
    gap,
    group: Math.max(1, group),
  };
}

/** Upper left corner of the cell at a place in the order. */
export function cornerOf(
  { columns, width, height, left, top, gap, group }: Flow,
  at: number,
): { x: number; y: number } {
  const column = at % columns;
  const gaps = gap === 0 ? 0 : Math.floor(column / group) * gap;
  return { x: left + column * width + gaps, y: top + Math.floor(at / columns) * height };
}

/** The place in the order under a point; undefined where there is none. */
export function placeAt(flowing: Flow, count: number, x: number, y: number): number | undefined {
  for (let at = 0; at < count; at++) {
    const corner = cornerOf(flowing, at);
    if (x >= corner.x && x < corner.x + flowing.width && y >= corner.y && y < corner.y + flowing.height) return at;
  }
  return undefined;
}

/** Where a key press goes from a place in the order; undefined: nowhere. */
export function placeKey(key: string, at: number, columns: number, count: number): number | undefined {
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -4 * columns, PageDown: 4 * columns }[key]; // prettier-ignore
  if (by !== undefined) return at + by >= 0 && at + by < count ? at + by : at;
  if (key === 'Home') return 0;
  return key === 'End' ? count - 1 : undefined;
}
