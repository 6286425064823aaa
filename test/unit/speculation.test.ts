// Guessing ahead changes nothing but time: tokens and log-probabilities with it are those without it, greedily and sampled; and drawn
// tokens follow the model's distribution, whatever is guessed.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Engine } from '../../src/engine/engine';
import { generate, type GenerateOptions } from '../../src/engine/generate';
import type { Drafter } from '../../src/engine/lookahead';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import type { CompletionRequest } from '../../src/protocol';
import { farthest } from '../reference';
import { writeTinyModel } from '../tinyModel';
import { eager, guesser, toy, TOY_VOCAB, toyShares } from '../toyModel';

const never = new AbortController().signal;
const shipped = join(process.cwd(), 'models/glassbox-small');
const tiny = mkdtempSync(join(tmpdir(), 'glassbox-speculation-'));
let model: Model;
before(async () => {
  writeTinyModel(tiny);
  model = await Model.load(readModelFolder(tiny), 'cpu');
});
after(async () => {
  await model.dispose();
  rmSync(tiny, { recursive: true });
});

function options(fields: Partial<GenerateOptions>): GenerateOptions {
  const sampling = { temperature: 0.8, topK: 0, topP: 1, seed: 0 };
  return { prompt: [0, 1], maxTokens: 12, minTokens: 0, sampling, eosIds: new Set(), signal: never, ...fields };
}

/** All that a completion of the toy model yields. */
async function drawn(fields: Partial<GenerateOptions>): Promise<{ ids: number[]; logprobs: number[]; end: string }> {
  const { model: toyModel, cache } = toy();
  const steps = generate(toyModel, cache, options(fields));
  const [ids, logprobs]: number[][] = [[], []];
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return { ids: ids!, logprobs: logprobs!, end: step.value };
    ids!.push(step.value.id);
    logprobs!.push(step.value.logprob);
  }
}

test('three tokens drawn behind guesses follow the exact product of the model’s distributions', async () => {
  const SEEDS = 20_000;
  const temperature = 0.8;
  const counts = new Float64Array(TOY_VOCAB ** 3); // [first, second, third]
  const total = { runs: 0, drafted: 0, accepted: 0 };
  for (let seed = 0; seed < SEEDS; seed++) {
    const sampling = { temperature, topK: 0, topP: 1, seed };
    const { ids } = await drawn({ sampling, maxTokens: 3, drafts: guesser(seed + 0.5, 'mixed'), counts: total });
    counts[(ids[0]! * TOY_VOCAB + ids[1]!) * TOY_VOCAB + ids[2]!]!++;
  }
  let chiSquare = 0;
  for (let a = 0; a < TOY_VOCAB; a++)
    for (let b = 0; b < TOY_VOCAB; b++)
      for (let c = 0; c < TOY_VOCAB; c++) {
        const share =
          toyShares([0, 1], temperature)[a]! * toyShares([1, a], temperature)[b]! * toyShares([a, b], temperature)[c]!;
        const expected = share * SEEDS;
        assert.ok(expected > 5, `too rare for the test: ${expected}`);
        chiSquare += (counts[(a * TOY_VOCAB + b) * TOY_VOCAB + c]! - expected) ** 2 / expected;
      }
  // 63 degrees of freedom: one draw in a thousand lies beyond 103.4
  assert.equal(TOY_VOCAB ** 3 - 1, 63);
  assert.ok(chiSquare < 103.4, `chi-square ${chiSquare.toFixed(1)}`);
  const share = total.accepted / total.drafted;
  assert.ok(share > 0.2 && share < 0.8, `guesses are both right and wrong: ${share}`);
});

for (const kind of ['right', 'wrong', 'mixed'] as const) {
  test(`equal seeds draw equal tokens, with guesses that are ${kind}`, async () => {
    const counts = { runs: 0, drafted: 0, accepted: 0 };
    const plain = { runs: 0, drafted: 0, accepted: 0 };
    for (let seed = 0; seed < 300; seed++) {
      const sampling = {
        temperature: seed % 3 === 0 ? 0 : 0.9,
        topK: seed % 2 === 0 ? 3 : 0,
        topP: seed % 5 === 0 ? 0.7 : 1,
        seed,
      };
      const fields = { sampling, eosIds: new Set([3]), minTokens: seed % 4, maxTokens: 1 + (seed % 13) };
      const expected = await drawn({ ...fields, counts: plain });
      const drafts = guesser(seed + 0.5, kind, expected.ids);
      assert.deepEqual(await drawn({ ...fields, drafts, counts }), expected, `seed ${seed}`);
    }
    assert.ok(counts.drafted > 300);
    if (kind === 'wrong') assert.deepEqual([counts.accepted, counts.runs], [0, plain.runs]);
    else assert.ok(counts.runs + counts.accepted >= plain.runs && counts.runs < plain.runs, JSON.stringify(counts));
    if (kind === 'right') assert.ok(counts.runs <= 2 * 300, 'one run for the prompt and at most one more');
  });
}

test('the cache after guesses holds what was run, and gives the logits of a fresh one', async () => {
  const prompt = [256, ...Buffer.from('let a = b;')];
  const abort = new AbortController();
  const cache = model.newCache();
  const counts = { runs: 0, drafted: 0, accepted: 0 };
  const tokens: number[] = [];
  const expected: number[] = [];
  const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
  const fields = { prompt, sampling, maxTokens: 20 };
  for await (const { id } of generate(model, model.newCache(), options(fields))) expected.push(id);
  // Three guesses a run, the third wrong: the first run ends after two of them are right.
  const drafts: Drafter = {
    ...eager,
    draft: (most) => {
      const ids = expected.slice(tokens.length, tokens.length + 3).map((id, i) => (i === 2 ? (id + 1) % 256 : id));
      return { ids: ids.slice(0, most), kinds: ids.slice(0, most).map(() => 'text 1' as const) };
    },
    push: (id) => tokens.push(id),
  };
  for await (const { id } of generate(model, cache, options({ ...fields, signal: abort.signal, drafts, counts }))) {
    assert.equal(id, expected[tokens.length - 1]);
    if (tokens.length === 10) abort.abort();
  }
  assert.deepEqual(tokens, expected.slice(0, 10));
  // A run for the prompt and the first three, then one for each token that was not guessed right and the two behind it.
  assert.deepEqual(counts, { runs: 4, drafted: 12, accepted: 7 });
  assert.deepEqual(cache.ids.slice(0, prompt.length + 9), [...prompt, ...tokens.slice(0, 9)]);
  assert.ok(cache.ids.length <= prompt.length + 9 + 3);

  const ran = [...cache.ids];
  const next = Float32Array.from(await model.forward([7], cache));
  assert.ok(farthest(next, await model.forward([...ran, 7], model.newCache())) < 1e-3);
  assert.equal(cache.keepPrefix([...prompt, ...tokens], prompt.length + 5), prompt.length + 5);
  const again = Float32Array.from(await model.forward(tokens.slice(5), cache));
  assert.ok(farthest(again, await model.forward([...prompt, ...tokens], model.newCache())) < 1e-3);
});

test('a consumer that stops between guesses pays for no further run', async () => {
  const { ids: expected } = await drawn({});
  const { model: toyModel, cache } = toy();
  const counts = { runs: 0, drafted: 0, accepted: 0 };
  const steps = generate(toyModel, cache, options({ drafts: guesser(0, 'right', expected), counts }));
  await steps.next();
  await steps.next();
  await steps.return('cancelled');
  assert.equal(counts.runs, 1);
  assert.equal(counts.accepted, 2);
});

/** Where a file is completed, in characters from its start, and how. */
const REQUESTS: [string, number, Partial<CompletionRequest>][] = [
  ['src/engine/prompt.ts', 2600, {}],
  ['src/engine/prompt.ts', 4000, { unbounded: true }],
  ['src/engine/prompt.ts', 4003, { unbounded: true }],
  ['src/engine/modelFolder.ts', 3001, { unbounded: true }],
  ['src/completion/stop.ts', 1503, { unbounded: true }],
  ['src/extension/statusBar.ts', 900, { raw: true }],
  ['models/train/bpe.py', 2222, { unbounded: true }],
  ['models/train/bpe.py', 2224, { minProbability: 0.1 }],
  ['README.md', 800, { raw: true }],
  ['package.json', 3000, { unbounded: true }],
];

function requestOf([path, at, fields]: (typeof REQUESTS)[number], temperature: number): CompletionRequest {
  const text = readFileSync(path, 'utf8');
  return {
    prefix: text.slice(Math.max(0, at - 900), at),
    suffix: text.slice(at, at + 200),
    path,
    context: [{ path: 'src/engine/random.ts', text: readFileSync('src/engine/random.ts', 'utf8') }],
    maxTokens: 20,
    sampling: { temperature, topK: 0, topP: 0.95, seed: at },
    raw: false,
    ...fields,
  };
}

/** A model folder, its weights, the temperature. Full precision: a run of several tokens rounds otherwise than one of one token. */
const MODELS: [string, string, string, number][] = [
  ['the shipped model, greedily', shipped, 'onnx/model.onnx', 0],
  ['the shipped model, sampled', shipped, 'onnx/model.onnx', 0.7],
  ['a model without weights for the text at hand, greedily', tiny, 'onnx/model.onnx', 0],
  ['a model without weights for the text at hand, sampled', tiny, 'onnx/model.onnx', 0.5],
];
for (const [name, dir, weights, temperature] of MODELS) {
  test(`text, tokens and log-probabilities are the same with speculation on and off: ${name}`, async () => {
    const device = 'cpu';
    const off = await Engine.load({ modelDir: dir, device, weights, speculation: 'off' });
    const auto = await Engine.load({ modelDir: dir, device, weights, speculation: 'auto' });
    let accepted = 0;
    for (const each of REQUESTS) {
      const request = requestOf(each, temperature);
      if (dir === tiny) Object.assign(request, { prefix: request.prefix.slice(-60), maxTokens: 40, context: [] });
      const expected = await off.complete(request, { signal: never });
      assert.equal(expected.stats.draftedTokens, 0);
      // The second time what was offered is known.
      for (let time = 0; time < 2; time++) {
        const got = await auto.complete(request, { signal: never });
        assert.deepEqual(
          [got.text, got.tokens, got.finish],
          [expected.text, expected.tokens, expected.finish],
          each[0],
        );
        assert.ok(farthest(got.logprobs, expected.logprobs) < 1e-3, each[0]);
        accepted += got.stats.acceptedTokens;
      }
    }
    assert.ok(accepted > 0, 'something was guessed right');
    await off.dispose();
    await auto.dispose();
  });
}
