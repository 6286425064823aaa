// The engine against the oracle, on a model folder in another author's form: random weights, decomposed attention, no position_ids.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Engine } from '../../src/engine/engine';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import type { CompletionRequest } from '../../src/protocol';
import { farthest, forward, type LlamaWeights } from '../reference';
import { TINY, writeTinyModel } from '../tinyModel';

const TOLERANCE = 1e-3; // float32 against double, logits of magnitude 10
const dir = mkdtempSync(join(tmpdir(), 'glassbox-tiny-'));
const ids = [256, ...Buffer.from('const total = items.reduce((a, b) => a + b);')];
let weights: LlamaWeights;
let model: Model;
let engine: Engine;

before(async () => {
  weights = writeTinyModel(dir);
  model = await Model.load(readModelFolder(dir), 'cpu');
  engine = await Engine.load({ modelDir: dir, device: 'cpu' });
});
after(async () => {
  await model.dispose();
  await engine.dispose();
  rmSync(dir, { recursive: true });
});

function request(prefix: string, fields: Partial<CompletionRequest> = {}): CompletionRequest {
  return {
    prefix,
    suffix: '',
    maxTokens: 24,
    sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
    raw: true,
    ...fields,
  };
}

test('logits equal the reference at every position', async () => {
  const logits = await model.forward(ids, model.newCache(), 'all');
  const expected = forward(weights, ids).logits;
  assert.equal(logits.length, ids.length * TINY.vocab);
  for (const [position, row] of expected.entries()) {
    assert.ok(
      farthest(logits.subarray(position * TINY.vocab, (position + 1) * TINY.vocab), row) < TOLERANCE,
      `position ${position}`,
    );
  }
});

for (const [name, chunks] of [
  ['in chunks', [7, 1, 12, 25]],
  ['token by token', ids.map(() => 1)],
] as const) {
  test(`a cache filled ${name} gives the logits of one run`, async () => {
    const whole = await model.forward(ids, model.newCache());
    const cache = model.newCache();
    let at = 0;
    let last = new Float32Array();
    for (const size of chunks) last = Float32Array.from(await model.forward(ids.slice(at, (at += size)), cache));
    assert.equal(at, ids.length);
    assert.ok(farthest(last, whole) < TOLERANCE);
  });
}

test('a cache cut back and filled anew gives the logits of a fresh one', async () => {
  const cache = model.newCache();
  await model.forward(ids, cache);
  const other = [...ids.slice(0, 20), ...Buffer.from('else { return; }')];
  assert.equal(cache.keepPrefix(other, other.length - 1), 20);
  const reused = await model.forward(other.slice(20), cache);
  assert.ok(farthest(reused, await model.forward(other, model.newCache())) < TOLERANCE);
});

test('greedy tokens are those of the reference, recomputed from scratch at every step', async () => {
  const { tokens, finish, stats } = await engine.complete(request('for (let i = 0;'), {
    signal: new AbortController().signal,
  });
  const expected = [256, ...Buffer.from('for (let i = 0;')];
  for (const token of tokens) {
    const row = forward(weights, expected).logits.at(-1)!;
    assert.equal(token, row.indexOf(Math.max(...row)));
    expected.push(token);
  }
  assert.ok(tokens.length > 5, `only ${tokens.length} tokens`);
  assert.equal(finish, tokens.length === 24 ? 'length' : 'eos');
  assert.equal(stats.generatedTokens, tokens.length);
});

test('log-probabilities are those of the model before temperature and filters', async () => {
  const sampling = { temperature: 0.7, topK: 5, topP: 0.8, seed: 3 };
  const { tokens, logprobs } = await engine.complete(request('let x', { sampling, maxTokens: 6 }), {
    signal: new AbortController().signal,
  });
  const context = [256, ...Buffer.from('let x')];
  for (const [i, token] of tokens.entries()) {
    const row = forward(weights, context).logits.at(-1)!;
    const max = Math.max(...row);
    const expected = row[token]! - max - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
    assert.ok(Math.abs(logprobs[i]! - expected) < TOLERANCE);
    context.push(token);
  }
});

test('a half-precision cache and half-precision logits give the reference’s greedy tokens and attention', async () => {
  const half = join(dir, 'half');
  writeTinyModel(half, { half: true });
  const halfEngine = await Engine.load({ modelDir: half, device: 'cpu' });
  const { tokens } = await halfEngine.complete(request('while (', { maxTokens: 12 }), {
    signal: new AbortController().signal,
  });
  const all = [256, ...Buffer.from('while (')];
  assert.ok(tokens.length > 5);
  for (const token of tokens) {
    const row = forward(weights, all).logits.at(-1)!;
    assert.ok(row[token]! > Math.max(...row) - 0.02, 'not the likeliest, half precision allowed for');
    all.push(token);
  }
  const map = await halfEngine.attention(0, 0, 'a + b');
  forward(weights, [256, ...Buffer.from('a + b')]).attention[0]![0]!.forEach((row, query) =>
    assert.ok(farthest(map.weights.subarray(query * map.tokens.length).subarray(0, row.length), row) < 1e-2),
  );
  await halfEngine.dispose();
});

test('score sums the negative log-likelihood of all tokens after the begin token', async () => {
  const text = 'import { a } from "b"; // é';
  const all = [256, ...Buffer.from(text)];
  const { logits } = forward(weights, all);
  let nll = 0;
  for (let i = 1; i < all.length; i++) {
    const row = logits[i - 1]!;
    nll += Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[all[i]!]!;
  }
  const score = await engine.score(text);
  assert.equal(score.tokens, all.length - 1);
  assert.equal(score.bytes, Buffer.byteLength(text));
  assert.ok(Math.abs(score.nll - nll) < 0.01, `${score.nll} and ${nll}`);
  assert.ok(Math.abs(score.bitsPerByte - nll / Math.LN2 / score.bytes) < 1e-3);
});

test('a text longer than the window is scored to its last token', async () => {
  const { tokens, nll } = await engine.score('x = y + 1\n'.repeat(40));
  assert.equal(tokens, 400);
  assert.ok(Number.isFinite(nll));
});

test('attention weights equal the reference in every layer and head', async () => {
  const prompt = 'return a[i] + b[i];';
  const { attention } = forward(weights, [256, ...Buffer.from(prompt)]);
  for (let layer = 0; layer < TINY.layers; layer++) {
    for (let head = 0; head < TINY.heads; head++) {
      const map = await engine.attention(layer, head, prompt);
      const n = map.tokens.length;
      assert.equal(n, prompt.length + 1);
      const expected = new Float64Array(n * n);
      attention[layer]![head]!.forEach((row, query) => expected.set(row, query * n));
      assert.ok(farthest(map.weights, expected) < 1e-4, `layer ${layer}, head ${head}`);
    }
  }
});
