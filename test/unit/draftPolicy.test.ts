// The policy in simulated time, against the best that any fixed length of draft would give.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DraftPolicy, MOST_DRAFTED, type Kind } from '../../src/engine/draftPolicy';
import { seededRandom, type Random } from '../../src/engine/random';

interface World {
  /** Milliseconds of a run of so many tokens. */
  cost: (tokens: number) => number;
  /** Probability that a guess is right if those before it were, by what it rests on. */
  chance: (kind: Kind) => number;
  /** What the guesses rest on; another each time, where there are several. */
  drafts: Kind[][];
}

/** Tokens and milliseconds of so many runs, by whatever says how many guesses are checked. */
function live(policy: Pick<DraftPolicy, 'plan' | 'ran' | 'judged'>, world: World, runs: number, random: Random) {
  const sums = { tokens: 0, ms: 0, drafted: 0, planned: 0 };
  for (let run = 0; run < runs; run++) {
    const kinds = world.drafts[Math.floor(random() * world.drafts.length)] as Kind[];
    const planned = policy.plan(kinds);
    const ms = world.cost(1 + planned) * (0.95 + 0.1 * random());
    policy.ran(1, planned, ms);
    let right = 0;
    while (right < kinds.length) {
      const isRight = random() < world.chance(kinds[right]!);
      policy.judged(kinds[right]!, isRight, right < planned);
      if (!isRight || right >= planned) break;
      right++;
    }
    sums.tokens += 1 + right;
    sums.ms += ms;
    sums.drafted += planned;
    sums.planned += planned > 0 ? 1 : 0;
  }
  return { ...sums, rate: sums.tokens / sums.ms };
}

/** A policy that checks always as many. */
const fixed = (length: number): Pick<DraftPolicy, 'plan' | 'ran' | 'judged'> => ({
  plan: (kinds) => Math.min(length, kinds.length),
  ran: () => undefined,
  judged: () => undefined,
});

const rising = (from: number, length = MOST_DRAFTED): Kind[] =>
  Array.from({ length }, (_, i): Kind => `text ${Math.min(from + i, 12)}`);
const agreementOf = (kind: Kind): number => Number(kind.split(' ')[1]);
/** As measured with a model of half a billion parameters: 1 token 25 ms, 2 29, 4 43, 8 72. */
const large = (tokens: number): number => (tokens <= 2 ? 21 + 4 * tokens : 15 + 7.1 * tokens);

/** A world, the least share of the best fixed length's rate, bounds of the mean draft. */
const WORLDS: [string, World, number, [number, number]][] = [
  ['runs cost the same', { cost: () => 10, chance: () => 0.9, drafts: [rising(1)] }, 0.95, [12, 16]],
  ['a large model, often right', { cost: large, chance: () => 0.8, drafts: [rising(1)] }, 0.95, [1, 6]],
  ['a large model, seldom right', { cost: large, chance: () => 0.15, drafts: [rising(1)] }, 0.97, [0, 1]],
  ['each token costs a run', { cost: (n) => 10 * n, chance: () => 0.5, drafts: [rising(1)] }, 0.97, [0, 0.1]],
  ['nothing to guess', { cost: () => 10, chance: () => 1, drafts: [[]] }, 0.99, [0, 0]],
  [
    'long agreements are right, short ones are not',
    { cost: large, chance: (kind) => (agreementOf(kind) >= 4 ? 0.9 : 0.1), drafts: [rising(1), rising(8)] },
    1.05, // no fixed length does as well
    [0.5, 8],
  ],
  [
    'the short ones, and nothing before them helps',
    { cost: large, chance: () => 0.05, drafts: [rising(1, 3), []] },
    0.98,
    [0, 0.3],
  ],
];
for (const [name, world, least, [fewest, most]] of WORLDS) {
  test(`as good as the best fixed length: ${name}`, () => {
    const RUNS = 4000;
    const best = Math.max(
      ...Array.from(
        { length: MOST_DRAFTED + 1 },
        (_, length) => live(fixed(length), world, RUNS, seededRandom(1)).rate,
      ),
    );
    const { rate, drafted } = live(new DraftPolicy(), world, RUNS, seededRandom(1));
    assert.ok(rate > least * best, `${rate.toFixed(4)} tokens a ms; the best fixed length gives ${best.toFixed(4)}`);
    assert.ok(drafted / RUNS >= fewest && drafted / RUNS <= most, `${drafted / RUNS} a run`);
  });
}

test('without a gain it stops, tries now and then, and begins again when there is one', () => {
  const policy = new DraftPolicy();
  const random = seededRandom(3);
  const dear: World = { cost: (n) => 10 * n, chance: () => 0.9, drafts: [rising(3)] };
  live(policy, dear, 200, random);
  const without = live(policy, dear, 2000, random);
  assert.ok(without.planned > 0 && without.planned < 40, `${without.planned} drafts in 2000 runs`);
  const cheap: World = { ...dear, cost: () => 10 };
  live(policy, cheap, 2000, random);
  const again = live(policy, cheap, 500, random);
  assert.ok(again.rate > 0.4, `${again.rate} tokens a ms`);
});

test('the first draft is short, and a longer one follows where it pays', () => {
  const policy = new DraftPolicy();
  const lengths: number[] = [];
  for (let run = 0; run < 8; run++) {
    const length = policy.plan(rising(6));
    lengths.push(length);
    policy.ran(1, length, 10);
    rising(6).forEach((kind, i) => i <= length && policy.judged(kind, true, i < length));
  }
  assert.deepEqual(lengths.slice(0, 5), [0, 1, 3, 7, 15]);
});

test('guesses behind a long run of the prompt are not made, behind a short one they are', () => {
  const policy = new DraftPolicy();
  for (let run = 0; run < 30; run++) policy.ran(1, run % 5, 10);
  assert.equal(policy.plan(rising(6), 100), 0);
  assert.ok(policy.plan(rising(6), 3) > 0);
});

test('one run that was disturbed does not end the drafts', () => {
  const policy = new DraftPolicy();
  const world: World = { cost: () => 10, chance: () => 0.9, drafts: [rising(2)] };
  live(policy, world, 200, seededRandom(1));
  for (const drafted of [0, 4, 16]) policy.ran(1, drafted, 5000);
  assert.ok(live(policy, world, 300, seededRandom(2)).rate > 0.4);
});
