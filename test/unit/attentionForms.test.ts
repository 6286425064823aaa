// Attention maps of every form of graph against the reference: from a rewritten graph's own runs, in one run and in chunks, and, where a
// graph is run as it is, from the copy whose weights were made outputs.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AttentionReader } from '../../src/engine/attention';
import { Engine } from '../../src/engine/engine';
import { EngineError } from '../../src/engine/errors';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import type { CompletionRequest } from '../../src/protocol';
import { FORMS, type Form } from '../graphForms';
import { farthest, type Forward } from '../reference';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-maps-'));
after(() => rmSync(dir, { recursive: true }));

const ids = [256, ...Buffer.from('if (x) y = [a, b].map(f);')];
/** Tokens of a run, where maps are put together of several: the last run is a short one. */
const CHUNK = 7;
/** How far weights may lie from the reference, and their sum from 1. */
const TOLERANCE = 1e-3;
/** Forms whose graph has no weights to show when it is run as it is: sinks take a share that no key has. */
const HIDDEN = ['decomposed, sinks'];

/** Fails unless a map [query, key] is the reference's. @param expected [query][key], key ≤ query */
function checkMap(map: Float32Array, expected: readonly number[][], tolerance: number, what: string): void {
  const n = expected.length;
  assert.equal(map.length, n * n, what);
  for (const [query, row] of expected.entries()) {
    const got = map.subarray(query * n, (query + 1) * n);
    const distance = farthest(got.subarray(0, query + 1), row);
    assert.ok(distance < tolerance, `${what}, query ${query}: ${distance}`);
    assert.ok(Math.abs(got.reduce((sum, x) => sum + x, 0) - row.reduce((sum, x) => sum + x, 0)) < TOLERANCE, what);
    assert.ok(
      got.subarray(query + 1).every((x) => x === 0),
      `${what}: query ${query} looks ahead`,
    );
  }
}

/** All layers, and of each the first, a middle and the last head. */
async function checkMaps(reader: AttentionReader, { attention }: Forward, form: Form, what: string): Promise<void> {
  const tolerance = form.tolerance > TOLERANCE ? form.tolerance : TOLERANCE;
  for (const [layer, heads] of attention.entries()) {
    for (const head of [0, Math.floor(heads.length / 2), heads.length - 1]) {
      const map = await reader.read(ids, layer, head);
      checkMap(map, heads[head]!, tolerance, `${what}, layer ${layer}, head ${head}`);
    }
  }
}

const isUnsupported = (error: unknown): boolean =>
  error instanceof EngineError && error.code === 'model_unsupported' && /attention/.test(error.message);

for (const form of FORMS) {
  test(`${form.name}: attention is the reference's`, async (t) => {
    const folder = join(dir, form.name);
    const expected = form.write(folder)(ids);
    for (const plain of form.rewritable ? [false, true] : [true]) {
      const model = await Model.load(readModelFolder(folder), 'cpu', { plain, threads: 1 });
      t.after(() => model.dispose());
      assert.equal(model.givesAttention, !plain, model.graphNote);
      for (const chunk of plain ? [model.allChunk] : [model.allChunk, CHUNK]) {
        const reader = new AttentionReader(model, chunk);
        t.after(() => reader.dispose());
        const what = `${model.graphNote}, chunks of ${chunk}`;
        if (plain && HIDDEN.includes(form.name)) await assert.rejects(reader.read(ids, 0, 0), isUnsupported);
        else await checkMaps(reader, expected, form, what);
      }
      if (!plain) await checkNoTrace(model, form);
    }
  });
}

/** Runs whose attention was fetched against runs without: what the model says afterwards is the same. */
async function checkNoTrace(model: Model, { tolerance }: Form): Promise<void> {
  const [looked, not] = [model.newCache(), model.newCache()];
  const parts = [ids.slice(0, 9), ids.slice(9, 10), ids.slice(10, 14)];
  for (const part of parts) {
    const { queries, keys } = await model.attention(part, looked, 1);
    await model.forward(part, not);
    assert.deepEqual([queries, keys], [part.length, not.length]);
  }
  assert.deepEqual(looked.ids, not.ids);
  const distance = farthest(await model.forward([105], looked), await model.forward([105], not));
  assert.ok(distance < tolerance / 10, `logits ${distance} apart after a look`);
}

test('looking at a completion leaves its cache alone', async () => {
  const folder = join(dir, 'looked at');
  FORMS.find(({ name }) => name === 'gqa')!.write(folder);
  const engine = await Engine.load({ modelDir: folder, device: 'cpu', threads: 1 });
  const request: CompletionRequest = {
    prefix: 'return a[i] + ',
    suffix: '',
    maxTokens: 8,
    sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
    raw: true,
  };
  const { signal } = new AbortController();
  const first = await engine.complete(request, { signal });
  const untouched = await engine.complete(request, { signal });
  const map = await engine.attention(1, 2);
  assert.equal(map.tokens.length, untouched.stats.promptTokens + untouched.tokens.length);
  await engine.attention(0, 0, 'something else');
  const looked = await engine.complete(request, { signal });
  assert.ok(looked.stats.reusedTokens > 0);
  assert.equal(looked.stats.reusedTokens, untouched.stats.reusedTokens);
  assert.deepEqual(looked.tokens, first.tokens);
  assert.ok(farthest(looked.logprobs, untouched.logprobs) < 1e-6);
  await engine.dispose();
});
