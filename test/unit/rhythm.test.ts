// When the model is asked: a table of situations, and bursts of typing in which the runs are counted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EDITOR_MS, Rhythm, type Moment } from '../../src/completion/rhythm';
import { seededRandom } from '../../src/engine/random';

/** A typist in the middle of a burst, and a model. */
function typing(gapMs: number, latencyMs: number | undefined): Rhythm {
  const rhythm = new Rhythm();
  rhythm.asked(0);
  for (let i = 0; i < 12; i++) rhythm.key(i * gapMs);
  if (latencyMs !== undefined) for (let i = 0; i < 12; i++) rhythm.answered(latencyMs);
  return rhythm;
}

/** The model was asked last at the time 0. */
const MOMENT: Moment = { lineStart: false, warm: true, least: 0, now: 0 };

/** Name, gap between keys, time to the first text, what is special about the moment, wait; all in milliseconds. */
const WAITS: [name: string, gap: number, latency: number | undefined, moment: Partial<Moment>, wait: number][] = [
  ['the model is faster than the typist', 200, 40, {}, 0],
  ['as fast', 150, 100, {}, 0],
  ['the model is slow: until the typist pauses', 150, 900, {}, 250],
  ['a fast typist: no longer than the answer takes', 60, 40, {}, 40],
  ['nobody has asked for long', 150, 900, { now: 2700 }, 0],
  ['at the start of a line', 150, 900, { lineStart: true }, 0],
  ['what has to be read in any case', 150, 900, { warm: false }, 0],
  ['after a pause', 500, 900, {}, 0],
  ['nothing is known of the model', 150, undefined, {}, 0],
  ['the setting is a minimum', 200, 40, { least: 300 }, 300 - EDITOR_MS],
  ['… which is below what the typing suggests', 150, 900, { least: 100 }, 250],
  ['… at the start of a line, too', 150, 900, { least: 300, lineStart: true }, 300 - EDITOR_MS],
];
for (const [name, gap, latency, moment, wait] of WAITS) {
  test(`wait: ${name}`, () => {
    assert.equal(typing(gap, latency).delay({ ...MOMENT, ...moment }), wait);
  });
}

test('wait: one long prompt does not make the model slow', () => {
  const rhythm = typing(150, 40);
  rhythm.answered(5000);
  assert.equal(rhythm.delay(MOMENT), 0);
});

test('wait: another model is not judged by the last one', () => {
  const rhythm = typing(150, 900);
  rhythm.reset();
  assert.equal(rhythm.delay(MOMENT), 0);
});

/**
 * Types 500 keys at which nothing on offer agrees, pausing after each word, and counts the runs that are begun and those whose answer is
 * seen before the next key. The gaps vary as a person's do: log-normal, a third of the mean as standard deviation.
 */
function burst(gapMs: number, latencyMs: number, adaptive: boolean): { runs: number; seen: number } {
  const random = seededRandom(5);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const rhythm = new Rhythm();
  let [now, runs, seen] = [0, 0, 0];
  for (let key = 1; key <= 500; key++) {
    rhythm.key(now);
    const gap = key % 40 === 0 ? 2000 : gapMs * Math.exp(0.32 * normal() - 0.05);
    const asked =
      EDITOR_MS + (adaptive ? rhythm.delay({ ...MOMENT, lineStart: key % 40 === 1, now: now + EDITOR_MS }) : 0);
    if (asked < gap) {
      runs++;
      rhythm.asked(now + asked);
      // A run that a key cuts off says at least that the answer takes longer.
      const ran = Math.min(latencyMs, gap - asked);
      if (ran === latencyMs || ran > rhythm.latency) rhythm.answered(ran);
      if (ran === latencyMs) seen++;
    }
    now += gap;
  }
  return { runs, seen };
}

/** Mean gap, time to the first text, most runs in 500 keys. */
const BURSTS: [gap: number, latency: number, most: number][] = [
  [180, 25, 500],
  [120, 25, 500],
  [120, 80, 320],
  [120, 300, 120],
  [120, 900, 80],
  [180, 900, 110],
];
for (const [gap, latency, most] of BURSTS) {
  test(`500 keys, one every ${gap} ms, first text after ${latency} ms`, () => {
    const { runs, seen } = burst(gap, latency, true);
    const without = burst(gap, latency, false);
    console.log(`${runs} runs, ${seen} answers seen; without the wait ${without.runs} runs, ${without.seen} seen`);
    assert.ok(runs <= most, `${runs} runs`);
    assert.ok(seen >= 12, `${seen} answers seen: each pause should have one`);
  });
}
