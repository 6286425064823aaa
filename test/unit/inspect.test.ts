// The inside of completions, through the engine: weights, places, logits, against the slow way over the same ids.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { weightsOf, rowStart } from '../../src/attention/weights';
import { Engine } from '../../src/engine/engine';
import { placesOf } from '../../src/engine/inspect/places';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { framePrompt } from '../../src/engine/prompt';
import { seededRandom } from '../../src/engine/random';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { Answer, Question } from '../../src/inspectionProtocol';
import type { CompletionRequest } from '../../src/protocol';
import { writeTinyModel } from '../tinyModel';

const shipped = join(process.cwd(), 'models/glassbox-small');
const tiny = mkdtempSync(join(tmpdir(), 'glassbox-inspect-'));
before(() => writeTinyModel(tiny));
after(() => rmSync(tiny, { recursive: true }));
const never = new AbortController().signal;
const GREEDY = { temperature: 0, topK: 0, topP: 1, seed: 0 };
const CONTEXT = [
  {
    path: 'src/prices.ts',
    text: 'export function priceOf(item: Item): number {\n  return item.price * item.count;\n}\n',
  },
];

function request(prefix: string, suffix: string, fields: Partial<CompletionRequest> = {}): CompletionRequest {
  const base = { path: 'src/cart.ts', maxTokens: 24, sampling: GREEDY, raw: false, minProbability: 0 };
  return { prefix, suffix, ...base, ...fields };
}

async function ask<A extends Answer['answer']>(
  engine: Engine,
  question: Question & { ask: A },
): Promise<Extract<Answer, { answer: A }>> {
  return (await engine.inspector.inspect('last', question)) as Extract<Answer, { answer: A }>;
}

/** Texts of all kinds, the same every time. */
function text(random: () => number, pieces: number): string {
  const PIECES = [
    'const ',
    'total',
    ' = ',
    '(',
    ')',
    ';\n',
    '\r\n',
    '\t',
    '  ',
    'é',
    '日本',
    '😀',
    '👨‍👩‍👧',
    '1234',
    '"<b>"',
    '// ',
    'ﬁ',
  ];
  return Array.from({ length: pieces }, () => PIECES[Math.floor(random() * PIECES.length)]).join('');
}

test('each token stands where its place says', () => {
  const tokenizer = new Tokenizer(readModelFolder(shipped));
  const random = seededRandom(7);
  let placed = 0;
  for (let i = 0; i < 60; i++) {
    const [before, after] = [text(random, Math.floor(random() * 900)), text(random, Math.floor(random() * 300))];
    const asked = request(before, i % 3 === 0 ? '' : after, i % 2 === 0 ? { context: CONTEXT } : {});
    const prompt = framePrompt(tokenizer, asked, 1024);
    const generated = tokenizer.encodeText(`${text(random, 5)}x`);
    const ids = [...prompt.ids, ...generated];
    assert.equal(
      prompt.parts.reduce((sum, part) => sum + part.ids, 0),
      prompt.ids.length,
    );
    const retyped = prompt.typed?.characters ?? 0;
    const written = tokenizer.decode(generated);
    for (const [position, place] of placesOf(tokenizer.texts, ids, prompt.parts, retyped).entries()) {
      const own = tokenizer.texts?.of(ids[position] as number) ?? '';
      const slice =
        place.in === 'document'
          ? (before + after).slice(before.length + place.start, before.length + place.end)
          : place.in === 'file'
            ? CONTEXT[place.file]?.text.slice(place.start, place.end)
            : place.in === 'generated'
              ? written.slice(place.start + retyped, place.end + retyped)
              : undefined;
      if (slice === undefined) continue;
      placed++;
      const bytes = Buffer.from(slice).toString('latin1');
      assert.ok(bytes.includes(own), `${JSON.stringify(slice)} for ${JSON.stringify(own)}`);
      // No more than whole characters need.
      assert.ok(bytes.length - own.length < 7, `${JSON.stringify(slice)} for ${JSON.stringify(own)}`);
    }
    const framed =
      ids.length - placesOf(tokenizer.texts, ids, prompt.parts, retyped).filter((p) => p.in !== 'frame').length;
    assert.ok(framed < 40, `${framed} of ${ids.length} tokens have no place`);
  }
  assert.ok(placed > 5000, `${placed} tokens`);
});

/** Activations of 8 bits round differently in runs of one and of many tokens. */
const MODELS = [
  { name: 'the shipped model', dir: shipped, logits: 0.15 },
  { name: 'a model with full precision', dir: tiny, logits: 1e-4 },
];

for (const { name, dir, logits: close } of MODELS)
  test(`${name}: weights, means and logits are those of one run over the same ids`, async () => {
    const engine = await Engine.load({ modelDir: dir, device: 'cpu' });
    const model = await Model.load(readModelFolder(dir), 'cpu', { plain: true });
    const grew: number[] = [];
    engine.inspector.watch(({ n }) => void grew.push(n));
    try {
      for (const prefix of [
        'const items: Item[] = [];\n\nfunction total(): number {\n  ',
        'const items: Item[] = [];\nfor (const ',
      ]) {
        await engine.complete(request(prefix, '\n}\n'), { signal: never, id: 7 });
        const facts = await ask(engine, { ask: 'text', from: 0 });
        const ids = facts.tokens.map(({ id }) => id);
        const n = ids.length;
        assert.ok(n > facts.promptTokens && facts.finished && facts.kernel === 'own');
        const { layers, heads } = facts.shape;
        const means = new Float64Array(n - 1);
        for (let layer = 0; layer < layers; layer++)
          for (let head = 0; head < heads; head++) {
            const answer = await ask(engine, { ask: 'head', layer, head, from: 0 });
            assert.equal(answer.n, n);
            const got = weightsOf(answer.weights);
            const { weights: expected } = await engine.attention(layer, head);
            for (let query = 0; query < n; query++) {
              let sum = 0;
              for (let key = 0; key <= query; key++) {
                const p = got[rowStart(query) + key] as number;
                sum += p;
                assert.ok(Math.abs(p - (expected[query * n + key] as number)) < 1e-3);
              }
              assert.ok(Math.abs(sum - 1) < 1e-3, `row ${query} sums to ${sum}`);
            }
            for (let key = 0; key < n - 1; key++)
              means[key] = (means[key] as number) + (got[rowStart(n - 2) + key] as number) / (layers * heads);
          }
        const drawn = await ask(engine, { ask: 'drawn', from: n - 1 });
        drawn.weights.forEach((share, key) => assert.ok(Math.abs(share - (means[key] as number)) < 1e-5));
        const position = facts.promptTokens + 1;
        const { logits, taken } = await ask(engine, { ask: 'logits', position });
        const cache = model.newCache();
        const expected = await model.forward(ids.slice(0, position), cache, 'last');
        cache.dispose();
        assert.equal(taken, ids[position]);
        const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        const {
          logprob,
          heads: effects,
          spans,
        } = await ask(engine, {
          ask: 'effects',
          position,
          heads: true,
          spans: [
            [1, 4],
            [0, position - 1],
          ],
        });
        const log = (logits: Float32Array): number =>
          (logits[taken as number] as number) - Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0));
        assert.ok(Math.abs(logprob - log(expected)) < (close < 1e-3 ? 1e-3 : 1), `${logprob} for ${log(expected)}`);
        assert.equal(effects.length, layers * heads);
        assert.ok(effects.every(Number.isFinite) && effects.some((effect) => Math.abs(effect) > 1e-3));
        assert.ok(spans.every(Number.isFinite) && (spans[1] as number) !== 0);
        for (const [layer, head, query, key] of [
          [0, 0, position - 1, 2],
          [layers - 1, heads - 1, n - 2, n - 3],
        ] as const) {
          const lesson = await ask(engine, { ask: 'lesson', layer, head, query, key });
          const { weights: map } = await engine.attention(layer, head);
          lesson.weights.forEach((p, k) => assert.ok(Math.abs(p - (map[query * n + k] as number)) < 1e-3));
          const dot = (a: Float32Array, b: Float32Array): number =>
            a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
          const product = lesson.scale * dot(lesson.queryRotated, lesson.keyRotated);
          assert.ok(Math.abs(product - (lesson.scores[key] as number)) < 1e-4);
          // A rotation keeps lengths, and changes vectors that do not stand at position 0.
          assert.ok(Math.abs(dot(lesson.keyPlain, lesson.keyPlain) - dot(lesson.keyRotated, lesson.keyRotated)) < 1e-2);
          assert.ok(lesson.angles.length === 0 || Math.abs((lesson.angles[0] as number) - 1) < 1e-3);
        }
        logits.forEach((x, i) => assert.ok(Math.abs(x - (expected[i] as number)) <= close * largest));
      }
      assert.ok(grew.length > 1 && grew.every((n) => n > 0), String(grew));
    } finally {
      await engine.dispose();
      await model.dispose();
    }
  });
