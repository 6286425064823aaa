// The shipped model: tokenizer and logits against the answers of the training recipe's own programs (Python, PyTorch), and its
// 8-bit weights against the full ones.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Engine } from '../../src/engine/engine';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { argmax } from '../../src/engine/sampler';
import { Tokenizer } from '../../src/engine/tokenizer';
import { farthest, forward } from '../reference';
import { readShippedWeights } from '../shippedWeights';

const dir = join(process.cwd(), 'models', 'glassbox-small');
const golden = <T>(name: string): T => JSON.parse(readFileSync(join('test/golden', name), 'utf8')) as T;
const goldenLogits = golden<{ ids: number[]; argmax: number[]; last: number[] }[]>('logits.json');
const TOLERANCE = 1e-3;

let full: Model;
let engine: Engine;
before(async () => {
  full = await Model.load(readModelFolder(dir, 'onnx/model.onnx'), 'cpu');
  engine = await Engine.load({ modelDir: dir, device: 'cpu' });
});
after(async () => {
  await full.dispose();
  await engine.dispose();
});

test('token ids are those of the recipe’s encoder, and decode to the text', () => {
  const tokenizer = new Tokenizer(readModelFolder(dir));
  const cases = golden<{ text: string; ids: number[] }[]>('tokenizer.json');
  assert.ok(cases.length >= 10);
  for (const { text: written, ids } of cases) {
    assert.deepEqual(tokenizer.encodeText(written), ids, JSON.stringify(written));
    assert.equal(tokenizer.decode(ids), written);
  }
});

test('what looks like a special token in a document is mere text', () => {
  const tokenizer = new Tokenizer(readModelFolder(dir));
  const written = 'a <|endoftext|> <|fim_prefix|> b';
  const ids = tokenizer.encodeText(written);
  assert.ok(ids.every((id) => !tokenizer.specialIds.has(id)));
  assert.equal(tokenizer.decode(ids), written);
  assert.equal(tokenizer.encode('x<|endoftext|>').filter((id) => tokenizer.specialIds.has(id)).length, 2);
});

test('full-precision logits equal PyTorch’s', async () => {
  assert.ok(goldenLogits.length >= 3);
  for (const { ids, argmax: expected, last } of goldenLogits) {
    const logits = await full.forward(ids, full.newCache(), 'all');
    const vocab = logits.length / ids.length;
    const rows = ids.map((_, position) => logits.subarray(position * vocab, (position + 1) * vocab));
    assert.deepEqual(rows.map(argmax), expected);
    assert.ok(farthest(rows.at(-1)!, last) < TOLERANCE, `${farthest(rows.at(-1)!, last)}`);
  }
});

const torch = spawnSync('/usr/bin/python3', ['-c', 'import torch']).status === 0;
test(
  'full-precision logits equal those that PyTorch computes now',
  { skip: torch ? false : 'needs PyTorch: apt-get install python3-torch' },
  async () => {
    const { ids } = goldenLogits[0]!;
    const prompt = [...ids].reverse();
    const ran = spawnSync('/usr/bin/python3', ['models/train/logits.py', '--model', dir], {
      input: JSON.stringify({ ids: prompt }) + '\n',
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    assert.equal(ran.status, 0, ran.stderr);
    const { last } = JSON.parse(ran.stdout) as { last: number[] };
    const difference = farthest(await full.forward(prompt, full.newCache()), last);
    assert.ok(difference < TOLERANCE, String(difference));
  },
);

test('logits and attention equal the reference in TypeScript', async () => {
  const prompt = 'const x = [1, 2];';
  const weights = readShippedWeights();
  const ids = new Tokenizer(readModelFolder(dir)).encode(prompt);
  const expected = forward(weights, ids);
  assert.ok(farthest(await full.forward(ids, full.newCache()), expected.logits.at(-1)!) < TOLERANCE);

  const fullEngine = await Engine.load({ modelDir: dir, device: 'cpu', weights: 'onnx/model.onnx' });
  for (const [layer, head] of [
    [0, 0],
    [weights.layers - 1, weights.heads - 1],
  ] as const) {
    const map = await fullEngine.attention(layer, head, prompt);
    const triangle = new Float64Array(ids.length ** 2);
    expected.attention[layer]![head]!.forEach((row, query) => triangle.set(row, query * ids.length));
    assert.ok(farthest(map.weights, triangle) < 1e-4, `layer ${layer}, head ${head}`);
  }
  await fullEngine.dispose();
});

test('a cache filled in chunks gives the logits of one run', async () => {
  const { ids } = goldenLogits[0]!;
  const whole = Float32Array.from(await full.forward(ids, full.newCache()));
  const cache = full.newCache();
  let last = new Float32Array();
  for (let at = 0; at < ids.length; at += 7) last = Float32Array.from(await full.forward(ids.slice(at, at + 7), cache));
  assert.ok(farthest(last, whole) < TOLERANCE);
});

test('the 8-bit weights give the same tokens with and without a cache', async () => {
  const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
  const ask = (prefix: string): Promise<{ tokens: number[] }> =>
    engine.complete(
      { prefix, suffix: '', maxTokens: 12, sampling, raw: true },
      { signal: new AbortController().signal },
    );
  const text = readFileSync('src/engine/generate.ts', 'utf8').slice(0, 900);
  await ask(text.slice(0, 850));
  const reused = await ask(text);
  await ask('something else');
  assert.deepEqual(reused.tokens, (await ask(text)).tokens);
});

test('the 8-bit weights predict nearly as well as the full ones', async () => {
  const written = readFileSync('src/completion/offer.ts', 'utf8');
  const fullEngine = await Engine.load({ modelDir: dir, device: 'cpu', weights: 'onnx/model.onnx' });
  const [eight, all] = [await engine.score(written), await fullEngine.score(written)];
  await fullEngine.dispose();
  assert.ok(Math.abs(eight.bitsPerByte / all.bitsPerByte - 1) < 0.01, `${eight.bitsPerByte} and ${all.bitsPerByte}`);
});
