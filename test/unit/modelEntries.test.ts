// What the list of models says and does, in every situation it can be opened in.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readCatalog } from '../../src/catalog/entry';
import { modelEntries, type Choice, type ModelFacts } from '../../src/extension/models/entries';
import { bytesInWords, parametersInWords, timeInWords } from '../../src/extension/models/sizes';

const catalog = readCatalog(readFileSync('models/catalog.json', 'utf8'));
const SMALL = 'Qwen/Qwen2.5-Coder-0.5B';
const stored = { dir: '/store/qwen', name: SMALL, revision: 'abcdef0123456789', bytes: 373e6 };
const usual: ModelFacts = {
  inUse: '',
  shippedBytes: 5e6,
  stored: [],
  partial: [],
  catalog,
  machine: { memoryBytes: 8e9, bytesPerSecond: 40e9 },
  measuring: false,
};

/** What the list shows in a group, and what each entry says. */
function groups(facts: ModelFacts): Map<string, { label: string; said: string; choice: Choice; removes?: string }[]> {
  const found = new Map<string, { label: string; said: string; choice: Choice; removes?: string }[]>();
  let group: { label: string; said: string; choice: Choice; removes?: string }[] = [];
  for (const { label, description = '', detail = '', choice, removes } of modelEntries(facts)) {
    if (choice === undefined) found.set(label, (group = []));
    else group.push({ label, said: `${description} ${detail}`, choice, ...(removes === undefined ? {} : { removes }) });
  }
  return found;
}

test('every model of the list is there once, in the group that it belongs to', () => {
  const all = groups(usual);
  const offered = [...(all.get('Suits this machine') ?? []), ...(all.get('Too slow or too large for this machine') ?? [])]; // prettier-ignore
  assert.deepEqual(
    offered.map(({ choice }) => (choice.kind === 'fetch' ? choice.name : '')).sort(),
    catalog.map(({ name }) => name).sort(),
  );
  for (const { label, said } of all.get('Too slow or too large for this machine') ?? []) {
    assert.match(label, /^\$\(warning\) /);
    assert.match(said, /too large|slow/);
  }
});

test('the recommended one comes first, says so, and says what it takes', () => {
  const [first] = groups(usual).get('Suits this machine') ?? [];
  assert.deepEqual(first?.choice, { kind: 'fetch', name: SMALL, weights: 'safetensors' });
  assert.match(first.label, /^\$\(star-full\) /);
  assert.match(first.said, /recommended for this machine .*1\.0 GB to download · 884 MB of memory · 16 ms a token · fills in the middle · 494 million parameters · 32,768 tokens of context · apache-2\.0/); // prettier-ignore
});

test('a machine that has not been measured gets no times', () => {
  for (const [, entries] of groups({ ...usual, machine: { memoryBytes: 8e9 } }))
    for (const { said } of entries) assert.doesNotMatch(said, /ms a token/);
});

test('while the machine is measured nothing is recommended, and nothing said to suit it', () => {
  const all = groups({ ...usual, machine: { memoryBytes: 8e9 }, measuring: true });
  assert.ok(all.has('Measuring how fast this machine is…'));
  assert.ok(!all.has('Suits this machine'));
  for (const [, entries] of all)
    for (const { label, said } of entries) assert.doesNotMatch(`${label} ${said}`, /star-full|recommended/);
});

test('what was downloaded is on this machine, can be used and removed, and is not offered again', () => {
  const all = groups({ ...usual, stored: [stored], inUse: stored.dir });
  const here = all.get('On this machine') ?? [];
  assert.deepEqual(here.map(({ choice }) => choice), [{ kind: 'use', dir: '' }, { kind: 'use', dir: stored.dir }]); // prettier-ignore
  assert.match(here[1]?.label ?? '', /^\$\(check\) Qwen2\.5-Coder 0\.5B$/);
  assert.match(here[1]?.said ?? '', /373 MB .* abcdef0/);
  assert.equal(here[1]?.removes, stored.dir);
  assert.equal(here[0]?.removes, undefined);
  for (const [, entries] of all)
    for (const { choice } of entries) assert.ok(choice.kind !== 'fetch' || choice.name !== SMALL);
});

test('one model is marked as in use, and only one', () => {
  for (const inUse of ['', stored.dir, '/somewhere/else']) {
    const marked = [...groups({ ...usual, stored: [stored], inUse }).values()].flat().filter(({ label }) => label.startsWith('$(check)')); // prettier-ignore
    assert.deepEqual(marked.map(({ choice }) => choice), [{ kind: 'use', dir: inUse }]); // prettier-ignore
  }
});

test('what was begun can be gone on with, or removed', () => {
  const [begun] = groups({ ...usual, partial: [{ name: SMALL, bytes: 5e8, dir: '/store/.partial/q', whole: false }] }).get('Begun') ?? []; // prettier-ignore
  assert.deepEqual(begun?.choice, { kind: 'fetch', name: SMALL });
  assert.match(begun.said, /500 MB are here/);
  assert.equal(begun.removes, '/store/.partial/q');
});

test('what was downloaded and not built is built', () => {
  const [begun] = groups({ ...usual, partial: [{ name: SMALL, bytes: 1e9, dir: '/store/q', whole: true }] }).get('Begun') ?? []; // prettier-ignore
  assert.deepEqual(begun?.choice, { kind: 'fetch', name: SMALL, weights: 'safetensors' });
  assert.match(begun.said, /build the graph/);
});

test('any model of the hub and any folder can be chosen', () => {
  const other = groups(usual).get('Any other') ?? [];
  assert.deepEqual(other.map(({ choice }) => choice), [{ kind: 'hub' }, { kind: 'folder' }]); // prettier-ignore
});

const WORDS: [said: string, expected: string][] = [
  [bytesInWords(1), '1 MB'],
  [bytesInWords(373e6), '373 MB'],
  [bytesInWords(999.6e6), '1.0 GB'],
  [bytesInWords(15.24e9), '15.2 GB'],
  [parametersInWords(494_032_768), '494 million parameters'],
  [parametersInWords(1_543_714_304), '1.5 billion parameters'],
  [timeInWords(0.2), '1 s'],
  [timeInWords(59.6), '1 min'],
  [timeInWords(3599), '1 h 0 min'],
  [timeInWords(4800), '1 h 20 min'],
];
for (const [said, expected] of WORDS) test(`in words: ${expected}`, () => assert.equal(said, expected));
