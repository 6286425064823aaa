// What can be proved of the benchmark without its peers: the random model is the same in both files and is what the engine runs; the turns are
// fair; the figures come out right. Nothing here is timed.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { writeRandomGguf } from '../bench/random/gguf';
import { writeOnnxFolder } from '../bench/random/onnx';
import { weightsOf, type Shape } from '../bench/random/shape';
import { farthest, forward } from '../reference';
import { readGgufQ4, readOnnx, type Numbers } from './benchFiles';

const SHAPE: Shape = {
  layers: 2,
  hidden: 64,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  inner: 96,
  vocab: 300,
  context: 64,
  ropeTheta: 1e4,
  rmsEps: 1e-6,
};
const IDS = [256, ...Buffer.from('const a = [1, 2];'), 299];
const dir = mkdtempSync(join(tmpdir(), 'glassbox-bench-'));
let numbers: Numbers;

before(() => {
  writeOnnxFolder(join(dir, 'exact'), SHAPE, 0);
  writeOnnxFolder(join(dir, 'rounded'), SHAPE);
  numbers = readOnnx(join(dir, 'exact'));
});
after(() => rmSync(dir, { recursive: true }));

test('every weight is there, finite, of the right size and not constant', () => {
  for (const { name, rows, columns = 1 } of weightsOf(SHAPE)) {
    const values = numbers.get(name);
    assert.equal(values?.length, rows * columns, name);
    assert.ok(values.every(Number.isFinite) && new Set(values).size > 10, name);
  }
});

// Rounding activations to 8 bits moves the logits, whose standard deviation is about 2, by about 0.1 at most.
for (const [folder, tolerance] of [
  ['exact', 1e-4],
  ['rounded', 0.25],
] as const) {
  test(`the engine's logits for the ${folder} model equal the reference's, in one run and in chunks`, async () => {
    const tensor = (name: string): Float32Array => numbers.get(name) as Float32Array;
    const expected = forward({ ...SHAPE, biases: true, tensor }, IDS).logits.at(-1) as Float64Array;
    assert.ok(Math.max(...expected) - Math.min(...expected) > 1);
    const model = await Model.load(readModelFolder(join(dir, folder)), 'cpu');
    assert.ok(farthest(await model.forward(IDS, model.newCache()), expected) < tolerance);
    const cache = model.newCache();
    await model.forward(IDS.slice(0, 7), cache);
    assert.ok(farthest(await model.forward(IDS.slice(7), cache), expected) < tolerance);
    await model.dispose();
  });
}

test('the GGUF file holds exactly the same numbers', () => {
  const path = join(dir, 'model.gguf');
  writeRandomGguf(path, SHAPE, readModelFolder(join(dir, 'exact')));
  const gguf = readGgufQ4(path);
  assert.equal(gguf.strings.get('general.architecture'), 'qwen2');
  const weights = weightsOf(SHAPE);
  assert.equal(gguf.numbers.size, weights.length);
  for (const weight of weights) assert.deepEqual(gguf.numbers.get(weight.gguf), numbers.get(weight.name), weight.name);
});
