// What a growing text releases, and the probability of what is shown, by tables: tokens with their probabilities in, text and figures out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { situationAt } from '../../src/completion/stop';
import { Output } from '../../src/completion/output';
import type { Completion } from '../../src/protocol';

interface Case {
  name: string;
  prefix: string;
  suffix?: string;
  least?: number;
  /** Text and probability of each token; the first with which the product falls below `least` is refused. */
  tokens: [string, number][];
  typed?: number;
  text: string;
  probability: number;
  withheld?: Completion['withheld'];
}

const CASES: Case[] = [
  {
    name: 'all of a line',
    prefix: 'const total = ',
    tokens: [
      ['a', 0.9],
      [' +', 0.8],
      [' b', 0.5],
      [';', 0.5],
    ],
    text: 'a + b;',
    probability: 0.18,
  },
  {
    name: 'what was cut off has no say: the stop rules',
    prefix: 'const total = ',
    tokens: [
      ['a', 0.9],
      [';', 0.5],
      ['\n', 0.3],
      ['const', 0.1],
    ],
    text: 'a;',
    probability: 0.45,
  },
  {
    name: 'what was cut off has no say: the place of most worth',
    prefix: 'const total = ',
    least: 0.1,
    tokens: [
      ['first', 0.9],
      [' +', 0.9],
      [' b', 0.3],
      [';', 0.9],
    ],
    text: 'first +',
    probability: 0.81,
  },
  {
    name: 'a refused token tells that the word before it is over',
    prefix: 'const total = ',
    least: 0.25,
    tokens: [
      ['first', 0.5],
      [' +', 0.2],
    ],
    text: 'first',
    probability: 0.5,
  },
  {
    name: 'the first token is refused: it is withheld',
    prefix: 'const total = ',
    least: 0.25,
    tokens: [['first.', 0.2]],
    text: '',
    probability: 1,
    withheld: { text: 'first', probability: 0.2 },
  },
  {
    name: 'what was typed already is no part of it, but of its probability',
    prefix: 'const total = fir',
    tokens: [
      ['first', 0.6],
      [';', 0.5],
    ],
    typed: 3,
    text: 'st;',
    probability: 0.3,
  },
  {
    name: 'a key is not withheld but kept quiet',
    prefix: 'const token = ',
    least: 0.25,
    tokens: [
      ["'ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'", 0.9],
      [';', 0.9],
      ['\n', 0.9],
    ],
    text: '',
    probability: 1,
  },
];

for (const { name, prefix, suffix = '', least = 0, tokens, typed = 0, text, probability, withheld } of CASES) {
  test(name, () => {
    const request = { raw: false, minProbability: least };
    const output = new Output(situationAt(prefix, suffix, 'a.ts'), request, typed, Math.exp);
    let product = 0;
    let released = '';
    let refused = false;
    for (const [piece, share] of tokens) {
      product += Math.log(share);
      refused = output.isDoubtful(product);
      if (refused) output.refuse(piece, product);
      else released += output.push(piece, product);
      if (refused || output.stopped) break;
    }
    output.end(refused ? 'unsure' : output.stopped ? 'stop' : 'eos', '');
    assert.equal(output.text, text);
    assert.ok(output.text.startsWith(released));
    assert.ok(Math.abs(output.probability - probability) < 1e-9, `${output.probability}`);
    assert.equal(output.withheld?.text, withheld?.text);
    if (withheld !== undefined) assert.ok(Math.abs(output.withheld!.probability - withheld.probability) < 1e-9);
  });
}

test('the probability does not rise as the text grows, whatever the calibration says', () => {
  // A calibration that trusts long texts more.
  const output = new Output(undefined, { raw: true }, 0, (log, tokens) => Math.min(1, Math.exp(log) * tokens));
  let before = 1;
  for (let i = 1; i <= 8; i++) {
    output.push('x', Math.log(0.5));
    assert.ok(output.probability <= before);
    before = output.probability;
  }
  assert.equal(before, 0.5);
});

test('a text that goes on from settled tokens is not cut before it differs', () => {
  const output = new Output(situationAt('a = ', '', 'a.ts'), { raw: false, minProbability: 0.01 }, 0, Math.exp);
  output.push('aLongName', Math.log(0.9), true);
  output.push('(', Math.log(0.05));
  output.push('x', Math.log(0.046));
  output.push(')', Math.log(0.045));
  output.end('eos', '');
  assert.equal(output.text, 'aLongName(x)');
});
