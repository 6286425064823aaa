// The cache of rewritten graphs against the obvious one: every branch with arrays of its own, copied whole.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/engine/random';
import { RowCache } from '../../src/engine/rowCache';

const SIZES = [
  { kvHeads: 2, headDim: 4 },
  { kvHeads: 1, headDim: 4 },
];
const WIDTHS = [8, 8, 4, 4];

/** A context by itself: for each array its rows. */
interface Plain {
  cache: RowCache;
  rows: number[][][];
}

function check({ cache, rows }: Plain): void {
  const { capacity, arrays } = cache.views();
  assert.equal(cache.length, rows[0]!.length);
  assert.ok(capacity >= cache.length && capacity >= 1);
  for (const [i, array] of arrays.entries()) {
    const { kvHeads, headDim } = SIZES[i >> 1]!;
    const found = rows[i]!.map((_, row) =>
      Array.from({ length: kvHeads }, (_, head) => [
        ...array.subarray((head * capacity + row) * headDim, (head * capacity + row + 1) * headDim),
      ]).flat(),
    );
    assert.deepEqual(found, rows[i], `array ${i}`);
  }
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`branches, roll-backs and extensions in any order, seed ${seed}`, () => {
    const random = seededRandom(seed);
    const pick = (n: number): number => Math.floor(random() * n);
    let written = 0;
    let all: Plain[] = [{ cache: new RowCache(SIZES), rows: WIDTHS.map(() => []) }];
    for (let step = 0; step < 400; step++) {
      const one = all[pick(all.length)]!;
      const act = random();
      if (act < 0.45) {
        const n = 1 + pick(random() < 0.1 ? 200 : 4);
        const added = WIDTHS.map((width) => Float32Array.from({ length: n * width }, () => ++written % 100_000));
        one.cache.advance(
          Array.from({ length: n }, () => pick(9)),
          added,
        );
        added.forEach((array, i) => {
          for (let row = 0; row < n; row++)
            one.rows[i]!.push([...array.subarray(row * WIDTHS[i]!, (row + 1) * WIDTHS[i]!)]);
        });
      } else if (act < 0.7) {
        const length = pick(one.cache.length + 1);
        one.cache.truncate(length);
        for (const rows of one.rows) rows.length = length;
      } else if (act < 0.85 && all.length < 6) {
        const length = random() < 0.5 ? one.cache.length : pick(one.cache.length + 1);
        all.push({ cache: one.cache.branchAt(length), rows: one.rows.map((rows) => rows.slice(0, length)) });
      } else if (act < 0.9 && all.length > 1) {
        one.cache.dispose();
        all = all.filter((other) => other !== one);
      } else check(one);
    }
    for (const one of all) check(one);
  });
}

test('going back and forth between two branches copies only the rows in which they differ', () => {
  const a = new RowCache(SIZES);
  const rows = (n: number): Float32Array[] => WIDTHS.map((width) => new Float32Array(n * width).fill(n));
  a.advance(new Array<number>(1000).fill(1), rows(1000));
  const before = a.bytes;
  const b = a.branch();
  b.advance([2, 2, 2], rows(3));
  a.advance([3], rows(1));
  // The arrays may have grown by half; what the branches hold apart is a few rows of 96 bytes.
  assert.ok(a.bytes + b.bytes <= 1.5 * before + 1000, `${a.bytes + b.bytes} after ${before}`);
});

test('tokens taken out of the middle: the keys behind them are those of their new positions', () => {
  const angle = (position: number, d: number): number => position * 100 ** (-d / 2);
  const half = 2;
  const table = (f: (x: number) => number): Float32Array =>
    Float32Array.from({ length: 64 * half }, (_, i) => f(angle(Math.floor(i / half), i % half)));
  for (const interleaved of [false, true]) {
    const cache = new RowCache([{ kvHeads: 1, headDim: 4 }], {
      cos: table(Math.cos),
      sin: table(Math.sin),
      half,
      interleaved,
    });
    const turned = (id: number, position: number): number[] => {
      const key = [id, 2 * id, -id, 0.5];
      const out = [...key];
      for (let d = 0; d < half; d++) {
        const [i, j] = interleaved ? [2 * d, 2 * d + 1] : [d, d + half];
        const [c, s] = [Math.cos(angle(position, d)), Math.sin(angle(position, d))];
        out[i] = key[i]! * c - key[j]! * s;
        out[j] = key[j]! * c + key[i]! * s;
      }
      return out;
    };
    const ids = [5, 6, 7, 8, 9, 10, 11];
    cache.advance(ids, [
      Float32Array.from(ids.flatMap(turned)),
      Float32Array.from(ids.flatMap((id) => [id, id, id, id])),
    ]);
    cache.drop(2, 3);
    const left = [5, 6, 10, 11];
    assert.deepEqual(cache.ids, left);
    const [keys, values] = cache.views().arrays as [Float32Array, Float32Array];
    left.flatMap(turned).forEach((x, i) => assert.ok(Math.abs(keys[i]! - x) < 1e-5, `key ${i}`));
    assert.deepEqual(
      [...values.subarray(0, 16)],
      left.flatMap((id) => [id, id, id, id]),
    );
    assert.equal(cache.keepPrefix(left, 4), 0, 'what it holds is no longer what a run over its ids would give');
  }
});
