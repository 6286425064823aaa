// Recorded bursts → a table and one JSON object.

import { figure, table } from '../table';
import type { RecordedBurst } from './burst';
import type { Recorded } from './inside';
import { judge, type Answer, type Verdict } from './judge';

const SHARES = [0.5, 0.9, 0.99];
const SOURCES: readonly Answer['from'][] = ['memory', 'running', 'model'];

/** The smallest of the numbers that a share `q` in (0, 1] of them does not exceed; NaN where there is none. */
export function quantile(numbers: readonly number[], q: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}

/**
 * @returns `text` for people; `json` with every figure; `good`: no key was dropped, and no suggestion flickered or was stale
 */
export function report(
  { version, bursts, blocks }: Recorded,
  keysPerSecond: number,
): { text: string; json: object; good: boolean } {
  const judged = bursts.map((burst) => ({ burst, verdict: judge(burst) }));
  const sides = [true, false].map((enabled) => blocks.filter((block) => block.enabled === enabled));
  const columns = judged.map(({ burst, verdict }) => summary(burst, verdict));
  const names = Object.keys(columns[0] ?? {});
  const parts = [
    `VS Code ${version}, ${keysPerSecond} keys a second; times in ms: p50 / p90 / p99`,
    table([
      ['', ...judged.map(({ burst }) => burst.language)],
      ...names.map((name) => [name, ...columns.map((column) => show(column[name]))]),
    ]),
  ];
  const [on = {}, off = {}] = sides.map(typing);
  if (blocks.length > 0) {
    const ratio = (name: string): string => {
      const [a, b] = [on[name] ?? [], off[name] ?? []].map((value) => (Array.isArray(value) ? value : [value]));
      return (a ?? []).map((x, i) => figure(x / (b?.[i] ?? NaN))).join(' / ');
    };
    parts.push(
      table([
        [`the same, in ${blocks.length} blocks`, 'on', 'off', 'on/off'],
        ...Object.keys(on).map((name) => [name, show(on[name]), show(off[name]), name === 'keys' ? '' : ratio(name)]),
      ]),
    );
  }
  const faults = judged.flatMap(({ burst, verdict }) => faultsOf(burst.language, verdict));
  if (faults.length > 0) parts.push(faults.slice(0, 20).join('\n'));
  const all = [...judged.map(({ verdict }) => verdict), ...blocks.map(judge)];
  return {
    text: parts.join('\n\n'),
    json: {
      version,
      keysPerSecond,
      languages: Object.fromEntries(judged.map(({ burst }, i) => [burst.language, columns[i]])),
      ...(blocks.length > 0 ? { on, off } : {}),
    },
    good: all.every(({ dropped, flickers, stale }) => dropped === 0 && flickers.length === 0 && stale.length === 0),
  };
}

type Figures = Record<string, number | number[]>;

function show(value: number | number[] | undefined): string {
  return Array.isArray(value) ? value.map(figure).join(' / ') : figure(value ?? NaN);
}

/** Three percentiles, rounded to a tenth. */
function percentiles(ms: readonly number[]): number[] {
  return SHARES.map((q) => Math.round(quantile(ms, q) * 10) / 10);
}

function per100(seconds: number | undefined, keys: number): number {
  return seconds === undefined ? NaN : Math.round((seconds / keys) * 1e5) / 1000;
}

function summary(burst: RecordedBurst, verdict: Verdict): Figures {
  const { typed, asked, engineSeconds, hostSeconds, keys } = burst;
  const count = typed.length;
  const times = Object.values(verdict.ghostMs);
  const gaps = keys.slice(1).map((key, i) => key - (keys[i] as number));
  return {
    keys: count,
    'keys dropped': verdict.dropped,
    flickers: verdict.flickers.length,
    'stale frames': verdict.stale.length,
    'suggestions cut while typed': verdict.shrinks,
    'unread frames': verdict.unread.length,
    'keys with ghost text, %': Math.round((100 * times.flat().length) / count),
    ...Object.fromEntries(
      SOURCES.flatMap((from): [string, number | number[]][] => [
        [`ghost text from ${from}, keys`, verdict.ghostMs[from].length],
        [`key to ghost text from ${from}`, percentiles(verdict.ghostMs[from])],
      ]),
    ),
    'key to ghost text, all': percentiles(times.flat()),
    'key to its character': percentiles(verdict.echoMs),
    'key to key': percentiles(gaps),
    'times the model was asked': asked,
    'engine, CPU s per 100 keys': per100(engineSeconds, count),
    'extension host, CPU s per 100 keys': per100(hostSeconds, count),
  };
}

/** What typing costs, of several bursts together. */
function typing(bursts: RecordedBurst[]): Figures {
  const keys = bursts.reduce((sum, { typed }) => sum + typed.length, 0);
  const seconds = (of: 'engineSeconds' | 'hostSeconds'): number =>
    per100(
      bursts.reduce((sum, burst) => sum + (burst[of] ?? NaN), 0),
      keys,
    );
  return {
    keys,
    'key to its character': percentiles(bursts.flatMap((burst) => judge(burst).echoMs)),
    'engine, CPU s per 100 keys': seconds('engineSeconds'),
    'extension host, CPU s per 100 keys': seconds('hostSeconds'),
  };
}

/** Each fault in a line, for whoever looks for its cause; of the frames that could not be read, some. */
export function faultsOf(name: string, { dropped, flickers, stale, unread }: Verdict): string[] {
  return [
    ...(dropped > 0 ? [`${name}: ${dropped} keys dropped`] : []),
    ...flickers.map(
      ({ from, to, ms, before, between, after }) =>
        `${name}: flicker after ${from} to ${to} keys, ${figure(ms)} ms: ${[before, ...between, after].map((text) => JSON.stringify(text)).join(' → ')}`,
    ),
    ...stale.map(({ count, ghost }) => `${name}: stale after ${count} keys: ${JSON.stringify(ghost)}`),
    ...unread.slice(0, 3).map((frame) => `${name}: not read: ${JSON.stringify(frame)}`),
  ];
}
