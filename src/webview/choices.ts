// What the reader chose, as it is kept from one showing of the panel to the next. Pure; it does not know where the
// choices are stored. Read once at the start, written after every change.
import { HEAD_CLASSES } from '../attention/headClasses';
import { ZOOMS } from './layout';
import { type Scale, SCALES } from './scale';

/** The sections that can be folded, in the order of the page. */
export const SECTIONS = ['answer', 'text', 'overview', 'head', 'row', 'next', 'effects', 'lesson'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** What has full colour: the largest weight of the row, that of the head, or 100 %, the same for all heads. */
export const FULLS = ['row', 'head', 'all'] as const;
/** What shades the keys in the text: the chosen head or the mean of all. */
export const SHADES = ['head', 'mean'] as const;
/** What the answer is added up by. */
export const GROUPS = ['part', 'line', 'file'] as const;
/** Order of the overview, and what is written at each head. */
export const METRICS = ['entropy', 'sink', 'distance', 'self', 'class', 'effect'] as const;
export const SUMMARIES = ['mean', 'max', 'rollout'] as const;
/** Files that can be saved. */
export const FORMATS = ['png', 'svg', 'json', 'csv'] as const;
export type Format = (typeof FORMATS)[number];
export type Metric = (typeof METRICS)[number];

export interface Choices {
  layer: number;
  head: number;
  scale: Scale;
  full: (typeof FULLS)[number];
  /** Leave key 0 out and let the rest sum to 1. */
  hideFirst: boolean;
  /** Weights times the length of the value that they mix in. */
  valueWeighted: boolean;
  /** Of each row the largest weights that make up this share are drawn; 1: all. */
  mass: number;
  /** Edge of a cell in CSS pixels, one of ZOOMS; 0 fits. */
  zoom: number;
  /** The completion that is looked at; −1: the last. */
  sequence: number;
  /** When it was suggested, in milliseconds: it is known again by that, and so are its tokens. */
  at: number;
  /** The selected tokens; −1: the newest token goes with the text while it is written, or the panel chooses. */
  query: number;
  key: number;
  shade: (typeof SHADES)[number];
  group: (typeof GROUPS)[number];
  metric: Metric;
  /** True: heads are ordered by the metric. */
  sorted: boolean;
  /** Only heads of this class; empty: all. */
  filter: string;
  summary: (typeof SUMMARIES)[number];
  temperature: number;
  /** 0: off. */
  topK: number;
  topP: number;
  minP: number;
  open: SectionName[];
  /** The time that the last drawing took is on show. */
  footer: boolean;
}

/** What was stored, with the default for everything that is missing or not what it should be. */
export function readChoices(stored: unknown): Choices {
  const kept: Partial<Record<keyof Choices, unknown>> = typeof stored === 'object' && stored !== null ? stored : {};
  const index = (value: unknown, otherwise: number): number =>
    Number.isInteger(value) && (value as number) >= 0 ? (value as number) : otherwise;
  const within = (value: unknown, least: number, most: number, otherwise: number): number =>
    typeof value === 'number' && value >= least && value <= most ? value : otherwise;
  const oneOf = <T>(all: readonly T[], value: unknown, otherwise: T): T =>
    all.find((one) => one === value) ?? otherwise;
  const open: unknown[] | undefined = Array.isArray(kept.open) ? kept.open : undefined;
  return {
    layer: index(kept.layer, 0),
    head: index(kept.head, 0),
    scale: oneOf(SCALES, kept.scale, 'sqrt'),
    full: oneOf(FULLS, kept.full, 'all'),
    hideFirst: kept.hideFirst === true,
    valueWeighted: kept.valueWeighted === true,
    mass: within(kept.mass, 0.01, 1, 1),
    zoom: oneOf(ZOOMS, kept.zoom, 0),
    sequence: index(kept.sequence, -1),
    at: within(kept.at, 0, Number.MAX_SAFE_INTEGER, 0),
    query: index(kept.query, -1),
    key: index(kept.key, -1),
    shade: oneOf(SHADES, kept.shade, 'mean'),
    group: oneOf(GROUPS, kept.group, 'part'),
    metric: oneOf(METRICS, kept.metric, 'entropy'),
    sorted: kept.sorted === true,
    filter: oneOf(['', ...HEAD_CLASSES], kept.filter, ''),
    summary: oneOf(SUMMARIES, kept.summary, 'mean'),
    temperature: within(kept.temperature, 0, 3, 1),
    topK: within(kept.topK, 0, 1000, 0),
    topP: within(kept.topP, 0, 1, 1),
    minP: within(kept.minP, 0, 1, 0),
    open: open ? SECTIONS.filter((name) => open.includes(name)) : ['answer', 'text', 'overview', 'head'],
    footer: kept.footer === true,
  };
}
