// The distribution of the next token and what the filters leave: beside the sampler that draws, and beside plain sorting.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Distribution, type Filters } from '../../src/attention/distribution';
import { seededRandom, type Random } from '../../src/engine/random';
import { candidates, sample } from '../../src/engine/sampler';
import { filtered } from './decodingReference';

/** Logits of a vocabulary, by what is special about them. */
const LOGITS: Record<string, (random: Random) => Float32Array> = {
  ordinary: (random) => Float32Array.from({ length: 3000 }, () => 6 * (random() + random() + random()) - 9),
  'many equal': (random) => Float32Array.from({ length: 2000 }, () => Math.round(4 * random())),
  'all equal': () => new Float32Array(500).fill(-3.5),
  'one token far ahead': (random) => Float32Array.from({ length: 1000 }, (_, id) => (id === 77 ? 90 : random())),
  'forbidden tokens': (random) =>
    Float32Array.from({ length: 1000 }, () => (random() < 0.5 ? -Infinity : 5 * random())),
  'a few very small': (random) => Float32Array.from({ length: 1000 }, () => (random() < 0.1 ? -1e30 : 9 * random())),
  'two tokens': () => Float32Array.from([0.25, -0.25]),
  'one token': () => Float32Array.from([2]),
};
const OFF: Filters = { temperature: 1, topK: 0, topP: 1, minP: 0 };
const FILTERS: Partial<Filters>[] = [
  {},
  { temperature: 0.2 },
  { temperature: 2.5 },
  { topK: 1 },
  { topK: 50 },
  { topK: 100_000 },
  { topP: 0.9 },
  { topP: 0.999 },
  { topP: 0.01 },
  { minP: 0.05 },
  { minP: 1 },
  { temperature: 0.7, topK: 40, topP: 0.95, minP: 0.02 },
  { temperature: 1.8, topK: 300, topP: 0.6 },
  { temperature: 0.3, topP: 0.95, minP: 0.3 },
  { temperature: 0.01, topP: 0.5 },
];

for (const [name, make] of Object.entries(LOGITS)) {
  const logits = make(seededRandom(name.length));
  const sorted = Array.from(logits, (logit, id) => ({ id, logit }))
    .filter(({ logit }) => logit > -Infinity)
    .sort((a, b) => b.logit - a.logit || a.id - b.id);
  const max = sorted[0]?.logit as number;
  const total = sorted.reduce((sum, { logit }) => sum + Math.exp(logit - max), 0);
  const probability = (logit: number): number => Math.exp(logit - max) / total;

  test(`${name}: probabilities, ranks and entropy are those of all logits sorted`, () => {
    const distribution = new Distribution(logits);
    sorted.forEach(({ id, logit }, i) => {
      assert.ok(
        Math.abs(distribution.logprob(id) - (logit - max - Math.log(total))) < 1e-9 * Math.max(1, max - logit),
        String(id),
      );
      if (i < 40 || i % 97 === 0) assert.equal(distribution.rank(id), i + 1);
    });
    for (const count of [0, 1, 2, 50, 200, 5000])
      assert.deepEqual(
        [...distribution.top(count)],
        sorted.slice(0, count).map(({ id }) => id),
      );
    const entropy = -sorted.reduce(
      (sum, { logit }) => sum + (probability(logit) && probability(logit) * Math.log2(probability(logit))),
      0,
    );
    assert.ok(Math.abs(distribution.entropy - entropy) < 1e-9, `${distribution.entropy}, not ${entropy}`);
    const margin = probability(max) - probability(sorted[1]?.logit ?? -Infinity);
    assert.ok(Math.abs(distribution.margin - margin) < 1e-12);
    const forbidden = logits.indexOf(-Infinity);
    if (forbidden >= 0) {
      assert.equal(distribution.probability(forbidden), 0);
      assert.equal(distribution.rank(forbidden), sorted.length + 1);
      assert.equal(distribution.after(OFF).probability(forbidden), 0);
    }
  });

  for (const change of FILTERS) {
    test(`${name}: ${JSON.stringify(change)} leaves what the sampler draws from`, () => {
      const filters = { ...OFF, ...change };
      const distribution = new Distribution(logits);
      const left = distribution.after(filters);
      const expected = filtered(logits, { ...filters, seed: 0 });
      assert.equal(left.count, expected.length);
      const order = distribution.top(left.count + 1);
      expected.forEach((token, i) => {
        assert.equal(order[i], token.id);
        const found = i % 2 === 0 ? left.probability(token.id, i + 1) : left.probability(token.id);
        assert.ok(Math.abs(found - token.probability) < 1e-9, `${token.id}: ${found}, not ${token.probability}`);
      });
      const pruned = order[left.count];
      if (pruned !== undefined) assert.equal(left.probability(pruned), 0);
      const covered = expected.reduce((sum, { logit }) => sum + probability(logit), 0);
      assert.ok(Math.abs(left.covered - covered) < 1e-9);

      // The sampler itself leaves out what is e^−50 times as probable as the likeliest, where no top-k and no top-p is set.
      const drawn = candidates(logits, { ...filters, seed: 0 });
      drawn.ids.forEach((id, i) =>
        assert.ok(Math.abs(left.probability(id) - (drawn.probabilities[i] as number)) < 1e-9, String(id)),
      );
      const missing = expected.filter(({ id }) => !drawn.ids.includes(id));
      assert.ok(
        missing.every((token) => token.probability < 1e-20),
        `${missing.length} tokens`,
      );
    });
  }

  test(`${name}: temperature 0 leaves the token that the sampler takes`, () => {
    const distribution = new Distribution(logits);
    const left = distribution.after({ temperature: 0, topK: 40, topP: 0.9, minP: 0.1 });
    assert.equal(left.count, 1);
    const { id } = sample(logits, { temperature: 0, topK: 0, topP: 1, seed: 0 }, () => 0);
    assert.deepEqual([...distribution.top(1)], [id]);
    assert.equal(left.probability(id), 1);
  });
}

test('a temperature next to 0 leaves a distribution, too', () => {
  const left = new Distribution(Float32Array.from([1, 2, 2, 0])).after({ ...OFF, temperature: 1e-320, topP: 0.9 });
  assert.equal(left.count, 2);
  assert.deepEqual(
    [0, 1, 2, 3].map((id) => left.probability(id)),
    [0, 0.5, 0.5, 0],
  );
});

test('logits that are no numbers have no probability, and do no harm', () => {
  const distribution = new Distribution(Float32Array.from([NaN, 1, Infinity, 1, -Infinity]));
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((id) => distribution.probability(id).toFixed(6)),
    ['0.000000', '0.500000', '0.000000', '0.500000', '0.000000'],
  );
  assert.deepEqual([...distribution.top(9)], [1, 3]);
  const none = new Distribution(Float32Array.from([NaN]));
  assert.equal(none.entropy, 0);
  assert.equal(none.margin, 0);
  assert.equal(none.after(OFF).count, 0);
});

test('of 152,000 tokens the sampler and the panel keep the same', () => {
  const random = seededRandom(9);
  const logits = Float32Array.from({ length: 152_000 }, () => 5 * (random() + random() + random() + random()) - 10);
  const distribution = new Distribution(logits);
  for (const change of [{ topP: 0.9 }, { topK: 200, topP: 0.8 }, { temperature: 0.6, minP: 0.05 }]) {
    const filters = { ...OFF, ...change };
    const left = distribution.after(filters);
    const drawn = candidates(logits, { ...filters, seed: 0 });
    assert.deepEqual([...distribution.top(left.count)], drawn.ids);
    assert.ok(
      drawn.ids.every((id, i) => Math.abs(left.probability(id, i + 1) - (drawn.probabilities[i] as number)) < 1e-9),
    );
  }
});
