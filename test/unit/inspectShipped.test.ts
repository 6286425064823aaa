// The inside of the shipped model's completions against a slow forward pass: with full precision to 1e-3. With 8 bits the first layer is to
// 1e-3 what the untouched graph gives; from there on, activations on the edge of two steps are rounded either way, and the two drift apart
// as both do from full precision.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { rowStart, weightsOf } from '../../src/attention/weights';
import type { Inspector } from '../../src/engine/inspect/inspector';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { EffectsAnswer } from '../../src/inspectionProtocol';
import type { Reference } from '../graphForms';
import { farthest, forward } from '../reference';
import { readShippedWeights } from '../shippedWeights';
import { ask, checkEffects, checkLessons, checkLogits, checkWeights, CLOSE, inspectorOf, textOf } from './inspection';

const dir = join(process.cwd(), 'models', 'glassbox-small');
const folder = readModelFolder(dir, 'onnx/model.onnx');
const ids = new Tokenizer(folder).encodeText(
  'function area(width: number, height: number) {\n  return width * height;\n}\nconst a = area(2',
);
const GENERATED = 8;
const n = ids.length;

const weights = readShippedWeights();
const reference: Reference = (some, look) => forward(weights, some, look);
let full: Model;
let eight: Model;
before(async () => {
  full = await Model.load(folder, 'cpu');
  eight = await Model.load(readModelFolder(dir), 'cpu');
});
after(async () => {
  await full.dispose();
  await eight.dispose();
});

test('full precision: weights, means, rollout, figures and logits are the reference’s', async () => {
  const inspector = inspectorOf(full, ids, GENERATED);
  const expected = reference(ids);
  await checkWeights(inspector, expected, { tolerance: CLOSE, whole: true });
  await checkLogits(inspector, ids, expected, [1, 12, n - 1, n], CLOSE);
  await inspector.dispose();
});

test('full precision: what a head and a span did is what the reference does without them', async () => {
  const inspector = inspectorOf(full, ids, GENERATED);
  const cases = [
    { position: 6, spans: [[0, 1] as [number, number], [2, 5] as [number, number]] },
    {
      position: 14,
      spans: [[0, 4] as [number, number], [7, 8] as [number, number], [1, 13] as [number, number]],
    },
  ];
  await checkEffects(inspector, ids, reference, cases, CLOSE);
  await inspector.dispose();
});

test('full precision: the steps of heads are the reference’s', async () => {
  const inspector = inspectorOf(full, ids, GENERATED);
  const cases = [
    [0, 0, 9, 4],
    [0, 3, n - 1, 0],
    [2, 1, 17, 17],
    [3, 2, 0, 0],
    [5, 3, n - 2, n - 3],
    [5, 0, n - 1, 11],
  ] as const;
  await checkLessons(inspector, ids, reference, cases, { tolerance: CLOSE, known: true });
  await inspector.dispose();
});

test('8 bits: weights are as near to the untouched graph’s as rounding lets them, and near those of full precision', async (t) => {
  const untouched = await Model.load(readModelFolder(dir), 'cpu', { plain: true });
  t.after(() => untouched.dispose());
  const [own, copy] = [inspectorOf(eight, ids, GENERATED), inspectorOf(untouched, ids, GENERATED)];
  const { shape, kernel, precision } = await textOf(own);
  assert.deepEqual([kernel, (await textOf(copy)).kernel, precision.matrices], ['own', 'copy', 'int8']);
  const expected = reference(ids).attention;
  const [first, apart, moved] = [[] as number[], [] as number[], [] as number[]];
  // Total variation: how much weight would have to be moved.
  const variation = (a: Float32Array, b: ArrayLike<number>): number =>
    a.reduce((sum, p, key) => sum + Math.abs(p - b[key]!), 0) / 2;
  for (let layer = 0; layer < shape.layers; layer++)
    for (let head = 0; head < shape.heads; head++) {
      const question = { ask: 'head', layer, head, from: 0 } as const;
      const [a, b] = [weightsOf((await ask(own, question)).weights), weightsOf((await ask(copy, question)).weights)];
      for (let query = 0; query < n; query++) {
        const row = a.subarray(rowStart(query), rowStart(query + 1));
        assert.ok(Math.abs(row.reduce((sum, p) => sum + p, 0) - 1) < CLOSE);
        apart.push(variation(row, b.subarray(rowStart(query), rowStart(query + 1))));
        moved.push(variation(row, expected[layer]![head]![query]!));
      }
      if (layer === 0) first.push(farthest(a, b));
    }
  const mean = (values: number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
  t.diagnostic(
    `first layer ${Math.max(...first)} from the untouched graph; all: ${mean(apart)} moved, against full precision ${mean(moved)}`,
  );
  assert.ok(Math.max(...first) < CLOSE, `${Math.max(...first)} from the untouched graph`);
  assert.ok(mean(apart) < 0.01, `${mean(apart)} of the weight moved against the untouched graph`);
  assert.ok(mean(moved) < 0.02, `${mean(moved)} of the weight moved against full precision`);
  await own.dispose();
  await copy.dispose();
});

test('8 bits: effects of heads are near those of full precision', async (t) => {
  const [whole, rounded] = [inspectorOf(full, ids, GENERATED), inspectorOf(eight, ids, GENERATED)];
  const pairs: [number, number][] = [];
  const effectsAt = (inspector: Inspector, position: number): Promise<EffectsAnswer> =>
    ask(inspector, { ask: 'effects', position, heads: true, spans: [] });
  for (const position of [4, 12, 20, n - 2]) {
    const [a, b] = [await effectsAt(whole, position), await effectsAt(rounded, position)];
    a.heads.forEach((effect, i) => pairs.push([effect, b.heads[i] as number]));
  }
  const mean = (of: (a: number, b: number) => number): number =>
    pairs.reduce((sum, [a, b]) => sum + of(a, b), 0) / pairs.length;
  const off = mean((a, b) => Math.abs(a - b));
  const size = mean((a) => Math.abs(a));
  t.diagnostic(`mean size of an effect ${size} nats, off by ${off} on average`);
  assert.ok(off < 0.25 * size, `${off} of ${size}`);
  await whole.dispose();
  await rounded.dispose();
});
