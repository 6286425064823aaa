// What is counted of suggestions: sums, percentiles against a sorted list, days, the file between windows, damaged files.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Statistics } from '../../src/extension/statistics';
import { report } from '../../src/extension/statisticsReport';
import { count, DAYS, noTally, percentile, readTally, type Histogram } from '../../src/extension/tally';

const root = mkdtempSync(join(tmpdir(), 'glassbox-statistics-'));
after(() => rmSync(root, { recursive: true, force: true }));

let now = new Date(2026, 0, 31, 12);
const problems: string[] = [];
const open = (name: string): Statistics =>
  new Statistics({ dir: join(root, name), log: (line) => problems.push(line), now: () => now });
const shown = { characters: 10, ms: 50, from: 'model' } as const;

test('percentiles are those of the sorted list, to the width of a bucket', () => {
  const histogram: Histogram = {};
  const all: number[] = [];
  let state = 1;
  for (let i = 0; i < 5000; i++) {
    state = (state * 48271) % 2147483647;
    const ms = 2 ** ((state / 2147483647) * 15);
    all.push(ms);
    count(histogram, ms);
  }
  all.sort((a, b) => a - b);
  for (const q of [0.001, 0.1, 0.5, 0.9, 0.99, 1]) {
    const right = all[Math.ceil(q * all.length) - 1] as number;
    const found = percentile(histogram, q) as number;
    assert.ok(Math.abs(found / right - 1) < 0.046, `${q}: ${found} for ${right}`);
  }
  assert.ok(Object.keys(histogram).length <= 129);
});

test('latencies outside the buckets count in the outermost', () => {
  const histogram: Histogram = {};
  for (const ms of [0, 0.2, 1e9]) count(histogram, ms);
  assert.deepEqual(Object.values(histogram), [2, 1]);
  assert.equal(percentile({}, 0.5), undefined);
});

test('a suggestion accepted word by word is accepted once; every key is counted', () => {
  const statistics = open('words');
  statistics.shown(shown);
  for (const characters of [3, 3, 4]) statistics.accepted(characters);
  statistics.typed(5);
  statistics.shown({ ...shown, from: 'memory' });
  const { total } = statistics.tally;
  assert.deepEqual(
    [total.shown, total.accepted, total.keys, total.shownCharacters, total.acceptedCharacters, total.typedCharacters],
    [2, 1, 3, 20, 10, 5],
  );
  statistics.dispose();
});

test('two windows write one file and lose nothing; the next start goes on from there', () => {
  const [one, two] = [open('windows'), open('windows')];
  one.shown(shown);
  two.shown(shown);
  two.typed(7);
  one.dispose();
  two.dispose();
  const next = open('windows');
  assert.equal(next.tally.total.shown, 2);
  assert.equal(next.tally.total.typedCharacters, 7);
  assert.equal(next.tally.days['2026-01-31']?.shown, 2);
  assert.deepEqual(readdirSync(join(root, 'windows')), ['statistics.json']);
});

test('days are kept for a month, the total for ever, and the file stays small', () => {
  const statistics = open('days');
  for (let day = 0; day < 100; day++) {
    now = new Date(2026, 0, 1 + day, 12);
    for (let i = 0; i < 2000; i++) statistics.shown({ ...shown, ms: i * i });
    statistics.save();
  }
  const { total, days } = statistics.tally;
  assert.equal(total.shown, 200_000);
  assert.equal(Object.keys(days).length, DAYS);
  assert.equal(Object.keys(days).at(-1), '2026-04-10');
  assert.ok(statSync(join(root, 'days', 'statistics.json')).size < 100_000);
});

test('erased is erased, on disk too', () => {
  const statistics = open('erase');
  statistics.shown(shown);
  statistics.save();
  statistics.typed(1);
  statistics.erase();
  statistics.save();
  assert.deepEqual(statistics.tally, noTally());
  assert.deepEqual(readdirSync(join(root, 'erase')), []);
});

const DAMAGED: [what: string, text: string][] = [
  ['nothing', ''],
  ['half a file', '{"total":{"shown":1'],
  ['a list', '[]'],
  ['null', 'null'],
  ['negative numbers', JSON.stringify(noTally()).replace('"shown":0', '"shown":-1')],
  ['text for a number', JSON.stringify(noTally()).replace('"shown":0', '"shown":"1"')],
  ['an unknown bucket', JSON.stringify(noTally()).replace('"memory":{}', '"memory":{"4096":1}')],
  ['a day that is none', JSON.stringify({ ...noTally(), days: { __proto__x: noTally().total } })],
];
for (const [what, text] of DAMAGED) {
  test(`a file with ${what} is not believed; counting starts anew`, () => {
    assert.equal(readTally(text), undefined);
    const statistics = open(what);
    statistics.shown(shown);
    statistics.save();
    writeFileSync(join(root, what, 'statistics.json'), text);
    statistics.typed(3);
    statistics.dispose();
    assert.equal(open(what).tally.total.typedCharacters, 3);
  });
}

test('a folder that cannot be written is said in the log and loses nothing', () => {
  writeFileSync(join(root, 'file'), '');
  const statistics = open('file/folder');
  statistics.typed(4);
  statistics.save();
  assert.equal(problems.length, 1);
  assert.match(problems[0] as string, /^statistics: /);
  assert.equal(statistics.tally.total.typedCharacters, 4);
});

test('the report has the figures, in straight columns', () => {
  now = new Date(2026, 0, 31, 12);
  const statistics = open('report');
  for (let i = 0; i < 4; i++) statistics.shown({ characters: 1000, ms: 100, from: 'model' });
  statistics.accepted(1000);
  statistics.typed(3000);
  const text = report(statistics.tally, now, 'en');
  assert.match(text, /\| Acceptance rate +\| +25% \| +25% \| +25% \|/);
  assert.match(text, /\| Keys saved +\| +999 \|/);
  assert.match(text, /\| Written by suggestions +\| +25% \|/);
  assert.match(text, /\| Asked of the model \| +4 \| +103 \| +103 \| +103 \|/);
  assert.match(text, /\| 2026-01-31 \| +4 \| +1 \|/);
  for (const block of text.split('\n\n').filter((part) => part.startsWith('|')))
    assert.equal(new Set(block.split('\n').map((line) => line.length)).size, 1, block);
  statistics.dispose();
  assert.ok(readFileSync(join(root, 'report', 'statistics.json'), 'utf8').includes('2026-01-31'));
});
