// The index of the workspace memory against a slow search through all files, while these come, change and go.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GRAM, MemoryIndex, type Stretch } from '../../src/engine/memory/memoryIndex';
import { seededRandom } from '../../src/engine/random';

const VOCAB = 6;
const LONGEST = 8;
const MB = 2 ** 20;

/** What the index should find: every place in every file, compared token by token, as [id that follows, tokens that agree]. */
function reference(files: ReadonlyMap<string, readonly number[]>, tail: readonly number[], without: string): string[] {
  const found: string[] = [];
  for (const [path, ids] of files) {
    if (path === without) continue;
    for (let at = 0; at < ids.length - 1; at++) {
      let agreement = 0;
      while (
        agreement < Math.min(LONGEST, tail.length) &&
        agreement <= at &&
        ids[at - agreement] === tail.at(-1 - agreement)
      )
        agreement++;
      if (agreement >= GRAM) found.push(`${ids[at + 1]} after ${agreement}`);
    }
  }
  return found.sort();
}

function search(index: MemoryIndex, tail: readonly number[], without: readonly Stretch[], most = Infinity): string[] {
  const found: string[] = [];
  index.search(tail, { longest: LONGEST, most, without }, (next, agreement) =>
    found.push(`${next} after ${agreement}`),
  );
  return found;
}

for (const [name, vocab] of [
  ['16 bits', VOCAB],
  ['32 bits', 150_000],
] as const) {
  test(`1,000 random changes leave what a slow search finds, ids of ${name}`, () => {
    const random = seededRandom(7);
    const upTo = (n: number): number => Math.floor(random() * n);
    const index = new MemoryIndex(vocab, 8 * MB);
    const files = new Map<string, number[]>();
    for (let step = 0; step < 1000; step++) {
      const path = `file${upTo(12)}`;
      if (random() < 0.7) {
        const ids = Array.from({ length: upTo(60) }, () => upTo(VOCAB));
        files.set(path, ids);
        index.add(path, String(step), ids);
      } else {
        files.delete(path);
        index.remove(path);
      }
      if (index.wantsCompaction) Array.from(index.compact());
      const tail = Array.from({ length: upTo(12) }, () => upTo(VOCAB));
      const without = `file${upTo(12)}`;
      const stretch = index.stretchOf(without);
      assert.deepEqual(
        search(index, tail, stretch === undefined ? [] : [stretch]).sort(),
        reference(files, tail, without),
      );
    }
    assert.deepEqual(
      [...index.files()].map(({ path, tokens }) => [path, tokens]).sort(),
      [...files].map(([path, ids]) => [path, ids.length]).sort(),
    );
    assert.equal(
      index.tokens,
      [...files.values()].reduce((sum, ids) => sum + ids.length, 0),
    );
    for (const [path, ids] of files) assert.deepEqual([...index.idsOf(path)], ids);
  });
}

test('a search is bounded: of many places the latest count, and long agreements are not lost among short ones', () => {
  const index = new MemoryIndex(100, 8 * MB);
  index.add('old', '', [1, 2, 3, 4, 5, 6, 7, 50]);
  index.add('many', '', Array.from({ length: 300 }, (_, i) => [6, 7, 60 + (i % 3)]).flat());
  index.add('last', '', [6, 7, 99]);
  const found = search(index, [2, 3, 4, 5, 6, 7], [], 10);
  assert.deepEqual(found.slice(0, 2), ['50 after 6', '99 after 2']);
  assert.ok(found.length <= 20, `${found.length} places`);
});

test('gaps are closed a file at a time, and what was moved is found in between', () => {
  const index = new MemoryIndex(100, 8 * MB);
  for (let i = 0; i < 10; i++) index.add(`file${i}`, '', [1, 2, 10 + i]);
  for (let i = 0; i < 9; i += 2) index.remove(`file${i}`);
  assert.ok(index.wantsCompaction);
  const steps = index.compact();
  steps.next();
  steps.next();
  assert.deepEqual(search(index, [1, 2], []), ['13 after 2', '11 after 2']);
  Array.from(steps);
  assert.deepEqual(search(index, [1, 2], []), ['19 after 2', '17 after 2', '15 after 2', '13 after 2', '11 after 2']);
  assert.ok(!index.wantsCompaction);
});

test('its memory stays within what it may hold, and is given back', () => {
  const index = new MemoryIndex(VOCAB, 5 * MB);
  const ids = Array.from({ length: 1000 }, (_, i) => i % VOCAB);
  for (let i = 0; index.fits(ids.length).now; i++) index.add(`file${i}`, '', ids);
  assert.ok(index.bytes <= 5 * MB, `${index.bytes} bytes`);
  assert.ok(index.tokens > 0.99 * (index.capacity - 1100), `${index.tokens} of ${index.capacity} tokens`);
  index.clear();
  assert.deepEqual([index.bytes, index.tokens, search(index, [1, 2], [])], [0, 0, []]);
});
