// Text without end: constant memory, sinks that stay, and keys that are where a model expects them.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Engine } from '../../src/engine/engine';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { makeRoom, SINKS } from '../../src/engine/sliding';
import type { Completion } from '../../src/protocol';
import { FORMS } from '../graphForms';
import { farthest } from '../reference';
import { TINY } from '../tinyModel';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-sliding-'));
const form = FORMS.find(({ name }) => name === 'gqa')!;
let model: Model;
let plain: Model;
before(async () => {
  form.write(dir);
  model = await Model.load(readModelFolder(dir), 'cpu');
  plain = await Model.load(readModelFolder(dir), 'cpu', { plain: true });
});
after(async () => {
  await model.dispose();
  await plain.dispose();
  rmSync(dir, { recursive: true });
});

const ids = Array.from({ length: 60 }, (_, i) => (i * 37 + 11) % 256);

test('there is room: nothing happens', async () => {
  const cache = model.newCache();
  await model.forward(ids.slice(0, 40), cache);
  await makeRoom(model, cache, 24, 64);
  assert.deepEqual(cache.ids, ids.slice(0, 40));
});

test('no room: a block behind the sinks goes, the rest moves up', async () => {
  for (const one of [model, plain]) {
    const cache = one.newCache();
    await one.forward(ids, cache);
    await makeRoom(one, cache, 8, 64);
    assert.deepEqual(cache.ids, [...ids.slice(0, SINKS), ...ids.slice(SINKS + 16)]);
  }
});

test('after a slide the first layer’s keys are those of the new positions', async () => {
  // The first layer's keys depend on their tokens and positions alone: its attention must be that of a fresh run.
  const kept = [...ids.slice(0, SINKS), ...ids.slice(SINKS + 16)];
  const [slid, fresh] = [model.newCache(), model.newCache()];
  await model.forward(ids, slid);
  await makeRoom(model, slid, 8, 64);
  await model.forward(kept, fresh);
  const [a, b] = [await model.attention([65], slid, 0), await model.attention([65], fresh, 0)];
  assert.equal(a.keys, kept.length + 1);
  assert.ok(farthest(a.weights, b.weights) < 1e-4, `${farthest(a.weights, b.weights)}`);
});

test('what stays is run again where keys cannot be moved: the same as a fresh run', async () => {
  const kept = [...ids.slice(0, SINKS), ...ids.slice(SINKS + 16)];
  const [slid, fresh] = [plain.newCache(), plain.newCache()];
  await plain.forward(ids, slid);
  await makeRoom(plain, slid, 8, 64);
  await plain.forward(kept, fresh);
  assert.ok(farthest(await plain.forward([65], slid), await plain.forward([65], fresh)) < 1e-4);
});

/** A text of up to three windows. */
function endless(engine: Engine, prefix: string, temperature: number, seed: number): Promise<Completion> {
  const sampling = { temperature, topK: 0, topP: 1, seed };
  return engine.complete(
    { prefix, suffix: '', maxTokens: 3 * TINY.context, sampling, raw: true, endless: true },
    { signal: new AbortController().signal },
  );
}

test('past the window, guesses change nothing', async () => {
  const [off, auto] = await Promise.all(
    (['off', 'auto'] as const).map((speculation) => Engine.load({ modelDir: dir, device: 'cpu', speculation })),
  );
  const text = async (engine: Engine, seed: number): Promise<{ tokens: number[]; drafted: number }> => {
    const { tokens, stats } = await endless(engine, 'ab ab ab ab ab ab ab', 0.3, seed);
    return { tokens, drafted: stats.draftedTokens };
  };
  let [longest, drafted] = [0, 0];
  for (let seed = 0; seed < 12; seed++) {
    const [a, b] = [await text(off!, seed), await text(auto!, seed)];
    assert.deepEqual(b.tokens, a.tokens, `seed ${seed}`);
    longest = Math.max(longest, a.tokens.length);
    drafted += b.drafted;
  }
  assert.ok(longest > 2 * TINY.context, `${longest} tokens at most`);
  assert.ok(drafted > 0, 'nothing was guessed');
  await off!.dispose();
  await auto!.dispose();
});

test('a request longer than the window goes on', async () => {
  const engine = await Engine.load({ modelDir: dir, device: 'cpu', speculation: 'off' });
  const text = (seed: number): Promise<Completion> => endless(engine, 'for (;;)', 1.5, seed);
  let longest = 0;
  for (let seed = 0; seed < 12; seed++) longest = Math.max(longest, (await text(seed)).tokens.length);
  assert.ok(longest > TINY.context, `${longest} tokens at most: all ended before the window was full`);
  const again = [await text(3), await text(3)];
  assert.deepEqual(again[0]!.tokens, again[1]!.tokens, 'what was slid is not taken for a prompt');
  await engine.dispose();
});
