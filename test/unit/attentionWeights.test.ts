// Weights as they are kept, and what is computed from them: pictures, figures, rollout, what a text drew. Each against plain matrices.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawn, drawnByKey, shares } from '../../src/attention/drawn';
import { FigureSums, sumsOf } from '../../src/attention/figures';
import { addRow, thumbnails } from '../../src/attention/overview';
import { headMean, rollout, rolloutOfMeans, uniformRollout } from '../../src/attention/rollout';
import { fromU16, quantise, rowOf, rowStart, toU16, triangleLength, weightsOf } from '../../src/attention/weights';
import { seededRandom } from '../../src/engine/random';
import {
  at,
  figuresReference,
  randomHead,
  randomLayers,
  rolloutReference,
  spreadReference,
  sum,
  triangleOf,
  type Matrix,
} from './attentionReference';

function near(actual: ArrayLike<number>, expected: readonly number[], within: number, what: string): void {
  assert.equal(actual.length, expected.length, what);
  expected.forEach((value, i) =>
    assert.ok(Math.abs((actual[i] as number) - value) <= within, `${what}[${i}]: ${actual[i]}, not ${value}`),
  );
}

test('a weight is kept to within √p / 65535, and rows nearly keep their sum', () => {
  for (let i = 0; i <= 10_000; i++) {
    const p = (i / 10_000) ** 3;
    assert.ok(Math.abs(fromU16(toU16(p)) - p) <= Math.sqrt(p) / 65535 + 1 / 131070 ** 2 + 1e-15, String(p));
  }
  const random = seededRandom(1);
  for (const n of [1, 7, 300, 1024, 2048]) {
    const row = randomHead(n, random)[n - 1] as number[];
    const error = Math.abs(
      sum(weightsOf(rowOf(triangleOf([...Array.from({ length: n - 1 }, () => []), row]), n - 1))) - sum(row),
    );
    assert.ok(error <= (Math.sqrt(n) + n / 4 / 65535) / 65535 + 1e-6, `${n}: ${error}`);
  }
});

test('what is no weight is kept as the nearest one', () => {
  const odd = [-0, -1e-9, NaN, 1e-30, 1, 1.0000001, 2, Infinity, -Infinity];
  const kept = new Uint16Array(odd.length);
  quantise(Float32Array.from(odd), 0, odd.length, kept, 0);
  assert.deepEqual([...kept], [0, 0, 0, 0, 65535, 65535, 65535, 65535, 0]);
  assert.deepEqual(odd.map(toU16), [...kept]);
});

test('rows are written and found where they belong', () => {
  const random = seededRandom(2);
  const heads = [randomHead(40, random), randomHead(40, random)];
  // As the model gives them: [head, query, key], with what the mask hides.
  const flat = Float32Array.from(
    heads.flatMap((head) => head.flatMap((row) => [...row, ...Array.from({ length: 40 - row.length }, () => 0)])),
  );
  heads.forEach((head, h) => {
    const triangle = new Uint16Array(triangleLength(40));
    for (let q = 0; q < 40; q++) quantise(flat, (h * 40 + q) * 40, q + 1, triangle, rowStart(q));
    assert.deepEqual(triangle, triangleOf(head));
    head.forEach((row, q) => {
      assert.deepEqual(
        [...rowOf(triangle, q)],
        row.map((p) => toU16(Math.fround(p))),
      );
      near(weightsOf(rowOf(triangle, q)), row, 1.6e-5, `row ${q}`);
    });
  });
});

for (const [n, side] of [
  [1, 8],
  [5, 8],
  [7, 16],
  [8, 8],
  [9, 8],
  [31, 8],
  [64, 16],
  [100, 32],
  [130, 64],
] as const) {
  test(`the picture of ${n} tokens, ${side} wide, shows the largest weight of every tile`, () => {
    const { kept } = randomLayers(2, 2, n, n);
    const expected = kept.flat().flatMap((triangle) => {
      const picture = new Array<number>(side * side).fill(0);
      // Whatever a tile and a position share: where there are fewer positions than tiles, a position covers several.
      const tiles = (p: number): number[] =>
        n < side
          ? picture.slice(0, side).flatMap((_, t) => (Math.floor((t * n) / side) === p ? [t] : []))
          : [Math.floor((p * side) / n)];
      for (let q = 0; q < n; q++)
        for (let k = 0; k <= q; k++)
          for (const y of tiles(q))
            for (const x of tiles(k))
              picture[y * side + x] = Math.max(
                picture[y * side + x] as number,
                Math.round(Math.sqrt(fromU16(triangle[rowStart(q) + k] as number)) * 255),
              );
      return picture;
    });
    assert.deepEqual([...thumbnails(kept, n, side)], expected);
    const last = kept[1]?.[1] as Uint16Array;
    const grown = new Uint8Array(side * side);
    for (let q = n - 1; q >= 0; q--) addRow(grown, side, n, q, rowOf(last, q));
    assert.deepEqual([...grown], expected.slice(-side * side));
  });
}

for (const n of [2, 3, 20, 150]) {
  test(`figures of ${n} tokens`, () => {
    const { kept, plain } = randomLayers(2, 3, n, 10 + n);
    const sums = sumsOf(kept, n);
    const figures = sums.figures();
    const expected = plain.flat().map(figuresReference);
    for (const name of ['entropy', 'sink', 'distance', 'self'] as const)
      near(
        figures[name],
        expected.map((one) => one[name]),
        name === 'distance' ? 1e-4 : 1e-6,
        name,
      );
    near(sums.spread(), plain.flat().map(spreadReference), 1e-6, 'spread');
    plain.flat().forEach((head, h) =>
      near(
        sums.beside(h).slice(0, n),
        head.map((row) => sum(row.slice(1))),
        1e-6,
        'beside',
      ),
    );

    // The same rows, in another order.
    const grown = new FigureSums(6);
    for (let q = n - 1; q >= 0; q--) kept.flat().forEach((triangle, head) => grown.add(head, q, rowOf(triangle, q)));
    near(grown.figures().entropy, [...figures.entropy], 1e-6, 'grown entropy');
    near(grown.spread(), [...sums.spread()], 1e-6, 'grown spread');
  });
}

test('a head that rests, one that looks at itself and one that looks at all alike have the figures of that', () => {
  const n = 64;
  const rows = (of: (q: number, k: number) => number): Uint16Array =>
    triangleOf(Array.from({ length: n }, (_, q) => Array.from({ length: q + 1 }, (__, k) => of(q, k))));
  const heads = [rows((_, k) => (k === 0 ? 1 : 0)), rows((q, k) => (q === k ? 1 : 0)), rows((q) => 1 / (q + 1))];
  const { entropy, sink, distance, self } = sumsOf([heads], n).figures();
  near(entropy, [0, 0, 1], 1e-3, 'entropy');
  near([...sink].slice(0, 2), [1, 0], 1e-6, 'sink');
  near([...self].slice(0, 2), [0, 1], 1e-6, 'self');
  near(distance, [32, 0, 16], 0.05, 'distance'); // means of q and q / 2 over 1 … 63
});

const meanOf = (heads: Matrix[]): Matrix =>
  (heads[0] as Matrix).map((row, q) => row.map((_, k) => sum(heads.map((head) => at(head, q, k))) / heads.length));

for (const [layers, heads, n] of [
  [1, 1, 1],
  [1, 3, 9],
  [4, 2, 17],
  [6, 4, 40],
] as const) {
  test(`rollout through ${layers} layers of ${heads} heads, ${n} tokens`, () => {
    const { kept, plain } = randomLayers(layers, heads, n, layers);
    const means = kept.map((layer) => headMean(layer, n));
    kept.forEach((_, l) =>
      near(means[l] as Float32Array, meanOf(plain[l] as Matrix[]).flat(), 1e-6, `mean of layer ${l}`),
    );
    for (const query of new Set([0, n >> 1, n - 1])) {
      const expected = rolloutReference(plain.map(meanOf), query);
      near(rollout(kept, query), expected, 1e-6, `query ${query}`);
      near(rolloutOfMeans(means, query), expected, 1e-6, `query ${query}, from means`);
      assert.ok(Math.abs(sum(rollout(kept, query)) - 1) < 1e-5);
    }
  });
}

test('rollout of uniform weights, of layers that see all and of layers that see a window', () => {
  const windows = [0, 4, 0, 1, 100];
  const matrices = windows.map((window): Matrix =>
    Array.from({ length: 24 }, (_, q) => {
      const seen = Array.from({ length: q + 1 }, (__, k) => (window === 0 || q - k < window ? 1 : 0));
      return seen.map((one) => one / sum(seen));
    }),
  );
  for (const query of [0, 3, 23])
    near(uniformRollout(windows, query), rolloutReference(matrices, query), 1e-6, `query ${query}`);
});

test('what a text drew: means over layers and heads, shares by key and by part, with and without the first', () => {
  const [n, from] = [30, 22];
  const { kept, plain } = randomLayers(3, 2, n, 5);
  const rows = Array.from({ length: n - from }, (_, i) => drawn(kept, from + i));
  rows.forEach((row, i) =>
    near(
      row,
      Array.from({ length: from + i }, (_, k) => sum(plain.flat().map((head) => at(head, from + i - 1, k))) / 6),
      1e-6,
      `position ${from + i}`,
    ),
  );
  const weights = Float32Array.from(rows.flatMap((row) => [...row]));
  const partOf = Int32Array.from({ length: from }, (_, k) => (k % 5 === 4 ? -1 : k % 3)); // generated tokens have none
  const onKey = (k: number): number => sum(rows.map((row) => row[k] ?? 0));
  const all = sum(Array.from({ length: n }, (_, k) => onKey(k)));
  for (const withoutFirst of [false, true]) {
    const hidden = withoutFirst ? onKey(0) : 0;
    const share = (k: number): number => (withoutFirst && k === 0 ? 0 : onKey(k) / (all - hidden));
    const byKey = drawnByKey(weights, from, n, { withoutFirst });
    near(
      byKey.keys,
      Array.from({ length: n - 1 }, (_, k) => share(k)),
      1e-6,
      'keys',
    );
    near([byKey.hidden], [hidden / all], 1e-6, 'hidden');
    const parts = shares(weights, from, n, partOf, 3, { withoutFirst });
    const ofPart = (part: number): number =>
      sum(Array.from({ length: n - 1 }, (_, k) => ((partOf[k] ?? -1) === part ? share(k) : 0)));
    near(parts.parts, [0, 1, 2].map(ofPart), 1e-6, 'parts');
    near([parts.none, parts.hidden], [ofPart(-1), hidden / all], 1e-6, 'the rest');
    near([sum(parts.parts) + parts.none], [1], 1e-6, 'the whole');
  }
});

test('a text that drew nothing but from the first token drew nothing that is shown', () => {
  const { keys, hidden } = drawnByKey(Float32Array.from([1, 0, 1, 0, 0]), 2, 4, { withoutFirst: true });
  assert.deepEqual([...keys], [0, 0, 0]);
  assert.equal(hidden, 1);
});
