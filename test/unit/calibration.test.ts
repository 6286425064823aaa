// How sure the model is: the weights and their file, the fit, and the diagram, against figures worked out by hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calibrationOf, reliability } from '../../models/eval/calibration';
import { printCalibration } from '../../models/eval/calibrationPrint';
import { logisticRegression } from '../../models/eval/logistic';
import { cutsOf, shownOffers } from '../../models/eval/observe';
import { calibrated, inputsOf, readCalibration } from '../../src/engine/calibration';
import type { CompleteOptions } from '../../src/engine/engine';
import { EngineError } from '../../src/engine/errors';
import { seededRandom } from '../../src/engine/random';
import type { Completion, CompletionRequest } from '../../src/protocol';

const SOUND = { slope: 0.8, offset: -0.3, length: 0.4 };

test('a model without weights is taken at its word', () => {
  assert.equal(readCalibration({}, 'file'), undefined);
  assert.equal(readCalibration({ glassbox_calibration: null }, 'file'), undefined);
  assert.equal(calibrated(undefined, Math.log(0.5), 7), 0.5);
});

test('weights are applied to the log-odds of the product and the number of tokens', () => {
  const weights = readCalibration({ glassbox_calibration: SOUND }, 'file');
  const logOdds = SOUND.slope * Math.log(0.3 / 0.7) + SOUND.offset + SOUND.length * Math.log(7);
  assert.ok(Math.abs(calibrated(weights, Math.log(0.3), 7) - 1 / (1 + Math.exp(-logOdds))) < 1e-12);
});

test('a more probable text is never said to be less probable, and all is in [0, 1], at the ends, too', () => {
  for (const tokens of [1, 2, 30]) {
    let before = 0;
    for (const log of [-Infinity, -1000, -30, -5, -1, -0.1, -1e-5, -1e-12, 0]) {
      const probability = calibrated(SOUND, log, tokens);
      assert.ok(probability >= before && probability <= 1, `${log}`);
      before = probability;
    }
  }
});

const DAMAGED: [string, unknown][] = [
  ['no object', 7],
  ['nothing in it', {}],
  ['a slope of 0', { ...SOUND, slope: 0 }],
  ['a falling slope', { ...SOUND, slope: -1 }],
  ['a weight that is no number', { ...SOUND, length: '0.4' }],
  ['a weight that is missing', { slope: 1, offset: 0 }],
  ['a weight that is not finite', { ...SOUND, offset: Infinity }],
  ['a weight that is absurd', { ...SOUND, offset: 1e6 }],
];
for (const [name, value] of DAMAGED) {
  test(`damaged weights name the file: ${name}`, () => {
    assert.throws(
      () => readCalibration({ glassbox_calibration: value }, 'the/file.json'),
      (error: unknown) =>
        error instanceof EngineError && error.code === 'model_damaged' && error.message.includes('the/file.json'),
    );
  });
}

test('the fit finds the weights that outcomes were drawn with', () => {
  const random = seededRandom(3);
  const [rows, right]: [number[][], boolean[]] = [[], []];
  for (let i = 0; i < 60_000; i++) {
    const [log, tokens] = [Math.log(0.02 + 0.97 * random()), 1 + Math.floor(random() * 12)];
    const [logOdds, logTokens] = inputsOf(log, tokens);
    rows.push([logOdds, 1, logTokens]);
    right.push(random() < calibrated(SOUND, log, tokens));
  }
  const found = logisticRegression(rows, right);
  [SOUND.slope, SOUND.offset, SOUND.length].forEach((weight, i) =>
    assert.ok(Math.abs((found[i] as number) - weight) < 0.05, `${found.join(', ')}`),
  );
});

test('the fit of one input is the log-odds of the share', () => {
  const right = Array.from({ length: 100 }, (_, i) => i < 30);
  const [offset] = logisticRegression(
    right.map(() => [1]),
    right,
  );
  assert.ok(Math.abs((offset as number) - Math.log(0.3 / 0.7)) < 1e-3);
});

test('a diagram by hand: counts, means, the expected calibration error and the Brier score', () => {
  const predictions = [
    { probability: 0.15, right: false },
    { probability: 0.19, right: true },
    { probability: 0.8, right: true },
    { probability: 1, right: true },
  ];
  const { bins, count, predicted, observed, ece, brier } = reliability(predictions);
  const close = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-12, `${a}, ${b}`);
  assert.deepEqual(
    bins.map((bin) => bin.count),
    [0, 2, 0, 0, 0, 0, 0, 0, 1, 1],
  );
  assert.equal(count, 4);
  close(bins[1]!.predicted, 0.17);
  close(bins[1]!.observed, 0.5);
  close(predicted, 2.14 / 4);
  close(observed, 0.75);
  close(ece, (2 * 0.33 + 0.2 + 0) / 4);
  close(brier, (0.15 ** 2 + 0.81 ** 2 + 0.2 ** 2 + 0) / 4);
});

test('the diagram is drawn: a bar of what was right, a mark where it was predicted', () => {
  const offers = Array.from({ length: 10 }, (_, i) => ({
    logProbability: Math.log(0.25),
    tokens: 3,
    probability: 0.5,
    right: i < 5,
  }));
  const lines = printCalibration(calibrationOf(offers, 0.25)).split('\n');
  assert.match(lines[0]!, /10 offers shown from 0\.25/);
  assert.ok(lines.includes(`0.2       10       0.25   0.50  ${'#'.repeat(10)}|${'#'.repeat(9)}`), lines.join('\n'));
  assert.ok(lines.includes(`0.5       10       0.50   0.50  ${'#'.repeat(20)}|`), lines.join('\n'));
});

/** A file of which every line is different, and an engine that writes three characters of it, a token each, and every other time a wrong fourth. */
const FILE = {
  language: 'typescript' as const,
  path: 'a.ts',
  text: Array.from({ length: 60 }, (_, i) => `const name${i} = other(${i * 7});\n`).join(''),
};
const SHARES = [0.9, 0.8, 0.4, 0.3];
function writer(): { complete(request: CompletionRequest, options: CompleteOptions): Promise<Completion> } {
  let asked = 0;
  return {
    complete: ({ prefix, minProbability = 0 }, { onToken, signal }) => {
      const known = FILE.text.slice(prefix.length, prefix.length + 3);
      const whole = known + (asked++ % 2 === 0 ? '\u0001' : '');
      // What is improbable is not shown: the wrong character has the probability 0.09.
      const text = minProbability > 0.2 ? known : whole;
      for (let i = 0; i < whole.length && !signal.aborted; i++)
        onToken?.(
          { id: 0, logprob: 0, conditional: Math.log(SHARES[i] as number) },
          text[i] ?? '',
          whole.slice(0, i + 1),
        );
      return Promise.resolve({ text, probability: 0.7 } as Completion);
    },
  };
}
const LANGUAGES: Parameters<typeof shownOffers>[0] = [['typescript', [FILE]]];
const quiet = (): void => undefined;

test('offers are compared with the file, at the place where they were cut', async () => {
  const sure = await shownOffers(LANGUAGES, writer(), { windows: 2, threshold: 0.25 }, quiet);
  assert.ok(sure.length > 50);
  for (const offer of sure) {
    assert.deepEqual([offer.right, offer.tokens, offer.probability], [true, 3, 0.7]);
    assert.ok(Math.abs(Math.exp(offer.logProbability) - 0.288) < 1e-9);
  }
  const unsure = await shownOffers(LANGUAGES, writer(), { windows: 2, threshold: 0.1 }, quiet);
  assert.ok(unsure.some(({ right, tokens }) => right && tokens === 3));
  for (const { right, tokens } of unsure) assert.equal(right, tokens === 3);
});

test('a fit is made from the places where texts are worth most, at each threshold once', async () => {
  // Worth: 1 character 0, 2 characters 0.72, 3 characters 2 · 0.288, 4 characters 3 · 0.086.
  const places = await cutsOf(
    LANGUAGES,
    writer(),
    { windows: 2, threshold: 0.25, thresholds: [0.02, 0.25, 0.8] },
    quiet,
  );
  assert.ok(places.length > 50);
  for (const { tokens, right, logProbability } of places) {
    assert.deepEqual([tokens, right], [2, true]);
    assert.ok(Math.abs(Math.exp(logProbability) - 0.72) < 1e-9);
  }
});
