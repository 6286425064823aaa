// How many threads, as a table; and the choice among them by measured times.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suitableThreads, threadArms, ThreadChoice } from '../../src/engine/threads';

for (const [cores, laptop, threads] of [
  [1, true, 1],
  [1, false, 1],
  [2, true, 1],
  [2, false, 2],
  [4, true, 2],
  [4, false, 2],
  [8, true, 4],
  [12, false, 6],
  [64, false, 8],
] as const)
  test(`${cores} cores${laptop ? ' and a battery' : ''}: ${threads} threads`, () =>
    assert.equal(suitableThreads(cores, laptop), threads));

test('arms: what was asked for; one and several for small models only', () => {
  assert.deepEqual(threadArms(true, 3, 4), [3]);
  assert.deepEqual(threadArms(true, undefined, 4), [1, 4]);
  assert.deepEqual(threadArms(true, undefined, 1), [1]);
  assert.deepEqual(threadArms(false, undefined, 4), [4]);
});

/** Runs with these milliseconds a run by arm; the share of the last `last` runs that went to arm 1. */
function share(choice: ThreadChoice, tokens: number, ms: readonly [number, number], runs: number): number {
  let second = 0;
  for (let run = 0; run < runs; run++) {
    const arm = choice.choose(tokens);
    second += arm;
    choice.note(arm, tokens, (ms[arm] as number) * tokens);
  }
  return second / runs;
}

test('each kind of run goes to its fastest arm, whatever the other kinds do', () => {
  const choice = new ThreadChoice(2);
  share(choice, 1, [1, 3], 20);
  share(choice, 128, [0.2, 0.1], 20);
  assert.ok(share(choice, 1, [1, 3], 1000) < 0.02, 'one thread for single tokens');
  assert.ok(share(choice, 128, [0.2, 0.1], 1000) > 0.98, 'several for many');
});

test('an arm that lost is tried again, and taken when it has become faster', () => {
  const choice = new ThreadChoice(2);
  share(choice, 1, [1, 2], 100);
  assert.ok(share(choice, 1, [2.5, 1], 1500) > 0.5);
});

test('a single arm is always taken', () => {
  const choice = new ThreadChoice(1);
  assert.equal(share(choice, 1, [1, 1], 300), 0);
});
