// The sampler: limits on what may be drawn, its log-probabilities, and the filters that every request has, against decodingReference.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/engine/random';
import { candidates, sample } from '../../src/engine/sampler';
import type { Sampling } from '../../src/protocol';
import { filtered } from './decodingReference';

const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };

/** @returns [id, probability] */
function byDefinition(logits: Float32Array, sampling: Sampling): [number, number][] {
  return filtered(logits, sampling).map(({ id, probability }) => [id, probability]);
}

function randomLogits(size: number, spread: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: size }, () => (random() + random() + random() - 1.5) * spread);
}

const SETTINGS: [temperature: number, topK: number, topP: number][] = [
  [1, 0, 1],
  [0.2, 0, 0.95],
  [0.7, 0, 0.5],
  [1.5, 0, 0.99],
  [1, 1, 1],
  [1, 40, 1],
  [0.8, 40, 0.9],
  [1, 3, 0.999],
  [1, 5000, 0.9],
  [2, 0, 0.01],
];
for (const [temperature, topK, topP] of SETTINGS) {
  test(`candidates are those of the definition at temperature ${temperature}, top-k ${topK}, top-p ${topP}`, () => {
    for (const [size, spread, seed] of [
      [300, 4, 1],
      [2000, 10, 2],
      [2000, 0.1, 3],
      [1, 1, 4],
    ] as const) {
      const logits = randomLogits(size, spread, seed);
      const sampling = { temperature, topK, topP, seed: 0 };
      const expected = byDefinition(logits, sampling);
      const { ids, probabilities } = candidates(logits, sampling);
      if (topK === 0 && topP === 1) expected.sort(([a], [b]) => a - b); // unfiltered: by id
      assert.deepEqual(
        ids,
        expected.map(([id]) => id),
        `${size} logits`,
      );
      expected.forEach(([, p], i) => assert.ok(Math.abs(p - probabilities[i]!) < 1e-6));
    }
  });
}

test('draws occur as often as their probability says (chi-square, 8 degrees of freedom, p > 0.001)', () => {
  const logits = randomLogits(9, 3, 7);
  const sampling: Sampling = { temperature: 0.9, topK: 0, topP: 1, seed: 0 };
  const random = seededRandom(42);
  const draws = 20_000;
  const counts = new Array<number>(9).fill(0);
  for (let i = 0; i < draws; i++) counts[sample(logits, sampling, random).id]!++;
  const chiSquare = byDefinition(logits, sampling).reduce(
    (sum, [id, p]) => sum + (counts[id]! - draws * p) ** 2 / (draws * p),
    0,
  );
  assert.ok(chiSquare < 26.12, `chi-square ${chiSquare}`);
});

test('temperature 0 takes the largest logit, the lowest id among equals', () => {
  assert.equal(sample(Float32Array.of(1, 5, 5, 2), greedy, () => 0.99).id, 1);
});

test('the log-probability is the model’s own, whatever the filters', () => {
  const logits = Float32Array.of(1, 2, 3);
  const expected = 3 - Math.log(Math.exp(1) + Math.exp(2) + Math.exp(3));
  for (const sampling of [greedy, { ...greedy, temperature: 0.1, topK: 1 }]) {
    assert.ok(Math.abs(sample(logits, sampling, () => 0).logprob - expected) < 1e-9);
  }
});

test('a forbidden token is not drawn, and does not change the others’ log-probability', () => {
  const logits = Float32Array.of(1, 9, 3);
  for (const sampling of [greedy, { ...greedy, temperature: 1, topP: 0.5 }]) {
    const { id, logprob } = sample(logits, sampling, () => 0, { forbidden: new Set([1]) });
    assert.equal(id, 2);
    assert.ok(Math.abs(logprob - (3 - Math.log(Math.exp(1) + Math.exp(9) + Math.exp(3)))) < 1e-9);
  }
});

test('only allowed tokens are drawn, with their share among those', () => {
  const logits = Float32Array.of(1, 9, 3, 2);
  const random = seededRandom(3);
  for (const sampling of [greedy, { ...greedy, temperature: 1 }, { ...greedy, temperature: 2, topK: 3, topP: 0.9 }]) {
    for (let i = 0; i < 50; i++) {
      const { id, logprob, conditional } = sample(logits, sampling, random, { allowed: [3, 0] });
      assert.ok(id === 0 || id === 3);
      if (sampling.temperature === 0) assert.equal(id, 3);
      const all = Math.log([1, 9, 3, 2].reduce((sum, logit) => sum + Math.exp(logit), 0));
      assert.ok(Math.abs(logprob - (logits[id]! - all)) < 1e-9);
      assert.ok(Math.abs(conditional - (logits[id]! - Math.log(Math.exp(1) + Math.exp(2)))) < 1e-9);
    }
  }
});

test('equal seeds give equal draws, other seeds others', () => {
  const logits = randomLogits(500, 2, 9);
  const draw = (seed: number): number[] => {
    const random = seededRandom(seed);
    return Array.from({ length: 20 }, () => sample(logits, { ...greedy, temperature: 1 }, random).id);
  };
  assert.deepEqual(draw(5), draw(5));
  assert.notDeepEqual(draw(5), draw(6));
});

for (const [name, logits] of [
  ['not a number', [1, NaN, 2]],
  ['infinite', [1, Infinity, 2]],
  ['all −∞', [-Infinity, -Infinity]],
] as const) {
  test(`logits that are ${name} are an error that says what to do`, () => {
    assert.throws(() => sample(Float32Array.from(logits), greedy, () => 0), {
      code: 'nan_logits',
      message: /restore the model folder|set the device/,
    });
  });
}
