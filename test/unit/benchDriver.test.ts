// The benchmark's turns, figures, tables and flags. Nothing here is timed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measure, type Kind, type Result } from '../bench/measure';
import { readOptions } from '../bench/options';
import { json, printed } from '../bench/report';
import { median, sharedPrefix, speedup } from '../bench/stats';
import { figure, table } from '../bench/table';

for (const [numbers, expected] of [
  [[], NaN],
  [[7], 7],
  [[10, 9], 9.5],
  [[100, 2, 30], 30],
  [[4, 1, 3, 2], 2.5],
] as const) {
  test(`the median of ${JSON.stringify(numbers)} is ${expected}`, () => assert.equal(median(numbers), expected));
}

test('a peer that takes twice our median time makes us 2 times faster', () => {
  assert.equal(speedup([3, 1, 2], [4, 400, 1]), 2);
});

for (const [a, b, expected] of [
  [[], [1], 0],
  [[1, 2, 3], [1, 2, 4], 2],
  [[1, 2], [1, 2, 3], 2],
  [[5], [6], 0],
] as const) {
  test(`${JSON.stringify(a)} and ${JSON.stringify(b)} share ${expected}`, () =>
    assert.equal(sharedPrefix(a, b), expected));
}

for (const [value, expected] of [
  [0.12345, '0.123'],
  [12.345, '12.3'],
  [99.96, '100'],
  [1234.5, '1,235'],
  [NaN, '–'],
  [Infinity, '–'],
] as const) {
  test(`${value} is printed as ${expected}`, () => assert.equal(figure(value), expected));
}

test('a table is aligned, and short rows are filled up', () => {
  assert.equal(
    table([['what', 'ours', 'x'], ['decode', '1.5', '2×'], ['load']]),
    ['| what   | ours |   x |', '| ------ | ---: | --: |', '| decode |  1.5 |  2× |', '| load   |      |     |'].join(
      '\n',
    ),
  );
});

/** An engine that answers at once and writes down what it was asked. */
function pretender(name: string, log: string[], ms: number[]) {
  return {
    name,
    load: () => Promise.resolve({ ms: 5, facts: { version: name } }),
    forget: () => Promise.resolve(void log.push(`${name} forget`)),
    continue: (ids: readonly number[], tokens: number) => {
      log.push(`${name} ${ids.join()} +${tokens}`);
      return Promise.resolve({ tokens: Array.from({ length: tokens }, (_, i) => i), ms: ms.slice(0, tokens) });
    },
    memory: () => Promise.resolve({ resident: 2 ** 20, peak: 2 ** 21 }),
  };
}
const LOAD = { path: '', device: 'cpu', contextLength: 64, dtype: 'q8' };
const IDS = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];

for (const [only, expected] of [
  [['prefill'], ['forget', '10,11,12,13 +9']],
  [['decode'], ['10,11,12,13 +33']],
  [['keystroke'], ['10,11,12,13 +9', '10,11,12,13 +9', '10,11,12,13,14 +1', '10,11,12,13 +9', '10,11,14,15 +1']],
] as [Kind[], string[]][]) {
  test(`${only.join()}: the engines take turns within each round, at the same questions`, async () => {
    const log: string[] = [];
    const engines = ['a', 'b'].map((name) => ({ worker: pretender(name, log, [40, 1, 2, 9]), options: LOAD }));
    const results = await measure(engines, { only, contexts: [4], rounds: 2, ids: IDS }, () => undefined);
    const turns = log.slice(log.lastIndexOf('b forget', 3) + 1);
    const round = ['a', 'b'].flatMap((name) => expected.map((asked) => `${name} ${asked}`));
    assert.deepEqual(turns, [...round, ...round]);
    const times = results[0]?.contexts.get(4);
    assert.deepEqual(times?.prefill, only.includes('prefill') ? [40, 40] : []);
    assert.deepEqual(times.decode, only.includes('decode') ? [2, 2] : []);
    assert.deepEqual(times.typed, only.includes('keystroke') ? [40, 40] : []);
    assert.deepEqual(times.changed, times.typed);
  });
}

const result = (name: string, factor: number, tokens: number[]): Result => ({
  name,
  loadMs: 100 * factor,
  facts: { version: `${factor}` },
  afterLoad: { resident: factor * 2 ** 20, peak: factor * 2 ** 21 },
  afterRun: { resident: factor * 2 ** 20, peak: factor * 2 ** 21 },
  contexts: new Map([
    [512, { prefill: [500 * factor], decode: [4 * factor], typed: [3 * factor], changed: [5 * factor], tokens }],
  ]),
});
const RESULTS = [result('glassbox', 1, [1, 2, 3]), result('peer', 2, [1, 2, 4])];

test('the report gives speeds, ratios and how far the tokens agree', () => {
  const lines = printed('small', RESULTS, ['prefill', 'decode']).split('\n');
  const cells = (begin: string): string[] => {
    const line = lines.find((one) => one.startsWith(`| ${begin}`)) ?? '';
    return line
      .split('|')
      .slice(2, -1)
      .map((cell) => cell.trim());
  };
  assert.deepEqual(cells('small'), ['glassbox', 'peer', 'to peer']);
  assert.deepEqual(cells('prefill, tokens/s, at 512'), ['1,024', '512', '2×']);
  assert.deepEqual(cells('decode, ms/token, at 512'), ['4', '8', '2×']);
  assert.deepEqual(cells('one token typed'), []);
  assert.deepEqual(cells('memory at most, MiB'), ['2', '4', '2×']);
  assert.ok(lines.includes('same first greedy tokens in peer: 2 of 3 at 512'));
});

test('the JSON line has every round, medians and ratios', () => {
  const { peer } = JSON.parse(JSON.stringify(json(RESULTS))) as { peer: Record<string, unknown> };
  assert.deepEqual((peer['contexts'] as Record<string, Record<string, unknown>>)['512']?.['decode'], {
    median: 8,
    fastest: 8,
    oursIsFaster: 2,
    rounds: [8],
  });
  assert.equal(peer['loadMs'], 200);
});

test('flags are read, and defaults fill in the rest', () => {
  const options = readOptions([
    '--peers',
    'llama',
    '--contexts',
    '128,512',
    '--only',
    'decode',
    '--llama-threads',
    '1,2',
  ]);
  assert.deepEqual(options?.peers, ['llama']);
  assert.deepEqual(options.subjects, ['small', 'qwen']);
  assert.deepEqual(options.contexts, [128, 512]);
  assert.deepEqual(options.only, ['decode']);
  assert.deepEqual(options.llamaThreads, [1, 2]);
  assert.deepEqual(options.llamaFlash, ['on', 'off']);
  assert.equal(options.rounds, 5);
  assert.deepEqual(readOptions([])?.subjects, ['small']);
  assert.equal(readOptions(['--help']), undefined);
});

for (const [flag, value] of [
  ['--peers', 'ollama'],
  ['--rounds', '0'],
  ['--contexts', '128,x'],
  ['--only', 'Decode'],
] as const) {
  test(`${flag} ${value} is refused in one line that names it`, () => {
    const wrong = value.split(',').at(-1) ?? '';
    assert.throws(() => readOptions([flag, value]), new RegExp(`^RangeError: ${flag} ${wrong} [^\\n]*$`));
  });
}
