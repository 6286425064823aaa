// The filters against their definitions (decodingReference.ts): the same tokens, the same probabilities, and draws as often as those say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutAt } from '../../src/engine/decoding/cut';
import { sumOfWeights, writeWeights } from '../../src/engine/decoding/exponential';
import { seededRandom, type Random } from '../../src/engine/random';
import { argmax, candidates, logSumExp, sample } from '../../src/engine/sampler';
import type { Sampling } from '../../src/protocol';
import { filtered, logSoftmax, penalised, sampleSlowly } from './decodingReference';

const OPEN: Sampling = { temperature: 1, topK: 0, topP: 1, seed: 0 };
const STRATEGIES: Partial<Sampling>[] = [
  {},
  { temperature: 0.3 },
  { topK: 1 },
  { topK: 7 },
  { topK: 600, temperature: 2 },
  { topP: 0.9 },
  { topP: 0.5, temperature: 0.2 },
  { topP: 0.999, temperature: 1.7 },
  { topP: 0.01 },
  { minP: 0.05 },
  { minP: 1 },
  { minP: 0.5, temperature: 3 },
  { typicalP: 0.9 },
  { typicalP: 0.2, temperature: 0.5 },
  { repetitionPenalty: 1.3 },
  { repetitionPenalty: 0.7, topP: 0.8 },
  { topK: 50, topP: 0.9, minP: 0.02, typicalP: 0.95, temperature: 0.8, repetitionPenalty: 1.1 },
];

const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
/** Kinds of logits: what is special, and how one is made. */
const KINDS: Record<string, (random: Random, size: number) => Float32Array> = {
  normal: (random, size) => Float32Array.from({ length: size }, () => 3 * normal(random)),
  peaked: (random, size) =>
    Float32Array.from({ length: size }, (_, id) => (id % 97 === 5 ? 15 : 0) + 2 * normal(random)),
  flat: (random, size) => Float32Array.from({ length: size }, () => random() / 100),
  tied: (random, size) => Float32Array.from({ length: size }, () => Math.floor(random() * 6)),
  'all equal': (_, size) => new Float32Array(size).fill(-2),
  'partly −∞': (random, size) =>
    Float32Array.from({ length: size }, (_, id) => (id > 0 && random() < 0.7 ? -Infinity : 4 * normal(random))),
  huge: (random, size) => Float32Array.from({ length: size }, () => 5e37 * normal(random)),
  tiny: (random, size) => Float32Array.from({ length: size }, () => 1e-4 * normal(random)),
};
const SIZES = [1, 2, 3, 40, 257, 600];

for (const [kind, make] of Object.entries(KINDS)) {
  test(`candidates are those of the definition: ${kind} logits`, () => {
    for (const size of SIZES) {
      for (let seed = 0; seed < 3; seed++) {
        const random = seededRandom(size * 31 + seed);
        const logits = make(random, size);
        const ids = Array.from({ length: 20 }, () => Math.floor(random() * size));
        for (const fields of STRATEGIES)
          same(logits, { ...OPEN, ...fields }, ids, `${size} ${seed} ${JSON.stringify(fields)}`);
      }
    }
  });
}

/** Checks one set. Where top-k does not say how many there are, those whose probability cannot be told from 0 may be missing. */
function same(logits: Float32Array, sampling: Sampling, ids: number[], what: string): void {
  const got = candidates(logits, sampling, ids);
  const expected = filtered(logits, sampling, ids);
  if (got.ids.length === logits.length) expected.sort((a, b) => a.id - b.id);
  const possible = expected.filter(({ probability }) => probability > 1e-20);
  const counted = sampling.topK > 0 && sampling.topK < logits.length;
  const wanted = counted ? expected : possible;
  const found = counted ? got.ids : got.ids.filter((_, i) => got.probabilities[i]! > 1e-20);
  assert.deepEqual(
    found,
    wanted.map(({ id }) => id),
    what,
  );
  const probability = new Map(got.ids.map((id, i) => [id, got.probabilities[i]!]));
  for (const { id, probability: p } of possible) assert.ok(Math.abs(probability.get(id)! / p - 1) < 1e-10, what);
  assert.ok(Math.abs(got.probabilities.reduce((sum, p) => sum + p, 0) - 1) < 1e-9, what);
}

test('candidates over a whole vocabulary are those of the definition, peaked and flat', () => {
  for (const [kind, size] of [
    ['peaked', 30_000],
    ['flat', 20_000],
    ['normal', 20_000],
  ] as const) {
    const logits = KINDS[kind]!(seededRandom(size), size);
    for (const fields of [
      { topP: 0.95 },
      { topP: 0.95, temperature: 0.5 },
      { topK: 40 },
      { minP: 0.05 },
      { typicalP: 0.9 },
    ])
      same(logits, { ...OPEN, ...fields }, [], `${kind} ${JSON.stringify(fields)}`);
  }
});

/** Upper 0.0001 point of chi-square with `freedom` degrees of freedom (Wilson & Hilferty 1931). */
const chiSquareLimit = (freedom: number): number =>
  freedom * (1 - 2 / (9 * freedom) + 3.719 * Math.sqrt(2 / (9 * freedom))) ** 3;

for (const fields of STRATEGIES) {
  test(`draws occur as often as the definition says (chi-square, p > 0.0001): ${JSON.stringify(fields)}`, () => {
    const sampling = { ...OPEN, ...fields };
    const logits = KINDS['normal']!(seededRandom(7), 60);
    const ids = [1, 5, 5, 40];
    const random = seededRandom(42);
    const draws = 30_000;
    const counts = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const { id } = sample(logits, sampling, random, { ids });
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const tokens = filtered(logits, sampling, ids);
    const known = new Set(tokens.map(({ id }) => id));
    for (const id of counts.keys()) assert.ok(known.has(id), `${id} was drawn`);
    // Tokens too rare for the test count as one.
    const rare = tokens.filter(({ probability }) => probability * draws < 10);
    const groups = tokens.filter((token) => !rare.includes(token)).map((token) => [token]);
    if (rare.length > 0) groups.push(rare);
    let chiSquare = 0;
    for (const group of groups) {
      const expected = draws * group.reduce((sum, { probability }) => sum + probability, 0);
      const seen = group.reduce((sum, { id }) => sum + (counts.get(id) ?? 0), 0);
      chiSquare += (seen - expected) ** 2 / expected;
    }
    assert.ok(groups.length === 1 || chiSquare < chiSquareLimit(groups.length - 1), `chi-square ${chiSquare}`);
  });
}

test('the repetition penalty follows its formula, once for each token, at temperature 0 too', () => {
  const logits = Float32Array.of(4, 3.9, -1, 0, -0.5);
  const ids = [0, 0, 0, 2, 3];
  assert.deepEqual([...penalised(logits, ids, 2)], [2, Math.fround(3.9), -2, 0, -0.5]);
  const sampling = { ...OPEN, temperature: 0, repetitionPenalty: 2 };
  const { id, logprob } = sample(logits, sampling, () => 0, { ids });
  assert.equal(id, 1);
  assert.ok(Math.abs(logprob - logSoftmax(logits, 1)) < 1e-12, 'the model’s own');
  assert.equal(sample(logits, sampling, () => 0).id, 0, 'no text, no penalty');
  assert.deepEqual([...logits], [4, Math.fround(3.9), -1, 0, -0.5], 'the logits are left as they were');
});

test('a penalty and limits hold together', () => {
  const logits = Float32Array.of(4, 3, 2, 1);
  const sampling = { ...OPEN, temperature: 0, repetitionPenalty: 3 };
  const { id, conditional } = sample(logits, sampling, () => 0, { ids: [1], allowed: [1, 3, 2] });
  assert.equal(id, 2);
  assert.ok(Math.abs(conditional - logSoftmax(Float32Array.of(3, 2, 1), 1)) < 1e-12);
  assert.equal(sample(logits, sampling, () => 0, { ids: [1], forbidden: new Set([0]) }).id, 2);
});

test('sums and log-probabilities are exact to rounding', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    const logits = make(seededRandom(3), 3000);
    const max = Math.max(...logits);
    const exact = logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0);
    assert.ok(Math.abs(sumOfWeights(logits, max) / exact - 1) < 1e-13, kind);
    assert.equal(logSumExp(logits, max), max + Math.log(sumOfWeights(logits, max)));
    const id = argmax(logits);
    assert.equal(id, logits.indexOf(max));
    assert.ok(
      Math.abs(sample(logits, { ...OPEN, temperature: 0 }, () => 0).logprob - logSoftmax(logits, id)) < 1e-12,
      kind,
    );
  }
});

test('a weight is e^−distance to 14 digits, and 0 where it no longer counts', () => {
  const distances = Float64Array.from({ length: 20_000 }, (_, i) => -i / 399);
  const weights = new Float64Array(distances.length);
  writeWeights(distances, distances.length, 0, 1, weights);
  distances.forEach((distance, i) => {
    const exact = Math.exp(distance);
    assert.ok(-distance >= 50 ? weights[i] === 0 : Math.abs(weights[i]! / exact - 1) < 1e-14, `${distance}`);
  });
});

test('a cut lies where the sorted list reaches the mass', () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = seededRandom(seed);
    const count = 1 + Math.floor(random() * 400);
    const spread = 10 ** Math.floor(random() * 60 - 40);
    const values = Float64Array.from({ length: count }, () => Math.floor(random() * (1 + (seed % 50))) * spread);
    const masses = values.map((value) => 1 + (Math.abs(Math.round(value / spread)) % 7));
    const sorted = Array.from(values, (value, i) => [value, masses[i]!] as const).sort(([a], [b]) => b - a);
    const wanted = random() * 1.1 * masses.reduce((sum, mass) => sum + mass, 0);
    let reached = 0;
    const at = sorted.findIndex(([, mass]) => (reached += mass) >= wanted);
    const place = at < 0 ? count - 1 : at;
    const [value] = sorted[place]!;
    const equal = place + 1 - sorted.filter(([other]) => other > value).length;
    assert.deepEqual(cutAt(values, masses, count, wanted), { value, equal }, `seed ${seed}`);
  }
});

test('far tokens count where there are so many that the nucleus ends elsewhere because of them', () => {
  for (const depth of [11.9, 12.1, 13, 16]) {
    const random = seededRandom(depth);
    const logits = Float32Array.from({ length: 20_000 }, (_, id) => (id === 777 ? 3 : 3 - depth - random() / 2));
    for (const topP of [0.5, 0.95, 0.999999]) same(logits, { ...OPEN, topP }, [], `depth ${depth}, top-p ${topP}`);
  }
});

test('equal seeds give equal draws with every strategy, other seeds others', () => {
  const logits = KINDS['normal']!(seededRandom(1), 500);
  for (const fields of STRATEGIES) {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 30 }, () => sample(logits, { ...OPEN, ...fields }, random, { ids: [3] }).id);
    };
    assert.deepEqual(draw(5), draw(5));
    if (candidates(logits, { ...OPEN, ...fields }, [3]).ids.length > 3) assert.notDeepEqual(draw(5), draw(6));
  }
});

test('greedy takes what the definition takes', () => {
  for (const make of Object.values(KINDS)) {
    const logits = make(seededRandom(2), 700);
    for (const repetitionPenalty of [1, 1.5]) {
      const sampling = { ...OPEN, temperature: 0, repetitionPenalty };
      const ids = [1, 2, argmax(logits)];
      assert.equal(sample(logits, sampling, () => 0, { ids }).id, sampleSlowly(logits, sampling, () => 0, ids).id);
    }
  }
});

for (const [name, at, value] of [
  ['NaN first', 0, NaN],
  ['NaN in the middle', 700, NaN],
  ['NaN last', 1000, NaN],
  ['+∞', 3, Infinity],
] as const) {
  test(`${name} among the logits is an error with every strategy`, () => {
    const logits = new Float32Array(1001);
    logits[at] = value;
    for (const fields of [...STRATEGIES, { temperature: 0 }])
      assert.throws(() => sample(logits, { ...OPEN, ...fields }, () => 0), { code: 'nan_logits' });
  });
}
