// Beam search against the search through all texts, and its rules one by one.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { beamSearch, type BeamOptions } from '../../src/engine/decoding/beamSearch';
import { Hypotheses, type EarlyStopping } from '../../src/engine/decoding/hypotheses';
import { generate, type ForwardModel } from '../../src/engine/generate';
import { KvCache } from '../../src/engine/kvCache';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { seededRandom } from '../../src/engine/random';
import { writeTinyModel } from '../tinyModel';
import { logSoftmax } from './decodingReference';

/** A cache of ids alone, which knows what was branched from it and not given back. */
class IdCache extends KvCache {
  static open = 0;
  readonly bytes = 0;
  branch(): IdCache {
    IdCache.open++;
    const branch = new IdCache();
    branch.held = [...this.held];
    return branch;
  }
  advance(ids: readonly number[]): void {
    this.held.push(...ids);
  }
  override dispose(): void {
    IdCache.open--;
    super.dispose();
  }
  protected shorten(): void {
    // the ids are all there is
  }
}

/** Logits that depend on everything before, and on nothing else. */
function toyModel(
  vocab: number,
  seed = 1,
): ForwardModel & { runs: number; after: (ids: readonly number[]) => Float32Array } {
  const after = (ids: readonly number[]): Float32Array => {
    const random = seededRandom(ids.reduce((hash, id) => Math.imul(hash, 31) + id + 1, seed));
    return Float32Array.from({ length: vocab }, () => 4 * random());
  };
  const model = {
    chunk: 2,
    runs: 0,
    after,
    forward(ids: readonly number[], cache: KvCache): Promise<Float32Array> {
      model.runs++;
      (cache as IdCache).advance(ids);
      return Promise.resolve(after(cache.ids));
    },
  };
  return model;
}

const OPTIONS: BeamOptions = {
  prompt: [1, 2, 3],
  beams: 4,
  nBest: 1,
  maxTokens: 4,
  lengthPenalty: 1,
  eosIds: new Set([0]),
  signal: new AbortController().signal,
};

interface Found {
  ids: number[];
  score: number;
  finish: string;
}

/** Every text that ends or is as long as it may be, best first. */
function allTexts(after: (ids: readonly number[]) => Float32Array, options: BeamOptions): Found[] {
  const { prompt, maxTokens, lengthPenalty, eosIds } = options;
  const walk = (ids: number[], sum: number): Found[] => {
    const logits = after([...prompt, ...ids]);
    return [...logits.keys()].flatMap((id) => {
      const longer = sum + logSoftmax(logits, id);
      const score = longer / (ids.length + 1) ** lengthPenalty;
      if (eosIds.has(id)) return [{ ids, score, finish: 'eos' }];
      if (ids.length + 1 === maxTokens) return [{ ids: [...ids, id], score, finish: 'length' }];
      return walk([...ids, id], longer);
    });
  };
  return walk([], 0).sort((a, b) => b.score - a.score);
}

/** Runs a search; every branch must have been given back at its end. */
async function search(
  model: ForwardModel,
  options: Partial<BeamOptions>,
  cache = new IdCache(),
): ReturnType<typeof beamSearch> {
  IdCache.open = 0;
  const found = await beamSearch(model, cache, { ...OPTIONS, ...options });
  assert.equal(IdCache.open, 0, 'branches that were not given back');
  return found;
}

for (const lengthPenalty of [-1, 0, 0.5, 1, 2]) {
  for (const eosIds of [new Set<number>(), new Set([0]), new Set([0, 3])]) {
    test(`with enough beams, all texts are searched: length penalty ${lengthPenalty}, ends ${String([...eosIds])}`, async () => {
      for (let seed = 1; seed <= 4; seed++) {
        const model = toyModel(4, seed);
        const options = { ...OPTIONS, beams: 300, nBest: 300, lengthPenalty, eosIds };
        const found = (await search(model, options)) ?? [];
        const expected = allTexts(model.after, options);
        assert.equal(found.length, expected.length);
        found.forEach(({ ids, score, finish, logprobs }, i) => {
          assert.deepEqual({ ids, finish }, { ids: expected[i]!.ids, finish: expected[i]!.finish });
          assert.ok(Math.abs(score - expected[i]!.score) < 1e-9);
          assert.equal(logprobs.length, ids.length + (finish === 'eos' ? 1 : 0));
        });
      }
    });
  }
}

test('one beam is greedy', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const model = toyModel(30, seed);
    const ids: number[] = [];
    const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
    const options = { ...OPTIONS, minTokens: 0, maxTokens: 12, sampling };
    for await (const { id } of generate(model, new IdCache(), options)) ids.push(id);
    const [found] = (await search(model, { beams: 1, maxTokens: 12, earlyStopping: true })) ?? [];
    assert.deepEqual(found?.ids, ids);
  }
});

test('more beams find no worse a text, and the n best come best first', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const model = toyModel(8, seed);
    const options = { lengthPenalty: 0, eosIds: new Set<number>(), maxTokens: 5 };
    const [best] = allTexts(model.after, { ...OPTIONS, ...options });
    const found = (await search(model, { ...options, beams: 6, nBest: 3 })) ?? [];
    assert.equal(found.length, 3);
    for (let i = 1; i < 3; i++) assert.ok(found[i - 1]!.score >= found[i]!.score);
    assert.ok(found[0]!.score <= best!.score + 1e-9);
    assert.equal(new Set(found.map(({ ids }) => String(ids))).size, 3);
  }
});

test('the cache is left with the prompt, and a second search takes it from there', async () => {
  const model = toyModel(6);
  const cache = new IdCache();
  const first = await search(model, {}, cache);
  assert.deepEqual(cache.ids, OPTIONS.prompt);
  const before = model.runs;
  assert.deepEqual(
    await search(model, { beams: 1, maxTokens: 1 }, cache),
    await search(toyModel(6), { beams: 1, maxTokens: 1 }),
  );
  assert.equal(model.runs, before + 1, 'the last token of the prompt, for its logits');
  assert.deepEqual(await search(model, {}, cache), first);
});

test('fewer tokens than beams, and tokens that cannot come, are no trouble', async () => {
  const found = await search(toyModel(1), { beams: 5, nBest: 5, eosIds: new Set() });
  assert.deepEqual(
    found?.map(({ ids }) => ids),
    [[0, 0, 0, 0]],
  );
  const model = toyModel(5);
  const some: ForwardModel = {
    chunk: 2,
    forward: async (ids, cache) => (await model.forward(ids, cache)).map((logit, id) => (id > 2 ? -Infinity : logit)),
  };
  const texts = (await search(some, { beams: 200, nBest: 200, eosIds: new Set() })) ?? [];
  assert.equal(texts.length, 3 ** 4);
  assert.ok(texts.every(({ ids, score }) => Number.isFinite(score) && ids.every((id) => id <= 2)));
});

test('in a real graph the branches do not disturb each other: every text has the log-probabilities of a run of its own', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'glassbox-beam-'));
  writeTinyModel(dir);
  const model = await Model.load(readModelFolder(dir), 'cpu');
  const options = { ...OPTIONS, prompt: [256, 97, 98, 99], beams: 5, nBest: 5, maxTokens: 7, eosIds: new Set([257]) };
  const found = (await beamSearch(model, model.newCache(), options)) ?? [];
  assert.equal(found.length, 5);
  for (const { ids, logprobs, finish } of found) {
    const text = [...options.prompt, ...ids];
    const logits = await model.forward(text, model.newCache(), 'all');
    const vocab = logits.length / text.length;
    const ends = finish === 'eos' ? [...ids, 257] : ids;
    ends.forEach((id, i) => {
      const row = options.prompt.length - 1 + i;
      const expected = logSoftmax(logits.subarray(row * vocab, (row + 1) * vocab), id);
      assert.ok(Math.abs(logprobs[i]! - expected) < 1e-4, `${logprobs[i]} ${expected}`);
    });
  }
  await model.dispose();
  rmSync(dir, { recursive: true });
});

test('an abort ends the search before the next run', async () => {
  for (const after of [0, 1, 2, 3, 6]) {
    const model = toyModel(6);
    const abort = new AbortController();
    const counted: ForwardModel = {
      chunk: 2,
      forward: (ids, cache) => {
        if (model.runs === after) setImmediate(() => abort.abort());
        return model.forward(ids, cache);
      },
    };
    if (after === 0) abort.abort();
    assert.equal(await search(counted, { signal: abort.signal }), undefined);
    assert.ok(model.runs <= after + 1, `${model.runs} runs`);
  }
});

test('a damaged model is an error, and nothing is left behind', async () => {
  const model = toyModel(6);
  const damaged: ForwardModel = {
    chunk: 2,
    forward: async (ids, cache) => {
      const logits = await model.forward(ids, cache);
      return model.runs > 4 ? logits.fill(NaN) : logits;
    },
  };
  IdCache.open = 0;
  await assert.rejects(beamSearch(damaged, new IdCache(), OPTIONS), { code: 'nan_logits' });
  assert.equal(IdCache.open, 0);
});

/** Finished texts by their log-probabilities; then whether a running text of this sum and length ends the search. */
const ENDS: [stop: EarlyStopping, penalty: number, finished: number[][], sum: number, length: number, full: boolean][] =
  [
    [true, 1, [[-1]], -9, 2, false], // one of two beams
    [true, 1, [[-1], [-2]], -0.1, 2, true],
    [false, 1, [[-1], [-2]], -3, 2, false], // −3 / 2 is better than −2
    [false, 1, [[-1], [-2]], -4, 2, true],
    ['never', 1, [[-1], [-2]], -4, 2, false], // −4 / 10 at its longest
    ['never', 1, [[-1], [-2]], -20, 2, true],
    ['never', 0, [[-1], [-2]], -2.1, 2, true], // without a penalty a sum only falls
    ['never', -1, [[-1], [-2]], -0.9, 2, false], // −1.8 at its present length, the best it can be
    ['never', -1, [[-1], [-2]], -1.1, 2, true],
  ];
for (const [stop, penalty, finished, sum, length, full] of ENDS) {
  test(`early stopping ${stop}, length penalty ${penalty}: sum ${sum} at length ${length} ${full ? 'ends' : 'goes on'}`, () => {
    const hypotheses = new Hypotheses(2, penalty, stop, 10);
    for (const logprobs of finished) hypotheses.add({ ids: [], logprobs, finish: 'eos' });
    assert.equal(hypotheses.isFull(sum, length), full);
  });
}

test('the length penalty favours long texts where it is above 0, short ones below', () => {
  const short = { ids: [1], logprobs: [-1], finish: 'eos' as const };
  const long = { ids: [1, 2, 3], logprobs: [-0.5, -0.5, -0.5, -0.5], finish: 'eos' as const };
  for (const [penalty, first, score] of [
    [-1, short, -1],
    [0, short, -1],
    [1, long, -0.5],
    [2, long, -0.125],
  ] as const) {
    const hypotheses = new Hypotheses(3, penalty, false, 10);
    hypotheses.add(short);
    hypotheses.add(long);
    assert.deepEqual(hypotheses.best[0], { ...first, score });
  }
});
