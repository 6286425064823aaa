// Warm contexts and warm-ups through the engine: what is kept or read beforehand saves runs and changes no text.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Contexts } from '../../src/engine/contexts';
import { Engine } from '../../src/engine/engine';
import { prefill } from '../../src/engine/idle';
import type { KvCache } from '../../src/engine/kvCache';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { seededRandom } from '../../src/engine/random';
import type { CompletionRequest } from '../../src/protocol';
import { farthest } from '../reference';
import { writeTinyModel } from '../tinyModel';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-warm-'));
const never = new AbortController().signal;
let model: Model;
let engine: Engine;

before(async () => {
  writeTinyModel(dir);
  model = await Model.load(readModelFolder(dir), 'cpu');
  engine = await Engine.load({ modelDir: dir, device: 'cpu', cacheMemory: 64 });
});
after(async () => {
  await model.dispose();
  await engine.dispose();
  rmSync(dir, { recursive: true });
});

const bytes = (text: string): number[] => [...Buffer.from(text)];
const HEAD = '// two other files, the same for every document\n';
const [A, B, C] = ['alpha = first + '.repeat(2), 'beta = second - '.repeat(2), 'gamma = third / '.repeat(2)];

function request(prefix: string, maxTokens = 4): CompletionRequest {
  return { prefix, suffix: '', maxTokens, sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 }, raw: true };
}

test('logits in caches that were branched, cut back and evicted at random are those of a fresh one', async () => {
  const budget = 2 ** 19;
  const contexts = new Contexts(() => model.newCache(), budget);
  const random = seededRandom(1);
  const below = (n: number): number => Math.floor(random() * n);
  for (let i = 0; i < 300; i++) {
    const prompt = bytes(HEAD.slice(0, below(40)) + [A, B, C][below(3)]!.slice(0, 1 + below(31)));
    const cache = contexts.take(prompt);
    const reused = cache.keepPrefix(prompt, prompt.length - 1);
    const logits = Float32Array.from(await model.forward(prompt.slice(reused), cache));
    contexts.release(true);
    assert.ok(contexts.caches.length === 1 || contexts.bytes <= budget, `${contexts.bytes} bytes held`);
    assert.ok(farthest(logits, await model.forward(prompt, model.newCache())) < 1e-3, `prompt ${i}, ${reused} reused`);
  }
  assert.ok(contexts.caches.length > 1);
});

test('an engine that switches between documents writes what one without contexts writes', async () => {
  const alone = await Engine.load({ modelDir: dir, device: 'cpu' });
  for (const prompt of [A, B, HEAD + A, `${A}1`, HEAD + B, `${B}1`, HEAD + A, A]) {
    const { tokens } = await engine.complete(request(prompt), { signal: never });
    assert.deepEqual(tokens, (await alone.complete(request(prompt), { signal: never })).tokens, prompt);
  }
  const { stats } = await engine.complete(request(`${B}1`), { signal: never });
  assert.equal(stats.reusedTokens, stats.promptTokens - 1);
  await alone.dispose();
});

test('what was warmed up is not computed again, and changes nothing', async () => {
  const fresh = await Engine.load({ modelDir: dir, device: 'cpu', cacheMemory: 64 });
  const warmed = await fresh.warmUp(request(HEAD + C), never);
  assert.equal(warmed.finish, 'length');
  assert.deepEqual([warmed.text, warmed.tokens], ['', []]);
  const { tokens, stats } = await fresh.complete(request(HEAD + C), { signal: never });
  assert.equal(stats.reusedTokens, stats.promptTokens - 1);
  assert.deepEqual(tokens, (await engine.complete(request(HEAD + C), { signal: never })).tokens);
  assert.equal((await fresh.warmUp(request(HEAD + C), never)).stats.reusedTokens, stats.promptTokens);
  await fresh.dispose();
});

test('a request ends a warm-up within one run, and what it computed counts', async () => {
  const fresh = await Engine.load({ modelDir: dir, device: 'cpu', cacheMemory: 64 });
  const order: string[] = [];
  const [warmed, completed] = await Promise.all([
    fresh.warmUp(request(HEAD + C), never).finally(() => order.push('warm-up')),
    new Promise((resolve) => setTimeout(resolve, 1)).then(() =>
      fresh.complete(request(HEAD + C), { signal: never }).finally(() => order.push('request')),
    ),
  ]);
  assert.deepEqual(order, ['warm-up', 'request']);
  const { promptTokens, reusedTokens } = completed.stats;
  if (warmed.finish === 'length') assert.equal(reusedTokens, promptTokens - 1);
  else assert.equal(reusedTokens % 32, 0);
  await fresh.dispose();
});

test('a warm-up runs in short runs with the event loop between them, and stops at the next one', async () => {
  const prompt = bytes('x'.repeat(100));
  const abort = new AbortController();
  const sizes: number[] = [];
  let running = 0;
  const slow = {
    chunk: 256,
    async forward(ids: readonly number[], cache: KvCache): Promise<Float32Array> {
      assert.equal(running++, 0, 'one run at a time');
      sizes.push(ids.length);
      if (sizes.length === 2) setImmediate(() => abort.abort());
      const logits = await model.forward(ids, cache);
      running--;
      return logits;
    },
  };
  const cache = model.newCache();
  assert.deepEqual(await prefill(slow, cache, prompt, abort.signal), { reused: 0, finished: false });
  assert.deepEqual(sizes, [32, 32]);
  assert.equal(cache.ids.length, 64);
  assert.deepEqual(await prefill(slow, cache, prompt, never), { reused: 64, finished: true });
  assert.deepEqual(sizes, [32, 32, 32, 4]);
});
