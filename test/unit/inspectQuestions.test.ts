// What can go wrong with questions: rubbish, what is gone, what is too long, a window that slid; and questions while a text is written, which
// change nothing of it.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { Engine } from '../../src/engine/engine';
import { EngineError } from '../../src/engine/errors';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import type { Answer, Question, SequenceName } from '../../src/inspectionProtocol';
import type { Completion, CompletionRequest } from '../../src/protocol';
import { FORMS } from '../graphForms';
import { farthest } from '../reference';
import { TINY } from '../tinyModel';
import { ask, inspectorOf } from './inspection';

const shipped = join(process.cwd(), 'models/glassbox-small');
const dir = mkdtempSync(join(tmpdir(), 'glassbox-inspect-questions-'));
/** Another form each: weights from its own runs, and from a copy of its graph. */
const OWN = join(dir, 'own');
const COPY = join(dir, 'copy');
before(() => {
  FORMS.find(({ name }) => name === 'gqa')!.write(OWN);
  FORMS.find(({ name }) => name === 'decomposed, keys transposed in the cache')!.write(COPY);
});
after(() => rmSync(dir, { recursive: true }));
const never = new AbortController().signal;

const request = (prefix: string, fields: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prefix,
  suffix: '',
  maxTokens: 12,
  sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
  raw: true,
  ...fields,
});

async function engineOf(t: { after: (ended: () => Promise<void>) => void }, modelDir: string): Promise<Engine> {
  // Without 8-bit activations, which round otherwise in runs of other lengths; and every token by a run of its own.
  const weights = modelDir === shipped ? { weights: 'onnx/model.onnx' } : {};
  const engine = await Engine.load({ modelDir, device: 'cpu', threads: 1, speculation: 'off', ...weights });
  t.after(() => engine.dispose());
  return engine;
}

/** Fails unless a question is refused as a bad one, in words. */
async function refused(engine: Engine, question: unknown, name: SequenceName = 'last', pattern = /./): Promise<void> {
  await assert.rejects(
    engine.inspector.inspect(name, question as Question),
    (error) => {
      assert.ok(error instanceof EngineError, `${JSON.stringify(question)}: ${String(error)}`);
      assert.equal(error.code, 'bad_request', error.message);
      assert.match(error.message, pattern);
      assert.doesNotMatch(error.message, /\{\d\}|undefined to|NaN to/);
      return true;
    },
    JSON.stringify(question),
  );
}

/** No number that a position, a layer or a head could be. */
const RUBBISH: readonly unknown[] = [-1, 0.5, NaN, Infinity, 1e300, 2 ** 60, '1', null, undefined, {}, [0], true];
/** By question, one that is answered. */
const GOOD: readonly (Question & Record<string, unknown>)[] = [
  { ask: 'text', from: 0 },
  { ask: 'overview', side: 8 },
  { ask: 'head', layer: 0, head: 0, from: 0 },
  { ask: 'row', query: 3 },
  { ask: 'drawn', from: 0 },
  { ask: 'rollout', query: 3 },
  { ask: 'logits', position: 4 },
  { ask: 'effects', position: 4, heads: false, spans: [[0, 2]] },
  { ask: 'lesson', layer: 0, head: 0, query: 3, key: 1 },
];
const SPANS: readonly unknown[] = [
  undefined,
  'all',
  [[0]],
  [[2, 1]],
  [[1, 1]],
  [[-1, 2]],
  [[0, NaN]],
  [[0, 0.5]],
  [[0, 4]],
  [[0, 1e9]],
  [null],
  Array.from({ length: 5000 }, () => [0, 1]),
];

test('what is no question is refused in words, and the next one is answered', async (t) => {
  const engine = await engineOf(t, OWN);
  await engine.complete(request('let x = 1;'), { signal: never, id: 3 });
  let asked = 0;
  for (const good of GOOD) {
    assert.equal((await engine.inspector.inspect('last', good)).answer, good.ask);
    for (const [name, value] of Object.entries(good)) {
      if (typeof value !== 'number') continue;
      for (const rubbish of RUBBISH) {
        await refused(engine, { ...good, [name]: rubbish });
        asked++;
      }
    }
  }
  assert.ok(asked > 100);
  for (const spans of SPANS) await refused(engine, { ask: 'effects', position: 4, heads: true, spans });
  for (const none of [undefined, null, 7, 'text', {}, { ask: 'everything' }, { ask: 'toString' }, { ask: '__proto__' }])
    await refused(engine, none);
  const { tokens } = await ask(engine.inspector, { ask: 'text', from: 0 });
  const n = tokens.length;
  const beyond: Question[] = [
    { ask: 'head', layer: TINY.layers, head: 0, from: 0 },
    { ask: 'head', layer: 0, head: TINY.heads, from: 0 },
    { ask: 'head', layer: 0, head: 0, from: n + 1 },
    { ask: 'row', query: n },
    { ask: 'rollout', query: n },
    { ask: 'logits', position: 0 },
    { ask: 'logits', position: n + 1 },
    { ask: 'effects', position: 0, heads: true, spans: [] },
    { ask: 'effects', position: n, heads: true, spans: [] },
    { ask: 'lesson', layer: 0, head: 0, query: 3, key: 4 },
    { ask: 'overview', side: 7 },
    { ask: 'overview', side: 65 },
  ];
  for (const question of beyond) await refused(engine, question, 'last', /\d/);
  assert.equal((await ask(engine.inspector, { ask: 'row', query: n - 1 })).query, n - 1);
});

test('nothing was completed: there is nothing to look at', async (t) => {
  const engine = await engineOf(t, OWN);
  for (const good of GOOD) await refused(engine, good, 'last', /no text has been completed/);
});

test('what was shown is kept however much is written after it, until others are named', async (t) => {
  const engine = await engineOf(t, OWN);
  const write = async (from: number, end: number): Promise<void> => {
    for (let id = from; id < end; id++)
      await engine.complete(request(`let b${id} = `, { maxTokens: 2 }), {
        signal: never,
        id,
        background: id % 2 === 0,
      });
  };
  await write(200, 202);
  engine.inspector.sequences.keep([200, 201]);
  await write(202, 240);
  for (const id of [200, 201, 220, 239])
    assert.equal((await ask(engine.inspector, { ask: 'text', from: 0 }, id)).sequence, id);
  await refused(engine, { ask: 'text', from: 0 }, 219, /only the last 20/);
  engine.inspector.sequences.keep([201]);
  await write(240, 241);
  await refused(engine, { ask: 'text', from: 0 }, 200, /only the last 20/);
  assert.equal((await ask(engine.inspector, { ask: 'text', from: 0 }, 201)).sequence, 201);
});

test('the last 20 sequences are kept, and those before are gone', async (t) => {
  const engine = await engineOf(t, OWN);
  for (let id = 100; id < 125; id++)
    await engine.complete(request(`let a${id} = `, { maxTokens: 2 }), { signal: never, id });
  for (let id = 100; id < 105; id++) await refused(engine, { ask: 'text', from: 0 }, id, /only the last 20/);
  for (let id = 105; id < 125; id++) {
    const { sequence, tokens } = await ask(engine.inspector, { ask: 'text', from: 0 }, id);
    assert.equal(sequence, id);
    assert.ok(
      tokens
        .map(({ text }) => text)
        .join('')
        .includes(`let a${id} = `),
    );
  }
  for (const name of [null, 'first', NaN, -1, {}, 99])
    await refused(engine, { ask: 'text', from: 0 }, name as SequenceName, /only the last 20/);
});

test('of a long document no more is kept than what was shown of it', async (t) => {
  const engine = await engineOf(t, shipped);
  const context = [{ path: 'other.ts', text: 'export const z = 1;\n'.repeat(60_000) }];
  const long = request('const x = 1;\n'.repeat(60_000), { suffix: 'done();\n'.repeat(60_000), raw: false, context });
  await engine.complete(long, { signal: never, id: 1 });
  const { ids, prompt } = engine.inspector.sequences.get('last');
  const kept = prompt.parts.reduce((sum, { from }) => sum + (from?.text.length ?? 0), 0);
  assert.ok(ids.length <= engine.info.contextLength && kept < 20 * engine.info.contextLength, `${kept} characters`);
  const { tokens } = await ask(engine.inspector, { ask: 'text', from: 0 });
  // The places are those of the long document: the last token of the prefix ends at the cursor, or was written anew.
  const before = tokens.flatMap(({ place }) => (place.in === 'document' && place.start < 0 ? [place] : []));
  assert.ok(before.length > 100);
  for (const { start, end } of before) assert.ok(start >= -long.prefix.length && end <= 0 && start < end);
});

test('a text whose weights would take more memory than there is for them is refused at once', async (t) => {
  const folder = join(dir, 'many');
  FORMS.find(({ name }) => name === 'gqa')!.write(folder);
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: 100_000 }));
  const model = await Model.load(readModelFolder(folder), 'cpu', { threads: 1 });
  t.after(() => model.dispose());
  const inspector = inspectorOf(
    model,
    Array.from({ length: 6000 }, (_, i) => i % 250),
    10,
  );
  await assert.rejects(inspector.inspect('last', { ask: 'overview', side: 8 }), (error) => {
    assert.ok(error instanceof EngineError && error.code === 'bad_request');
    const most = Number(/up to (\d+)/.exec(error.message)?.[1]);
    // Two bytes for each weight of a lower triangle.
    const bytes = (rows: number): number => TINY.layers * TINY.heads * rows * (rows + 1);
    assert.ok(bytes(most) <= 512 * 2 ** 20 && bytes(most + 1) > 512 * 2 ** 20, error.message);
    return true;
  });
  await inspector.dispose();
});

test('a completion in the background is kept, and is not the last', async (t) => {
  const engine = await engineOf(t, OWN);
  await engine.complete(request('first '), { signal: never, id: 1 });
  await engine.complete(request('second '), { signal: never, id: 2, background: true });
  assert.equal((await ask(engine.inspector, { ask: 'text', from: 0 })).sequence, 1);
  assert.equal((await ask(engine.inspector, { ask: 'text', from: 0 }, 2)).sequence, 2);
});

for (const modelDir of [OWN, COPY])
  test(`a text beyond the window says so where it cannot be asked: ${modelDir === OWN ? 'own runs' : 'copy'}`, async (t) => {
    const engine = await engineOf(t, modelDir);
    const many = { maxTokens: 2 * TINY.context, endless: true };
    const { tokens } = await engine.complete(request('x', many), { signal: never, id: 9 });
    assert.equal(tokens.length, many.maxTokens);
    const facts = await ask(engine.inspector, { ask: 'text', from: 0 });
    assert.equal(facts.tokens.length, facts.promptTokens + many.maxTokens);
    const within = TINY.context;
    assert.equal((await ask(engine.inspector, { ask: 'logits', position: within })).logits.length, TINY.vocab);
    await refused(engine, { ask: 'logits', position: within + 1 }, 'last', new RegExp(`${within}`));
    for (const good of GOOD.filter(({ ask }) => ask !== 'text' && ask !== 'logits'))
      await refused(engine, good, 'last', new RegExp(`${within}`));
    // What comes next is as ever.
    await engine.complete(request('y'), { signal: never, id: 10 });
    assert.equal((await ask(engine.inspector, { ask: 'row', query: 3 })).sequence, 10);
  });

for (const watched of [false, true])
  test(`a graph that is run as it is gives its weights when the text is complete, ${watched ? 'watched' : 'not watched'}: until then it says so`, async (t) => {
    const engine = await engineOf(t, COPY);
    if (watched) engine.inspector.watch(() => undefined);
    const weights = GOOD.filter(({ ask }) => ['head', 'row', 'drawn', 'overview', 'rollout'].includes(ask));
    const state = { going: true, refusals: 0 };
    const writing = engine
      .complete(request('hello world', { maxTokens: 60 }), { signal: never, id: 1, onToken: () => undefined })
      .finally(() => (state.going = false));
    await until(engine);
    while (state.going)
      for (const question of weights) {
        const answer = await engine.inspector.inspect('last', question).catch((error: Error) => error);
        if (!(answer instanceof Error)) assert.ok(!('n' in answer) || answer.n > 0, question.ask);
        else if (++state.refusals > 0) assert.match(answer.message, /when the text is complete/);
      }
    await writing;
    assert.ok(state.refusals > 0);
    const { tokens } = await ask(engine.inspector, { ask: 'text', from: 0 });
    assert.equal((await ask(engine.inspector, { ask: 'overview', side: 8 })).n, tokens.length);
  });

/** Resolves when a text is being written. */
async function until(engine: Engine): Promise<void> {
  for (;;) {
    const text = await engine.inspector.inspect('last', { ask: 'text', from: 0 }).catch(() => undefined);
    if (text?.answer === 'text' && !text.finished) return;
    await new Promise((turn) => setImmediate(turn));
  }
}

/** Asks one question after another until told to stop. @returns how many were answered */
async function keepAsking(engine: Engine, going: () => boolean, questions: readonly Question[]): Promise<number> {
  let answered = 0;
  for (let i = 0; going(); i++) {
    const answer: Answer = await engine.inspector.inspect('last', questions[i % questions.length] as Question);
    assert.equal(answer.answer, questions[i % questions.length]?.ask);
    answered++;
  }
  return answered;
}

for (const watched of [false, true])
  test(`questions while a text is written leave it as it is, ${watched ? 'watched' : 'not watched'}`, async (t) => {
    const engine = await engineOf(t, shipped);
    const asked = request('export function sum(values: number[]): number {\n', { maxTokens: 400 });
    const alone = await engine.complete(asked, { signal: never, id: 1 });
    if (watched) engine.inspector.watch(() => undefined);
    let going = true;
    let begun: () => void = () => undefined;
    const began = new Promise<void>((resolve) => (begun = resolve));
    const writing = engine
      .complete(asked, { signal: never, id: 2, onToken: () => begun() })
      .finally(() => (going = false));
    await began;
    const answered = await keepAsking(engine, () => going, GOOD);
    const looked: Completion = await writing;
    assert.ok(answered >= 2, `${answered} questions were answered meanwhile`);
    assert.deepEqual(looked.tokens, alone.tokens);
    looked.logprobs.forEach((p, i) => assert.ok(Math.abs(p - alone.logprobs[i]!) < 1e-3));
    // What was asked meanwhile left no trace in the answers, either.
    const [late, fresh] = [engine.inspector, await engineOf(t, shipped)];
    await fresh.complete(asked, { signal: never, id: 3 });
    for (const layer of [0, 5]) {
      const question = { ask: 'head', layer, head: 1, from: 0 } as const;
      const [a, b] = [await ask(late, question), await ask(fresh.inspector, question)];
      assert.equal(a.n, b.n);
      a.weights.forEach((w, i) => assert.ok(Math.abs((w / 65535) ** 2 - (b.weights[i]! / 65535) ** 2) < 1e-3));
    }
  });

test('a text that was cancelled can be asked about as far as it went', async (t) => {
  const engine = await engineOf(t, OWN);
  engine.inspector.watch(() => undefined);
  const abort = new AbortController();
  let seen = 0;
  const asking: Promise<Answer>[] = [];
  const done = await engine.complete(request('cancel me', { maxTokens: 60 }), {
    signal: abort.signal,
    id: 5,
    onToken: () => {
      seen++;
      if (seen === 6) asking.push(engine.inspector.inspect('last', { ask: 'overview', side: 8 }));
      if (seen === 9) abort.abort();
    },
  });
  assert.equal(done.finish, 'cancelled');
  assert.deepEqual(
    (await Promise.all(asking)).map(({ answer }) => answer),
    ['overview'],
  );
  const { tokens, promptTokens, finished } = await ask(engine.inspector, { ask: 'text', from: 0 });
  assert.deepEqual([tokens.length - promptTokens, finished], [seen, true]);
  assert.equal((await ask(engine.inspector, { ask: 'head', layer: 2, head: 5, from: 0 })).n, tokens.length);
});

test('an answer about one text is of that text, though another is begun meanwhile', async (t) => {
  const engine = await engineOf(t, shipped);
  engine.inspector.watch(() => undefined);
  const first = request('const first = [1, 2, 3].map((x) => x * 2);\n'.repeat(12), { maxTokens: 4 });
  await engine.complete(first, { signal: never, id: 1 });
  const question = { ask: 'overview', side: 64 } as const;
  const quiet = await ask(engine.inspector, question, 1);
  for (let id = 2; id < 8; id++) {
    await sleep(400); // what was written last has been followed
    await ask(engine.inspector, question, 1); // the weights are there: the next answer is begun at once
    const asked = ask(engine.inspector, question, 1);
    for (let turn = 0; turn < id; turn++) await new Promise((resolve) => setImmediate(resolve));
    const other = request(`const first = [${id}];\nclass Other { ${'foo(); '.repeat(30)}`, { maxTokens: 20 });
    const [answer] = await Promise.all([asked, engine.complete(other, { signal: never, id })]);
    assert.equal(answer.n, quiet.n);
    const [pixels, sinks] = [
      farthest(answer.thumbnails, quiet.thumbnails),
      farthest(answer.figures.sink, quiet.figures.sink),
    ];
    assert.ok(pixels <= 1 && sinks < 1e-3, `beside ${id}: ${pixels} of 255, ${sinks}`);
  }
});

test('the engine ends in the middle of questions: all are answered or refused', async () => {
  const engine = await Engine.load({ modelDir: OWN, device: 'cpu', threads: 1 });
  await engine.complete(request('let x = 1;'), { signal: never, id: 3 });
  const asked = [...GOOD, ...GOOD].map((question) => engine.inspector.inspect('last', question));
  const settled = Promise.allSettled(asked);
  await engine.dispose();
  assert.equal((await settled).length, 2 * GOOD.length);
});
