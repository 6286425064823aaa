// The state of the panel without a page: what is kept, what is asked, what is put together from answers, and in which order heads stand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEAD_CLASSES } from '../../src/attention/headClasses';
import { rowStart, triangleLength } from '../../src/attention/weights';
import type { HeadAnswer, OverviewAnswer, Question, TextAnswer, TokenFacts } from '../../src/inspectionProtocol';
import type { FromWebview, HostSources } from '../../src/webviewProtocol';
import { type Choices, readChoices, SECTIONS } from '../../src/webview/choices';
import { Exchange } from '../../src/webview/exchange';
import { cornerOf, flow, headList, placeAt, placeKey } from '../../src/webview/headList';
import { HeadMap } from '../../src/webview/headMap';
import { Inspected, Kept } from '../../src/webview/inspected';
import { origins } from '../../src/webview/origins';
import { tokenKey } from '../../src/webview/keys';
import { pairOf, shareOf, sumOfExp } from '../../src/webview/steps';
import { Pace } from '../../src/webview/pace';
import { Turns } from '../../src/webview/turns';
import { failureIn, nextQuestion, SIDE } from '../../src/webview/wanted';

const LAYERS = 2;
const HEADS = 4;

function token(position: number): TokenFacts {
  return {
    id: position,
    text: `t${position}`,
    special: false,
    place: { in: 'document', start: position - 9, end: position - 8 },
  };
}

function textAnswer(from: number, n: number, finished = true): TextAnswer {
  return {
    answer: 'text',
    sequence: 5,
    from,
    tokens: Array.from({ length: n - from }, (_, index) => token(from + index)),
    promptTokens: 6,
    finished,
    files: ['b.ts'],
    shape: { layers: LAYERS, heads: HEADS, kvHeads: 2, headDim: 8, vocab: 30, windows: [0, 0] },
    kernel: 'own',
    precision: { matrices: 'int8', softmax: 'float32' },
    model: 'tiny',
    limits: {},
  };
}

function headAnswer(from: number, n: number, layer = 0, head = 0): HeadAnswer {
  const weights = Uint16Array.from({ length: triangleLength(n) - rowStart(from) }, (_, at) => rowStart(from) + at);
  return { answer: 'head', sequence: 5, layer, head, from, n, weights, valueNorms: new Float32Array(n) };
}

function overviewAnswer(n: number): OverviewAnswer {
  const of = (at: (index: number) => number): Float32Array<ArrayBuffer> => Float32Array.from({ length: LAYERS * HEADS }, (_, index) => at(index)); // prettier-ignore
  const classes = new Float32Array(LAYERS * HEADS * HEAD_CLASSES.length);
  classes[3 * HEAD_CLASSES.length + HEAD_CLASSES.indexOf('previous')] = 0.9;
  const figures = { entropy: of((index) => ((index * 3) % 8) / 8), sink: of(() => 0.5), distance: of((index) => index), self: of(() => 0), classes }; // prettier-ignore
  return {
    answer: 'overview',
    sequence: 5,
    n,
    side: SIDE,
    thumbnails: new Uint8Array(LAYERS * HEADS * SIDE * SIDE),
    figures,
  };
}

const choicesOf = (changed: Partial<Choices>): Choices => ({ ...readChoices(undefined), ...changed });

test('choices: whatever was stored, the result can be used, and it is small', () => {
  const defaults = readChoices(undefined);
  const broken: unknown[] = [null, 'x', 7, [], { layer: -1, head: 1.5, scale: 'cubic', zoom: 7, query: '3', mass: 0, temperature: -1, open: 'all', group: 1 }]; // prettier-ignore
  for (const stored of broken) assert.deepEqual(readChoices(stored), defaults);
  const kept = choicesOf({ layer: 3, head: 1, scale: 'log', full: 'row', hideFirst: true, zoom: 14, query: 9, key: 2, mass: 0.5, topK: 40, open: [...SECTIONS], filter: 'previous' }); // prettier-ignore
  assert.deepEqual(readChoices({ ...(JSON.parse(JSON.stringify(kept)) as object), more: 1 }), kept);
  assert.ok(JSON.stringify(kept).length < 2048);
});

test('questions to the host: one at a time, numbered, stale answers dropped', () => {
  const posted: FromWebview[] = [];
  const exchange = new Exchange((sent) => posted.push(sent));
  exchange.ask(5, { ask: 'row', query: 1 });
  exchange.ask(5, { ask: 'row', query: 2 });
  assert.equal(posted.length, 1, 'the second waits');
  assert.equal(exchange.take(9), undefined, 'the answer to nothing');
  assert.deepEqual(exchange.take(1), { sequence: 5, question: { ask: 'row', query: 1 } });
  assert.equal(exchange.take(1), undefined, 'the same answer twice');
  exchange.ask(5, { ask: 'row', query: 3 });
  exchange.drop();
  assert.ok(exchange.busy, 'the answer is still to come');
  assert.equal(exchange.take(2), undefined, 'no longer wanted');
  assert.ok(!exchange.busy);
  assert.deepEqual(
    posted.map((sent) => sent.type === 'ask' && sent.number),
    [1, 2],
  );
});

test('the rows of a head are appended, in one piece and exactly', () => {
  const map = new HeadMap(0, 0);
  for (const [from, n] of [
    [0, 3],
    [3, 4],
    [4, 9],
    [9, 10],
    [8, 12],
  ] as const)
    assert.ok(map.add(headAnswer(from, n)));
  assert.equal(map.n, 12);
  assert.deepEqual(
    [...map.weights],
    Array.from({ length: triangleLength(12) }, (_, at) => at),
  );
  assert.equal(map.add(headAnswer(13, 14)), false, 'rows are missing between');
  assert.equal(map.add({ ...headAnswer(12, 14), weights: new Uint16Array(3) }), false, 'too few weights');
  assert.equal(map.n, 12);
});

test('a few answers are kept: those that were used last', () => {
  const kept = new Kept<string>(2);
  kept.set('a', 1, 2);
  kept.set('b', 3);
  assert.equal(kept.get(1, 2), 'a');
  kept.set('c', 4);
  assert.deepEqual([kept.get(1, 2), kept.get(3), kept.get(4)], ['a', undefined, 'c']);
});

test('answers are put together while the text grows; those of others are refused', () => {
  const inspected = new Inspected(textAnswer(0, 7, false));
  inspected.grew(9, false);
  assert.ok(inspected.take(textAnswer(7, 9, false), { ask: 'text', from: 7 }));
  assert.deepEqual(
    inspected.labels,
    Array.from({ length: 9 }, (_, at) => `t${at}`),
  );
  assert.equal(inspected.take(textAnswer(10, 11), { ask: 'text', from: 10 }), false, 'a gap');
  assert.equal(
    inspected.take({ ...headAnswer(0, 9), sequence: 6 }, { ask: 'head', layer: 0, head: 0, from: 0 }),
    false,
  );
  const drawn = (from: number, n: number): boolean => {
    const length = triangleLength(n - 1) - triangleLength(from - 1);
    return inspected.take({ answer: 'drawn', sequence: 5, from, n, weights: new Float32Array(length).fill(from) }, { ask: 'drawn', from }); // prettier-ignore
  };
  assert.ok(drawn(6, 8));
  assert.ok(drawn(8, 9));
  assert.equal(drawn(11, 12), false, 'a gap');
  assert.deepEqual([...(inspected.drawn?.weights ?? [])], [...Array<number>(13).fill(6), ...Array<number>(8).fill(8)]);
});

// What is asked in turn when every answer comes, with only these sections open.
const ASKED: [open: Choices['open'], changed: Partial<Choices>, asked: Question['ask'][]][] = [
  [[], {}, []],
  [['answer'], {}, ['drawn']],
  [['text'], { shade: 'mean' }, ['row']],
  [['text'], { shade: 'head' }, ['head']],
  [['head', 'overview'], {}, ['head', 'overview']],
  [['row'], { summary: 'rollout' }, ['row', 'rollout']],
  [['next'], {}, ['logits']],
  [['next'], { query: 0 }, []],
  [['lesson'], {}, ['head', 'lesson']],
];
for (const [open, changed, expected] of ASKED) {
  test(`open: ${open.join(', ') || 'nothing'} (${JSON.stringify(changed)}): asked is ${expected.join(', ') || 'nothing'}, each once`, () => {
    const inspected = new Inspected(textAnswer(0, 9));
    const choices = choicesOf({ open, ...changed });
    const look = { choices, inspected, query: choices.query < 0 ? 8 : choices.query, key: 0 };
    const asked: string[] = [];
    for (let question = nextQuestion(look); question && asked.length < 9; question = nextQuestion(look)) {
      asked.push(question.ask);
      inspected.failed(question, `no ${question.ask}`);
    }
    assert.deepEqual(asked, expected, 'what fails is not asked again');
    for (const name of open) if (asked.length > 0) assert.match(failureIn(look, name), /^no /);
    inspected.grew(10, true);
    const quick = ['head', 'row', 'drawn'];
    for (let question = nextQuestion(look); question?.ask !== 'text'; question = nextQuestion(look)) {
      assert.ok(question && quick.includes(question.ask), 'before new text comes only what costs little');
      inspected.failed(question, 'no');
    }
  });
}

test('while the text grows only the rows that are missing are asked', () => {
  const inspected = new Inspected(textAnswer(0, 7, false));
  const look = { choices: choicesOf({ open: ['head'] }), inspected, query: 6, key: 0 };
  assert.deepEqual(nextQuestion(look), { ask: 'head', layer: 0, head: 0, from: 0 });
  inspected.take(headAnswer(0, 7), { ask: 'head', layer: 0, head: 0, from: 0 });
  assert.equal(nextQuestion(look), undefined);
  inspected.grew(8, false);
  inspected.take(textAnswer(7, 8, false), { ask: 'text', from: 7 });
  assert.deepEqual(nextQuestion(look), { ask: 'head', layer: 0, head: 0, from: 7 });
});

test('an answer that brings nothing new is not asked for again until the text has grown', () => {
  const inspected = new Inspected(textAnswer(0, 7));
  const look = { choices: choicesOf({ open: ['head', 'overview'] }), inspected, query: 6, key: 0 };
  const head: Question = { ask: 'head', layer: 0, head: 0, from: 0 };
  inspected.take(headAnswer(0, 6), head);
  const rest = nextQuestion(look);
  assert.deepEqual(rest, { ...head, from: 6 });
  assert.ok(inspected.take(headAnswer(6, 6), rest));
  inspected.take(overviewAnswer(6), { ask: 'overview', side: SIDE });
  assert.deepEqual(nextQuestion(look), { ask: 'overview', side: SIDE }, 'an older answer than there could be');
  inspected.take(overviewAnswer(6), { ask: 'overview', side: SIDE });
  assert.equal(nextQuestion(look), undefined);
  inspected.grew(7, true); // told again
  assert.deepEqual(nextQuestion(look), rest);
});

test('while a text is written its overview is asked for when it is long, and again when it has grown by an eighth', () => {
  const asked: number[] = [];
  const inspected = new Inspected(textAnswer(0, 7, false));
  const look = { choices: choicesOf({ open: ['overview'] }), inspected, query: 6, key: 0 };
  for (let n = 8; n <= 120; n++) {
    inspected.grew(n, n === 120);
    inspected.take(textAnswer(n - 1, n, n === 120), { ask: 'text', from: n - 1 });
    const question = nextQuestion(look);
    if (question === undefined) continue;
    assert.equal(question.ask, 'overview');
    inspected.take(overviewAnswer(n), question);
    asked.push(n);
  }
  assert.deepEqual(asked, [70, 79, 89, 101, 114, 120]);
});

test('heads in order: by place, by metric, by class', () => {
  const inspected = new Inspected(textAnswer(0, 9));
  const overview = overviewAnswer(9);
  const list = (choices: Partial<Choices>): number[] => headList(inspected, overview, undefined, choicesOf(choices)).map(({ index }) => index); // prettier-ignore
  assert.deepEqual(list({}), [0, 1, 2, 3, 4, 5, 6, 7]);
  const entropy = [...overview.figures.entropy];
  assert.deepEqual(list({ sorted: true, metric: 'entropy' }), [...entropy.keys()].sort((a, b) => (entropy[b] ?? 0) - (entropy[a] ?? 0))); // prettier-ignore
  assert.deepEqual(list({ sorted: true, metric: 'class' })[0], 3, 'those without a class come last');
  assert.deepEqual(list({ filter: 'previous' }), [3]);
  assert.deepEqual(list({ filter: 'induction' }), []);
});

for (const inPlace of [true, false]) {
  test(`every cell of the overview is found where it is drawn, ${inPlace ? 'in place' : 'flowing'}`, () => {
    const flowing = flow(24, 6, 3, 500, inPlace);
    for (let at = 0; at < 24; at++) {
      const { x, y } = cornerOf(flowing, at);
      assert.equal(placeAt(flowing, 24, x + flowing.width / 2, y + flowing.height / 2), at);
    }
    assert.equal(placeAt(flowing, 24, -5, 3), undefined);
    assert.equal(placeKey('ArrowDown', 1, flowing.columns, 24), 1 + flowing.columns);
    assert.equal(placeKey('ArrowUp', 1, flowing.columns, 24), 1);
    assert.deepEqual(
      [placeKey('Home', 9, 6, 24), placeKey('End', 9, 6, 24), placeKey('x', 9, 6, 24)],
      [0, 23, undefined],
    );
  });
}

test('origins: what was drawn adds up by part, line and file, with the key of the most weight', () => {
  const inspected = new Inspected(textAnswer(0, 9));
  const keys = Float32Array.of(0, 0.1, 0.3, 0.05, 0.25, 0.2, 0.1, 0);
  const sources: HostSources = {
    type: 'sources',
    sequence: 5,
    parts: [
      { name: 'f', kind: 'symbol', file: 'u.ts', firstLine: 1, lastLine: 4 },
      { name: '', kind: 'imports', file: 'u.ts', firstLine: 5, lastLine: 6 },
      { name: '', kind: 'rest', file: 'a.ts', firstLine: 1, lastLine: 9 },
    ],
    partOf: Int32Array.of(-1, 0, 0, 1, 0, 2, 2, -1),
    lineOf: Int32Array.of(0, 1, 1, 5, 2, 7, 7, 0),
    changed: false,
  };
  const of = (group: Choices['group']) => origins(keys, inspected, sources, group).map(({ name, where, share, position }) => [name, where, Number(share.toFixed(3)), position]); // prettier-ignore
  assert.deepEqual(of('part'), [['`f`', 'u.ts, lines 1–4', 0.65, 2], ['the rest of the file', 'a.ts, lines 1–9', 0.3, 5], ['the imports', 'u.ts, lines 5–6', 0.05, 3]]); // prettier-ignore
  assert.deepEqual(of('file'), [
    ['u.ts', '', 0.7, 2],
    ['a.ts', '', 0.3, 5],
  ]);
  assert.deepEqual(of('line')[0], ['line 1', 'u.ts', 0.4, 2]);
  assert.deepEqual(origins(keys, inspected, undefined, 'part').map(({ name, spans }) => [name, spans]), [['the text before the cursor', [[0, 8]]]]); // prettier-ignore
  assert.deepEqual(origins(keys, inspected, sources, 'part')[0]?.spans, [
    [1, 3],
    [4, 5],
  ]);
});

test('the arithmetic of the lesson', () => {
  assert.deepEqual(pairOf(Float32Array.of(1, 2, 3, 4), 1, true, 2), [3, 4]);
  assert.deepEqual(pairOf(Float32Array.of(1, 2, 3, 4), 1, false, 2), [2, 4]);
  assert.ok(Math.abs(sumOfExp(Float32Array.of(1, 0, -Infinity), 1) - (1 + Math.exp(-1))) < 1e-6);
  const lesson = {
    weights: Float32Array.of(0.25, 0.75),
    key: 1,
    value: Float32Array.of(2, 0),
    output: Float32Array.of(2, 1),
  };
  assert.ok(Math.abs(shareOf(lesson) - (0.75 * 4) / 5) < 1e-6);
});

const TOKEN_KEYS: [key: string, from: number, to: number | undefined][] = [
  ['ArrowLeft', 0, 0],
  ['ArrowRight', 3, 4],
  ['ArrowRight', 8, 8],
  ['ArrowDown', 3, 7],
  ['Home', 5, 0],
  ['End', 5, 8],
  ['Enter', 5, 5],
  ['a', 5, undefined],
];
for (const [key, from, to] of TOKEN_KEYS) test(`${key} in the text from ${from}`, () => assert.equal(tokenKey(key, from, 9, (at) => at + 4), to)); // prettier-ignore

test('turns: the lowest rank first, then who has waited longest; adding again keeps the place, and nobody is lost', () => {
  const turns = new Turns<string>();
  const ranks: Record<string, number> = { a: 2, b: 1, c: 1, d: 0 };
  const rank = (name: string): number => ranks[name] ?? 9;
  turns.add(['a', 'b', 'c', 'd']);
  assert.deepEqual([turns.take(rank), turns.take(rank)], ['d', 'b']);
  turns.add(['a', 'b', 'c', 'd']);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => turns.take(rank)),
    ['d', 'c', 'b', 'a'],
  );
  assert.equal(turns.left, false);
  assert.equal(turns.take(rank), undefined);
});

test('pace: the first at once, of the others the last, and none after what does not wait', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const sent: number[] = [];
  const pace = new Pace<number>(80, (one) => sent.push(one));
  for (const one of [1, 2, 3]) pace.send(one);
  assert.deepEqual(sent, [1]);
  context.mock.timers.tick(80);
  assert.deepEqual(sent, [1, 3]);
  pace.send(4);
  pace.send(5, true);
  assert.deepEqual(sent, [1, 3, 5]);
  context.mock.timers.tick(200);
  assert.deepEqual(sent, [1, 3, 5], 'what was overtaken is not sent');
  pace.send(6);
  assert.deepEqual(sent, [1, 3, 5, 6]);
});
