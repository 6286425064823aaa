// Results as tables for people and as one object for programs.

import type { Kind, Result, Times } from './measure';
import { median, sharedPrefix, speedup } from './stats';
import { figure, table } from './table';

/** A line of a table: how its figure comes out of a round's times, and which is better. */
interface Line {
  kind: Kind;
  title: string;
  times: (times: Times) => readonly number[];
  figure: (ms: number, context: number) => number;
}
const LINES: readonly Line[] = [
  {
    kind: 'prefill',
    title: 'prefill, tokens/s',
    times: (t) => t.prefill,
    figure: (ms, context) => (context / ms) * 1000,
  },
  { kind: 'decode', title: 'decode, ms/token', times: (t) => t.decode, figure: (ms) => ms },
  { kind: 'keystroke', title: 'one token typed, ms', times: (t) => t.typed, figure: (ms) => ms },
  { kind: 'keystroke', title: 'last word changed, ms', times: (t) => t.changed, figure: (ms) => ms },
];
/** Greedy tokens that are compared. */
const COMPARED = 16;
const MIB = 1024 * 1024;

/** The table of a subject, and what goes with it. @param engines ours first */
export function printed(subject: string, engines: readonly Result[], only: readonly Kind[]): string {
  const [ours, ...peers] = engines as [Result, ...Result[]];
  const rows = LINES.filter(({ kind }) => only.includes(kind)).flatMap((line) =>
    [...ours.contexts.keys()].map((context) => {
      const of = (result: Result): readonly number[] => line.times(timesAt(result, context));
      return [
        `${line.title}, at ${context}`,
        ...engines.map((result) => figure(line.figure(median(of(result)), context))),
        ...peers.map((result) => `${figure(speedup(of(ours), of(result)))}×`),
      ];
    }),
  );
  const once = (title: string, value: (result: Result) => number): string[] => [
    title,
    ...engines.map((result) => figure(value(result))),
    ...peers.map((result) => `${figure(value(result) / value(ours))}×`),
  ];
  return [
    table([
      [subject, ...engines.map(({ name }) => name), ...peers.map(({ name }) => `to ${name}`)],
      ...rows,
      once('load, ms', (r) => r.loadMs),
      once('memory after load, MiB', (r) => r.afterLoad.resident / MIB),
      once('memory after the run, MiB', (r) => r.afterRun.resident / MIB),
      once('memory at most, MiB', (r) => r.afterRun.peak / MIB),
    ]),
    '',
    ...engines.map(({ name, facts }) => `${name}: ${JSON.stringify(facts)}`),
    ...peers.map((peer) => agreement(ours, peer)),
  ].join('\n');
}

/** How many of the first greedy tokens are ours, by context. A difference is no failure: rounding differs. */
function agreement(ours: Result, peer: Result): string {
  const same = [...ours.contexts].map(([context, { tokens }]) => {
    const own = tokens.slice(0, COMPARED);
    const theirs = timesAt(peer, context).tokens;
    return `${sharedPrefix(own, theirs)} of ${own.length} at ${context}`;
  });
  return `same first greedy tokens in ${peer.name}: ${same.join(', ')}`;
}

/** The same for programs: every round's milliseconds, their medians, and the ratios. @param engines ours first */
export function json(engines: readonly Result[]): object {
  const [ours] = engines as [Result, ...Result[]];
  return Object.fromEntries(
    engines.map(({ name, contexts, ...rest }) => [
      name,
      {
        ...rest,
        contexts: Object.fromEntries(
          [...contexts].map(([context, times]) => [context, atContext(timesAt(ours, context), times)]),
        ),
      },
    ]),
  );
}

function atContext(own: Times, times: Times): object {
  const kinds = (['prefill', 'decode', 'typed', 'changed'] as const).filter((kind) => times[kind].length > 0);
  const summary = kinds.map((kind) => [
    kind,
    {
      median: median(times[kind]),
      fastest: Math.min(...times[kind]),
      oursIsFaster: speedup(own[kind], times[kind]),
      rounds: times[kind],
    },
  ]);
  return { ...Object.fromEntries(summary), tokens: times.tokens.slice(0, COMPARED) } as object;
}

function timesAt({ contexts }: Result, context: number): Times {
  return contexts.get(context) as Times;
}
