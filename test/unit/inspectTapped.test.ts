// Weights that are taken from the runs that write a text, against runs over the same ids afterwards: whatever came between, such as wrong
// guesses, a cancel, somebody who looks away, another text, a window that slides.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { rowStart, weightsOf } from '../../src/attention/weights';
import { Engine } from '../../src/engine/engine';
import { Follower } from '../../src/engine/inspect/follower';
import { RowRunner } from '../../src/engine/rowRunner';
import { seededRandom } from '../../src/engine/random';
import type { GrewMessage } from '../../src/inspectionProtocol';
import type { Completion, CompletionRequest } from '../../src/protocol';
import { FORMS } from '../graphForms';
import { TINY } from '../tinyModel';
import { ask, CLOSE } from './inspection';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-inspect-tapped-'));
/** Full precision each: with 8-bit activations, runs of one and of several tokens round differently. */
const MODELS = [
  { name: 'the shipped model', modelDir: join(process.cwd(), 'models/glassbox-small'), weights: 'onnx/model.onnx' },
  { name: 'rotation inside', modelDir: join(dir, 'gqa'), weights: undefined },
  {
    name: 'a window in every other layer',
    modelDir: join(dir, 'gqa, window in every other layer'),
    weights: undefined,
  },
  { name: 'one token after another', modelDir: join(dir, 'mha, heads repeated, model builder'), weights: undefined },
  { name: 'as it is', modelDir: join(dir, 'decomposed, keys transposed in the cache'), weights: undefined },
];
before(() => {
  for (const form of FORMS)
    if (MODELS.some(({ modelDir }) => modelDir === join(dir, form.name))) form.write(join(dir, form.name));
});
after(() => rmSync(dir, { recursive: true }));

const request = (prefix: string, maxTokens: number, fields: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prefix,
  suffix: '',
  maxTokens,
  sampling: { temperature: 0.7, topK: 0, topP: 1, seed: 11 },
  raw: true,
  ...fields,
});

function load({ modelDir, weights }: (typeof MODELS)[number], cacheMemory = 0): Promise<Engine> {
  return Engine.load({
    modelDir,
    device: 'cpu',
    threads: 1,
    cacheMemory,
    ...(weights === undefined ? {} : { weights }),
  });
}

/** The weights of the last text, in some heads, against a run of its own. */
async function checkLast(engine: Engine, what: string): Promise<void> {
  const { shape, tokens } = await ask(engine.inspector, { ask: 'text', from: 0 });
  const n = tokens.length;
  for (const [layer, head] of [
    [0, 0],
    [1, shape.heads - 1],
    [shape.layers - 1, 1],
  ] as const) {
    const answer = await ask(engine.inspector, { ask: 'head', layer, head, from: 0 });
    assert.equal(answer.n, n, what);
    const got = weightsOf(answer.weights);
    const { weights: expected } = await engine.attention(layer, head);
    for (let query = 0; query < n; query++)
      for (let key = 0; key <= query; key++) {
        const [a, b] = [got[rowStart(query) + key] as number, expected[query * n + key] as number];
        assert.ok(
          Math.abs(a - b) < CLOSE,
          `${what}: layer ${layer}, head ${head}, query ${query}, key ${key}: ${a} for ${b}`,
        );
      }
  }
}

const BEGINNINGS = ['const a = [1, 2, 3];\n', 'const a = [1, 2, 3];\nconst b = a', 'for (const x of a', 'x'];

for (const model of MODELS)
  for (const cacheMemory of [0, 64])
    test(`${model.name}, ${cacheMemory === 0 ? 'one context' : 'several contexts'}: whatever came between, the weights are those of the text`, async () => {
      const engine = await load(model, cacheMemory);
      const random = seededRandom(cacheMemory + 5);
      const grew: Omit<GrewMessage, 'type'>[] = [];
      const watch = (): void => engine.inspector.watch((message) => void grew.push(message));
      watch();
      try {
        for (let id = 0; id < 12; id++) {
          const prefix = BEGINNINGS[Math.floor(random() * BEGINNINGS.length)] as string;
          const abort = new AbortController();
          const turns = Math.floor(random() * 10);
          const [cancels, looksAway, warms, background] = Array.from({ length: 4 }, () => random() < 0.3);
          if (warms) await engine.warmUp(request(prefix, 24), abort.signal);
          let seen = 0;
          await engine.complete(request(prefix, 24), {
            signal: abort.signal,
            id,
            onToken: () => {
              if (seen++ !== turns) return;
              if (cancels) abort.abort();
              if (looksAway) {
                engine.inspector.watch(undefined);
                setImmediate(watch);
              }
            },
          });
          const what = `text ${id} (${String([prefix, turns, cancels, looksAway, warms, background])})`;
          if (background)
            await engine.complete(request('other', 6), { signal: abort.signal, id: 100 + id, background: true });
          // What was cancelled is the last sequence, but not the last completion.
          if (!cancels) await checkLast(engine, what);
          assert.equal((await ask(engine.inspector, { ask: 'text', from: 0 })).sequence, id, what);
        }
        assert.ok(grew.length > 10 && grew.every(({ n }) => n > 0));
      } finally {
        await engine.dispose();
      }
    });

test('who looks away in the middle of a text costs the rest of it nothing', async () => {
  const engine = await load(MODELS[1] as (typeof MODELS)[number]);
  const forward = Reflect.get(RowRunner.prototype, 'forward');
  const ran = Reflect.get(Follower.prototype, 'ran');
  let [closed, before, after, tokens] = [false, 0, 0, 0];
  // Runs that take long are looked at one by one.
  RowRunner.prototype.forward = async function (...parts) {
    await new Promise((later) => setTimeout(later, 4));
    return forward.apply(this, parts);
  };
  Follower.prototype.ran = function (...parts) {
    if (closed) after++;
    else before++;
    ran.apply(this, parts);
  };
  try {
    engine.inspector.watch(() => undefined);
    const { signal } = new AbortController();
    await engine.complete(request('first', 60), { signal, id: 1 });
    before = 0;
    await engine.complete(request('another text', 60), {
      signal,
      id: 2,
      onToken: () => {
        if (++tokens !== 20) return;
        engine.inspector.watch(undefined);
        closed = true;
      },
    });
    assert.ok(before > 10, `${before} runs were seen`);
    assert.equal(after, 0);
    await checkLast(engine, 'what was written');
  } finally {
    RowRunner.prototype.forward = forward;
    Follower.prototype.ran = ran;
    await engine.dispose();
  }
});

for (const model of MODELS.slice(1))
  test(`${model.name}: a window slides while somebody watches, and the text is the same`, async () => {
    const engine = await load(model);
    const endless = request('x', 2 * TINY.context, {
      endless: true,
      sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
    });
    const write = (id: number): Promise<Completion> =>
      engine.complete(endless, { signal: new AbortController().signal, id });
    try {
      const alone = await write(1);
      const told: number[] = [];
      engine.inspector.watch(({ n }) => void told.push(n));
      const watched = await write(2);
      assert.deepEqual(watched.tokens, alone.tokens);
      const { tokens } = await ask(engine.inspector, { ask: 'text', from: 0 });
      assert.equal(tokens.length, alone.stats.promptTokens + 2 * TINY.context);
      // The end is told of, though there are no weights of it.
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(told.at(-1), tokens.length);
      await engine.complete(request('y = ', 10), { signal: new AbortController().signal, id: 3 });
      await checkLast(engine, 'the text after it');
    } finally {
      await engine.dispose();
    }
  });
