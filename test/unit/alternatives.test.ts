// Other texts at the place of a completion, against a slow search over every beginning of a text; and through the engine: nothing is read
// again, nothing comes twice, and caches and guesses make no difference.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { alternatives, BRANCHING } from '../../src/engine/alternatives';
import { Engine } from '../../src/engine/engine';
import { generate } from '../../src/engine/generate';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { Sampled } from '../../src/engine/sampler';
import type { Written } from '../../src/engine/writing';
import type { Completion, CompletionRequest } from '../../src/protocol';
import { writeTinyModel } from '../tinyModel';
import { toy, TOY_VOCAB, toyShares } from '../toyModel';

const never = new AbortController().signal;
const shipped = join(process.cwd(), 'models/glassbox-small');
const tiny = mkdtempSync(join(tmpdir(), 'glassbox-alternatives-'));
before(() => writeTinyModel(tiny));
after(() => rmSync(tiny, { recursive: true }));

const GREEDY = { temperature: 0, topK: 0, topP: 1, seed: 0 };

/** Natural logarithms of what follows some tokens, [vocab]. */
type Next = (ids: readonly number[]) => Promise<number[]>;

/**
 * The definition, slowly: of all beginnings that leave the texts found so far at their last token, the most probable one, written on greedily.
 * @returns the ids of the texts, the shown one first
 */
async function slowSearch(next: Next, length: number, count: number): Promise<number[][]> {
  const probable = async (ids: readonly number[]): Promise<number> => {
    let sum = 0;
    for (const [i, id] of ids.entries()) sum += (await next(ids.slice(0, i)))[id] as number;
    return sum;
  };
  const finished = async (ids: readonly number[]): Promise<number[]> => {
    const text = [...ids];
    while (text.length < length) {
      const logs = await next(text);
      text.push(logs.indexOf(Math.max(...logs)));
    }
    return text;
  };
  const found = [await finished([])];
  while (found.length <= count) {
    let best: { ids: number[]; log: number } = { ids: [], log: -Infinity };
    for (const text of found)
      for (let at = 0; at < length; at++) {
        const logs = await next(text.slice(0, at));
        for (let id = 0; id < logs.length; id++) {
          const ids = [...text.slice(0, at), id];
          if (found.some((other) => ids.every((each, i) => other[i] === each))) continue;
          const log = await probable(ids);
          if (log > best.log) best = { ids, log };
        }
      }
    found.push(await finished(best.ids));
  }
  return found;
}

/** What the toy model writes greedily after some tokens, as a finished text. */
async function toyText(begun: readonly Sampled[], length: number, seen: number[][]): Promise<Written> {
  const { model, cache } = toy();
  const steps: Sampled[] = [];
  const drawn = generate(model, cache, {
    prompt: [0, 1],
    begun,
    branching: BRANCHING,
    maxTokens: length,
    minTokens: 0,
    sampling: GREEDY,
    eosIds: new Set(),
    signal: never,
  });
  for await (const step of drawn) steps.push(step);
  const ids = steps.map(({ id }) => id);
  seen.push(ids);
  const text = ids.map((id) => ['a1', 'b2', 'c3', 'd4'][id]).join('');
  const probability = Math.exp(steps.reduce((sum, { conditional }) => sum + conditional, 0));
  return { completion: { text, probability } as Completion, steps, shownSteps: steps.length };
}

test('the alternatives of a model whose distributions are known are those of the slow search', async () => {
  for (const length of [1, 3, 5]) {
    const count = length === 1 ? TOY_VOCAB - 1 : 9;
    const next: Next = (ids) => {
      const [first, second] = [0, 1, ...ids].slice(-2) as [number, number];
      return Promise.resolve(toyShares([first, second], 1).map(Math.log));
    };
    const expected = await slowSearch(next, length, count);
    const seen: number[][] = [];
    const shown = await toyText([], length, seen);
    const found = await alternatives(shown, count, new Set(), (begun) => toyText(begun, length, seen));
    assert.deepEqual(seen, expected);
    assert.equal(found.length, count);
    const probabilities = found.map(({ probability }) => probability);
    assert.deepEqual(
      probabilities,
      probabilities.toSorted((a, b) => b - a),
    );
  }
});

test('no text is the beginning of another, the same but for white space, or one character; the end of the text is no alternative', async () => {
  const token = (id: number, others: number[]): Sampled => ({
    id,
    logprob: -1,
    conditional: -1,
    others: others.map((other) => ({ id: other, logprob: -2 - other / 10, conditional: -2 - other / 10 })),
  });
  const text = (shown: string, steps: Sampled[]): Written => ({
    completion: { text: shown, probability: 0.5 } as Completion,
    steps,
    shownSteps: steps.length,
  });
  const TEXTS: Record<number, string> = {
    1: 'call( a)',
    2: 'call',
    3: 'call(a);',
    4: 'other',
    5: '',
    6: 'oth er',
    7: ';',
    8: 'third',
  };
  const asked: number[] = [];
  const found = await alternatives(
    text('call(a)', [token(0, [9, 1, 2, 3, 4, 5, 6, 7, 8])]),
    3,
    new Set([9]),
    (begun) => {
      asked.push(begun.at(-1)!.id);
      return Promise.resolve(text(TEXTS[begun.at(-1)!.id]!, [token(begun.at(-1)!.id, [])]));
    },
  );
  assert.deepEqual(
    found.map((completion) => completion.text),
    ['other', 'third'],
  );
  assert.deepEqual(asked, [1, 2, 3, 4, 5, 6, 7, 8]);
});

function request(prefix: string, suffix = '', fields: Partial<CompletionRequest> = {}): CompletionRequest {
  const path = 'src/example.ts';
  return { prefix, suffix, path, maxTokens: 20, sampling: GREEDY, raw: false, minProbability: 0.25, ...fields };
}

/** The texts of a completion and its alternatives. */
async function textsOf(engine: Engine, asked: CompletionRequest, count = 3): Promise<string[]> {
  const shown = await engine.complete(asked, { signal: never, id: 1 });
  const others = await engine.alternatives(1, count, never);
  return [shown.text, ...others.map(({ text }) => text)];
}

test('through the engine: those of the slow search, from full runs without a cache', async () => {
  const model = await Model.load(readModelFolder(tiny), 'cpu');
  const engine = await Engine.load({ modelDir: tiny, device: 'cpu' });
  const prompt = new Tokenizer(readModelFolder(tiny)).encode('const a = ');
  const known = new Map<string, number[]>();
  const next: Next = async (ids) => {
    const key = ids.join();
    if (!known.has(key)) {
      const logits = Array.from(await model.forward([...prompt, ...ids], model.newCache()));
      const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
      known.set(
        key,
        logits.map((logit) => logit - total),
      );
    }
    return known.get(key)!;
  };
  // Bytes that are no letters make texts that look the same: the ids are compared, of as many as there are.
  const raw = request('const a = ', '', { raw: true, maxTokens: 3, minProbability: 0 });
  const { tokens } = await engine.complete(raw, { signal: never, id: 7 });
  const found = await engine.alternatives(7, 4, never);
  const expected = await slowSearch(next, 3, 12);
  assert.deepEqual(tokens, expected[0]);
  assert.ok(found.length >= 2);
  for (const { tokens: ids, logprobs, stats } of found) {
    assert.ok(
      expected.some((other) => other.join() === ids.join()),
      `${ids.join()} among ${expected.join(' | ')}`,
    );
    for (const [i, id] of ids.entries())
      assert.ok(Math.abs((await next(ids.slice(0, i)))[id]! - logprobs[i]!) < 1e-3, `token ${i} of ${ids.join()}`);
    assert.equal(stats.reusedTokens, stats.promptTokens);
  }
  await engine.dispose();
  await model.dispose();
});

const PLACES: [string, CompletionRequest][] = [
  ['half a word', request('function read(path: string) {\n  ret', ';\n}\n')],
  ['after a dot', request('for (const name of names) {\n  if (name.', ') continue;\n}\n')],
  [
    'a blank line',
    request(
      'class Stack {\n  #items = [];\n  push(item) {\n    this.#items.push(item);\n  }\n\n  pop() {\n    ',
      '\n  }\n}\n',
    ),
  ],
  ['nothing is shown', request('const zebra = ', '\n', { minProbability: 0.9 })],
];

test('on the shipped model: nothing of the prompt is run again, and nothing comes twice', async () => {
  const engine = await Engine.load({ modelDir: shipped, device: 'cpu' });
  let count = 0;
  for (const [name, asked] of PLACES) {
    const shown = await engine.complete(asked, { signal: never, id: 1 });
    const others = await engine.alternatives(1, 3, never);
    count += others.length;
    const texts = [shown, ...others].map(({ text }) => text.replace(/\s/g, '')).filter((text) => text !== '');
    for (const [i, text] of texts.entries())
      for (const [j, other] of texts.entries())
        assert.ok(i === j || !other.startsWith(text), `${name}: ${text}, ${other}`);
    for (const { stats, probability, text } of others) {
      assert.ok(
        stats.reusedTokens >= stats.promptTokens - 1,
        `${name}: ${stats.reusedTokens} of ${stats.promptTokens}`,
      );
      assert.ok(probability >= 0.02 && probability <= 1 && text.trim() !== '', name);
    }
    // The shown text stays in the cache: accepting it costs no more than before.
    const again = await engine.complete(asked, { signal: never });
    assert.equal(again.text, shown.text);
    assert.equal(again.stats.reusedTokens, again.stats.promptTokens - 1);
  }
  assert.ok(count >= PLACES.length, `${count} alternatives`);
  await engine.dispose();
});

test('they are the same without guesses, and where another document took the cache meanwhile', async () => {
  const plain = await Engine.load({ modelDir: shipped, device: 'cpu', speculation: 'off' });
  const guessing = await Engine.load({ modelDir: shipped, device: 'cpu' });
  for (const [name, asked] of PLACES) {
    const expected = await textsOf(plain, asked);
    assert.deepEqual(await textsOf(guessing, asked), expected, name);
    await plain.complete(asked, { signal: never, id: 2 });
    await plain.complete(request('import os\n', '', { path: 'a.py' }), { signal: never, background: true });
    const others = await plain.alternatives(2, 3, never);
    assert.deepEqual(
      others.map(({ text }) => text),
      expected.slice(1),
      name,
    );
  }
  await plain.dispose();
  await guessing.dispose();
});

test('they belong to the last completion that somebody asked for, and to no other', async () => {
  const engine = await Engine.load({ modelDir: tiny, device: 'cpu' });
  assert.deepEqual(await engine.alternatives(1, 2, never), []);
  const raw = request('const a = ', '', { raw: true, maxTokens: 3, minProbability: 0 });
  await engine.complete(raw, { signal: never, id: 1 });
  const [other] = await engine.alternatives(1, 1, never);
  assert.ok(other !== undefined);
  const background = { ...raw, prefix: 'let b = ' };
  await engine.complete(background, { signal: never, background: true, id: 2 });
  assert.deepEqual(await engine.alternatives(2, 1, never), []);
  assert.equal((await engine.alternatives(1, 1, never))[0]?.text, other.text);
  const { tokens } = await engine.attention(0, 0);
  const { text } = await engine.complete(raw, { signal: never });
  assert.ok(tokens.join('').endsWith(`const a = ${text}`), 'the attention is that of the last completion, too');
  assert.deepEqual(await engine.alternatives(1, 1, never), [], 'a completion without an id took its place');
  await engine.complete(raw, { signal: AbortSignal.abort(), id: 3 });
  assert.deepEqual(await engine.alternatives(3, 1, never), [], 'it was cancelled');
  await engine.complete(raw, { signal: never, id: 4 });
  assert.deepEqual(await engine.alternatives(4, 2, AbortSignal.abort()), []);
  await engine.dispose();
});
