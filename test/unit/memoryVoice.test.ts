// The share of the workspace memory in the mixture, against its definition written out slowly.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CopyText, silent, type CopyingWeights } from '../../src/engine/copying';
import { EngineError } from '../../src/engine/errors';
import { MemoryIndex } from '../../src/engine/memory/memoryIndex';
import { MemoryVoice, readMemoryWeights, type MemoryWeights } from '../../src/engine/memory/voice';
import { seededRandom } from '../../src/engine/random';

const VOCAB = 8;
const COPYING: CopyingWeights = {
  base: 4,
  longest: 4,
  one: { copy: [0, 0.1, 0.3, 0.5], word: [0.02, 0.03, 0.01, 0] },
  same: { copy: [0, 0.2, 0.6, 0.8], word: [0.05, 0.02, 0, 0.01] },
  mixed: { copy: [0, 0.15, 0.25, 0.4], word: [0, 0, 0.02, 0.03] },
};
const MEMORY: MemoryWeights = {
  base: 3,
  longest: 5,
  alone: { one: [0, 0, 0.3, 0.5], same: [0, 0, 0.4, 0.9], mixed: [0, 0, 0.2, 0.6] },
  beside: { one: [0, 0, 0.1, 0.2], same: [0, 0, 0.05, 0.3], mixed: [0, 0, 0.15, 0] },
};

const softmax = (logits: ArrayLike<number>): number[] => {
  const exps = Array.from(logits, Math.exp);
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
};

/** [vocab] What the memory adds, and its share, by the definition. */
function reference(
  files: readonly number[][],
  text: readonly number[],
  besides: number,
): { share: number; followed: number[] } {
  const places = files.flatMap((ids) =>
    ids.slice(1).flatMap((next, at) => {
      let agreement = 0;
      while (
        agreement < Math.min(MEMORY.longest, text.length, at + 1) &&
        ids[at - agreement] === text.at(-1 - agreement)
      )
        agreement++;
      return agreement >= 2 ? [{ next, agreement }] : [];
    }),
  );
  const longest = Math.max(0, ...places.map(({ agreement }) => agreement));
  const best = places.filter(({ agreement }) => agreement === longest).map(({ next }) => next);
  const kind = best.length === 1 ? 'one' : new Set(best).size === 1 ? 'same' : 'mixed';
  const all = places.reduce((sum, { agreement }) => sum + 3 ** agreement, 0);
  const followed = Array.from({ length: VOCAB }, (_, id) =>
    places.filter(({ next }) => next === id).reduce((sum, { agreement }) => sum + 3 ** agreement / all, 0),
  );
  if (places.length === 0) return { share: 0, followed };
  return { share: MEMORY[besides >= longest ? 'beside' : 'alone'][kind][Math.min(longest, 3)] as number, followed };
}

test('the mixture with the memory is the one of the definition, and a distribution', () => {
  const random = seededRandom(5);
  const ids = (length: number, tokens: number): number[] => Array.from({ length }, () => Math.floor(random() * tokens));
  let heard = 0;
  for (let round = 0; round < 300; round++) {
    const tokens = 2 + Math.floor(random() * 6); // few different ones: much agrees
    const files = Array.from({ length: Math.floor(random() * 4) }, () => ids(Math.floor(random() * 30), tokens));
    const index = new MemoryIndex(VOCAB, 8 << 20);
    for (const [i, file] of files.entries()) index.add(`file${i}`, '', file);
    const text = ids(1 + Math.floor(random() * 20), tokens);
    const logits = Float32Array.from({ length: VOCAB }, () => 4 * random() - 2);
    const weights = round % 3 === 0 ? silent(COPYING) : COPYING;
    const alone = new CopyText(weights, text, VOCAB);
    const without = softmax(alone.mix(logits));
    const { share, followed } = reference(files, text, alone.matches().agreement);
    const expected = without.map((p, id) => (1 - share) * p + share * (followed[id] as number));
    const mixed = softmax(new CopyText(weights, text, VOCAB, new MemoryVoice(index, MEMORY, [])).mix(logits));
    for (const [id, p] of mixed.entries())
      assert.ok(Math.abs(p - (expected[id] as number)) < 1e-6, `round ${round}, id ${id}: ${p}, ${expected[id]}`);
    if (share > 0) heard++;
  }
  assert.ok(heard > 100, `the memory had a say in ${heard} rounds`);
});

test('the document itself does not count, nor does a memory without weights', () => {
  const index = new MemoryIndex(VOCAB, 8 << 20);
  index.add('own.ts', '', [1, 2, 3]);
  index.add('other.ts', '', [1, 2, 4]);
  const voice = new MemoryVoice(index, MEMORY, ['own.ts', 'unknown.ts']);
  assert.deepEqual(voice.say([1, 2], 0), { followed: new Map([[4, 1]]), share: 0.3 });
  assert.equal(new MemoryVoice(index, MEMORY, ['own.ts', 'other.ts']).say([1, 2], 0), undefined);
  assert.equal(new MemoryVoice(index, undefined, []).say([1, 2], 0), undefined);
  assert.deepEqual(voice.guess([1, 2], 5), { ids: [4], agreement: 2 });
  assert.equal(
    voice.guess([1, 2], 5, (id) => id === 3),
    undefined,
  );
});

test('damaged weights are refused by name', () => {
  const read = (value: unknown): unknown => readMemoryWeights({ glassbox_memory: value }, 'generation_config.json');
  assert.deepEqual(read(MEMORY), MEMORY);
  assert.equal(readMemoryWeights({}, ''), undefined);
  for (const damaged of [
    3,
    { ...MEMORY, base: 0 },
    { ...MEMORY, longest: 1.5 },
    { ...MEMORY, alone: undefined },
    { ...MEMORY, beside: { ...MEMORY.beside, one: [] } },
    { ...MEMORY, beside: { ...MEMORY.beside, one: [0, 1] } },
    { ...MEMORY, base: 1e20, longest: 100 },
  ])
    assert.throws(
      () => read(damaged),
      (error) => error instanceof EngineError && error.code === 'model_damaged',
      JSON.stringify(damaged),
    );
});
