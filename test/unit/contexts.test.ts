// Which prompts stay warm: sequences of prompts against the contexts. The caches are filled by hand: the row of a token holds its id
// and its position, so that what a cache holds can be read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Contexts } from '../../src/engine/contexts';
import type { KvCache } from '../../src/engine/kvCache';
import { seededRandom } from '../../src/engine/random';
import { Tensor } from '../../src/engine/session';
import { TensorCache } from '../../src/engine/tensorCache';

/** One float32 for the id, one for the position. */
const BYTES_PER_TOKEN = 8;

const bytes = (text: string): number[] => [...Buffer.from(text)];
const text = (cache: KvCache): string => Buffer.from(cache.ids).toString();
/** What a run leaves for `ids`: [1, kvHead, position, headDim] = [1, 1, ids, 2]. */
const filled = (ids: readonly number[]): Record<string, Tensor> => ({
  rows: new Tensor('float32', Float32Array.from(ids.flatMap((id, position) => [id, position])), [1, 1, ids.length, 2]),
});
const contextsOf = (tokens: number): Contexts =>
  new Contexts(() => new TensorCache(filled([])), tokens * BYTES_PER_TOKEN);

/** Runs a prompt as the engine does; returns how many of its tokens were there. */
function run(contexts: Contexts, prompt: string): number {
  const ids = bytes(prompt);
  const cache = contexts.take(ids) as TensorCache;
  const reused = cache.keepPrefix(ids, ids.length - 1);
  cache.advance(ids.slice(reused), filled([...cache.ids, ...ids.slice(reused)]));
  contexts.release(true);
  return reused;
}

/** What all caches hold, checked row by row and added up by hand. */
function tokensHeld(contexts: Contexts): number {
  let held = 0;
  for (const cache of contexts.caches) {
    assert.deepEqual((cache as TensorCache).tensors['rows']?.data, filled(cache.ids)['rows']?.data);
    held += cache.ids.length;
  }
  assert.equal(contexts.bytes, held * BYTES_PER_TOKEN);
  return held;
}

const HEAD = '// two other files, the same for every document\n';
const [A, B, C] = ['alpha = first + '.repeat(2), 'beta = second - '.repeat(2), 'gamma = third / '.repeat(2)];

interface Sequence {
  name: string;
  /** Tokens that all contexts may hold together. */
  budget: number;
  /** Prompt and how many of its tokens were there already. */
  prompts: [string, number][];
  /** The contexts at the end, the one used last last. */
  live: string[];
}

const SEQUENCES: Sequence[] = [
  {
    name: 'typing stays in one context',
    budget: 1000,
    prompts: [
      [A, 0],
      [`${A}b`, A.length],
      [`${A}bc`, A.length + 1],
    ],
    live: [`${A}bc`],
  },
  {
    name: 'a few tokens taken back stay in one context',
    budget: 1000,
    prompts: [
      [`${A}return 1`, 0],
      [`${A}ret`, A.length + 2],
    ],
    live: [`${A}ret`],
  },
  {
    name: 'two documents that alternate stay warm',
    budget: 1000,
    prompts: [
      [A, 0],
      [B, 0],
      [`${A}1`, A.length],
      [`${B}1`, B.length],
      [`${A}12`, A.length + 1],
    ],
    live: [`${B}1`, `${A}12`],
  },
  {
    name: 'two short documents, too',
    budget: 1000,
    prompts: [
      ['a = 1', 0],
      ['b = 1', 0],
      ['a = 1;', 5],
      ['b = 1;', 5],
    ],
    live: ['a = 1;', 'b = 1;'],
  },
  {
    name: 'a shared head is branched, and both go on',
    budget: 1000,
    prompts: [
      [HEAD + A, 0],
      [HEAD + B, HEAD.length],
      [`${HEAD + A}1`, (HEAD + A).length],
      [`${HEAD + B}1`, (HEAD + B).length],
    ],
    live: [`${HEAD + A}1`, `${HEAD + B}1`],
  },
  {
    name: 'the cursor goes up and comes back',
    budget: 1000,
    prompts: [
      [A + B + C, 0],
      [A, A.length - 1],
      [`${A + B + C}1`, (A + B + C).length],
    ],
    live: [A, `${A + B + C}1`],
  },
  {
    name: 'over the budget, the one used longest ago goes first',
    budget: 75,
    prompts: [
      [A, 0],
      [B, 0],
      [`${A}1`, A.length],
      [C, 0],
      [`${A}12`, A.length + 1],
      [B, 0],
    ],
    live: [`${A}12`, B],
  },
  {
    name: 'what does not fit beside another is cut back in place',
    budget: 90,
    prompts: [
      [HEAD + A, 0],
      [HEAD + B, HEAD.length],
      [HEAD + A, HEAD.length],
    ],
    live: [HEAD + A],
  },
  {
    name: 'without a budget there is one context',
    budget: 0,
    prompts: [
      [HEAD + A, 0],
      [HEAD + B, HEAD.length],
      [C, 0],
      [`${C}1`, C.length],
    ],
    live: [`${C}1`],
  },
];

for (const { name, budget, prompts, live } of SEQUENCES) {
  test(`contexts: ${name}`, () => {
    const contexts = contextsOf(budget);
    for (const [prompt, expected] of prompts) {
      assert.equal(run(contexts, prompt), expected, JSON.stringify(prompt));
      const held = tokensHeld(contexts);
      assert.ok(contexts.caches.length === 1 || held <= budget, `${held} tokens held`);
    }
    assert.deepEqual(contexts.caches.map(text), live);
  });
}

test('contexts: one whose run failed is forgotten, and no other', () => {
  const contexts = contextsOf(1000);
  run(contexts, A);
  run(contexts, B);
  contexts.take(bytes(`${A}1`));
  contexts.release(false);
  contexts.release(false); // a failure before any cache was taken
  assert.deepEqual(contexts.caches.map(text), [B]);
});

test('contexts: thousands of random prompts keep to the budget, and reuse what a search by hand finds', () => {
  const budget = 400;
  const contexts = contextsOf(budget);
  const random = seededRandom(1);
  const below = (n: number): number => Math.floor(random() * n);
  let most = 0;
  for (let i = 0; i < 3000; i++) {
    const prompt = HEAD.slice(0, below(40)) + [A, B, C][below(3)]!.slice(0, 1 + below(31));
    const agreeing = contexts.caches.map((cache) => {
      let length = prompt.length - 1; // the last token runs in any case
      while (!text(cache).startsWith(prompt.slice(0, length))) length--;
      return length;
    });
    const longest = Math.max(0, ...agreeing);
    const reused = run(contexts, prompt);
    assert.ok(reused === longest || (longest < 8 && reused < 8), `${reused} of ${longest}`);
    assert.ok(tokensHeld(contexts) <= budget);
    most = Math.max(most, contexts.caches.length);
  }
  assert.ok(most > 8, `${most} contexts at once`);
});
