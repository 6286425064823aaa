// What a model that was taught to chat is shown for a prompt of Generate, how its answer becomes a text, and the editor's messages as ours.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatTurn } from '../../src/chatProtocol';
import { drawn, textOf, turnsOf } from '../../src/extension/chatMessages';
import type { ChatClient } from '../../src/extension/chatClient';
import { answer, modelOf } from '../../src/extension/generate/answering';
import { conversation, framed, type Wish } from '../../src/extension/generate/chatFraming';
import type { EngineClient, EngineState } from '../../src/extension/engineClient';
import type { Completion, ModelInfo } from '../../src/protocol';

const WISH: Wish = {
  prompt: 'the area',
  language: 'python',
  path: 'shapes/circle.py',
  before: 'import math\n\ndef area(r):\n    ',
  after: '\n\nprint(area(2))\n',
  replaced: '',
  lead: '',
  linePrefix: '    ',
};
const { signal: never } = new AbortController();
const info = (contextLength = 4096): ModelInfo => ({ contextLength, chat: true }) as ModelInfo;

const FRAMED: { name: string; wish: Partial<Wish>; user: string }[] = [
  {
    name: 'the file before and after the place, and the prompt last',
    wish: {},
    user: 'This stands in the file shapes/circle.py before your code:\n```python\nimport math\n\ndef area(r):\n    \n```\n\nThis stands after it:\n```python\n\n\nprint(area(2))\n\n```\n\nWhat to write there: the area',
  },
  {
    name: 'what is replaced, in a fence longer than its own',
    wish: { before: '', after: '', replaced: '"""\n```\nx\n```\n"""', path: undefined },
    user: 'Your code takes the place of this:\n````python\n"""\n```\nx\n```\n"""\n````\n\nWhat to write there: the area',
  },
  {
    name: 'another file; a line that is begun for the text',
    wish: { before: 'a', after: '', lead: '\n  ', other: { path: 'b.py', text: 'b' }, path: undefined },
    user: 'From b.py:\n```python\nb\n```\n\nThis stands in the file before your code:\n```python\na\n  \n```\n\nWhat to write there: the area',
  },
];
for (const { name, wish, user } of FRAMED) {
  test(`framing: ${name}`, () => {
    const [system, asked, ...more] = framed({ ...WISH, ...wish }, 10_000);
    assert.equal(more.length, 0);
    assert.equal(system?.role, 'system');
    assert.match(system.content, /python code.*one code block/);
    assert.deepEqual(asked, { role: 'user', content: user });
  });
}

test('framing: a document in words is asked for words', () => {
  const [system, asked] = framed({ ...WISH, language: 'markdown' }, 10_000);
  assert.match(`${system?.content ?? ''}${asked?.content ?? ''}`, /markdown document.*before your text/s);
});

test('framing: as much of the file is shown as there is room for, next to the place', async () => {
  const long = {
    ...WISH,
    before: `${'before = 1\n'.repeat(3000)}here = `,
    after: `there\n${'after = 1\n'.repeat(3000)}`,
  };
  // Tokens of three characters, but for the first try, which is told that it has more.
  let tries = 0;
  const sizes: number[] = [];
  const count = (messages: ChatTurn[]): Promise<number> => {
    const size = Math.ceil(messages.reduce((sum, { content }) => sum + content.length, 0) / 3);
    sizes.push(size);
    return Promise.resolve(tries++ === 0 ? size * 2 : size);
  };
  const [, asked] = await conversation(long, { contextLength: 1024, maxTokens: 300 }, count);
  const text = asked?.content ?? '';
  assert.ok(text.includes('here = \n```') && text.includes('```python\nthere\n'), text);
  const last = sizes.at(-1) as number;
  assert.ok(last <= 724 && last > 300, sizes.join(' '));
  assert.ok(tries >= 2 && tries < 8, `${tries} tries`);
  // A prompt that leaves no room is the engine's to refuse.
  const [, huge] = await conversation(
    { ...long, prompt: 'x'.repeat(9000) },
    { contextLength: 1024, maxTokens: 300 },
    count,
  );
  assert.ok(huge?.content.endsWith('x'.repeat(9000)));
});

/** A model that says these pieces, unless it is told to stop. */
function saying(pieces: string[]): Pick<EngineClient, 'chat'> & { said: string[] } {
  const said: string[] = [];
  const chat: Pick<ChatClient, 'answer' | 'count'> = {
    count: () => Promise.resolve(10),
    answer: (_request, signal, onText) => {
      for (const piece of pieces) {
        if (signal.aborted) break;
        said.push(piece);
        onText(piece);
      }
      return Promise.resolve({ finish: signal.aborted ? 'cancelled' : 'eos', stats: {} } as Completion);
    },
  };
  return { chat: chat as ChatClient, said };
}

const ANSWERS: { name: string; wish?: Partial<Wish>; pieces: string[]; text: string; finish: string; said?: number }[] =
  [
    {
      name: 'the code of a fence, indented as the place is',
      pieces: ['```py', 'thon\nif x:\n', '    return 1\nre', 'turn 2\n``', '`\n', 'That', ' is all.'],
      text: 'if x:\n        return 1\n    return 2',
      finish: 'stop',
      said: 5,
    },
    { name: 'text without a fence', pieces: ['return ', '1\r\n'], text: 'return 1\n', finish: 'eos' },
    { name: 'nothing', pieces: [], text: '', finish: 'eos' },
    {
      name: 'words with code in them for a document in words',
      wish: { language: 'markdown', linePrefix: '' },
      pieces: ['Run\n```sh\nls\n```\n', 'now.'],
      text: 'Run\n```sh\nls\n```\nnow.',
      finish: 'eos',
    },
  ];
for (const { name, wish = {}, pieces, text, finish, said } of ANSWERS) {
  test(`answers: ${name}`, async () => {
    const engine = saying(pieces);
    let [written, progress] = ['', 0];
    const reader = { add: (piece: string) => (written += piece), progress: () => progress++ };
    const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
    const ended = await answer(engine, info(), { ...WISH, ...wish }, { maxTokens: 100, sampling }, never, reader);
    assert.deepEqual([written, ended.finish, progress], [text, finish, said ?? pieces.length]);
    assert.equal(engine.said.length, said ?? pieces.length, 'nothing is written that nobody reads');
  });
}

test('the model is waited for while it loads, and not by whoever gave up', async () => {
  let state: EngineState = { kind: 'loading' };
  const listeners = new Set<() => void>();
  const engine = {
    get state() {
      return state;
    },
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as EngineClient;
  const abort = new AbortController();
  const [waiting, gone] = [modelOf(engine, never), modelOf(engine, abort.signal)];
  abort.abort();
  assert.equal(await gone, undefined);
  for (const listener of [...listeners]) listener(); // still loading
  state = { kind: 'ready', info: info() };
  for (const listener of [...listeners]) listener();
  assert.equal((await waiting)?.chat, true);
  assert.equal(listeners.size, 0);
  state = { kind: 'failed', reason: '' };
  assert.equal(await modelOf(engine, never), undefined);
});

test("the editor's messages: texts of all parts, roles by number, empty ones left out", () => {
  const part = (value: string): unknown => ({ value });
  const message = (role: number, ...content: unknown[]) => ({ role, content, name: undefined });
  assert.deepEqual(
    turnsOf([
      message(3, part('S')),
      message(1, part('a'), part('b'), { data: new Uint8Array(3), mimeType: 'image/png' }, null),
      message(2, { callId: 'x', name: 'tool', input: {} }),
      message(2, part('c')),
      message(1, { callId: 'x', content: [part('result'), {}] }),
      message(1, part('  ')),
    ]),
    [
      { role: 'system', content: 'S' },
      { role: 'user', content: 'ab' },
      { role: 'assistant', content: 'c' },
      { role: 'user', content: 'result' },
    ],
  );
  assert.equal(textOf({ content: [] }), '');
});

test("the editor's options: within bounds they count, else what is set", () => {
  const base = { maxTokens: 100, sampling: { temperature: 0.6, topK: 5, topP: 0.9, seed: 1 } };
  assert.deepEqual(drawn(base, {}), base);
  assert.deepEqual(drawn(base, { modelOptions: { temperature: 0, top_p: 1, max_tokens: 7.5 } }), {
    maxTokens: 7,
    sampling: { temperature: 0, topK: 5, topP: 1, seed: 1 },
  });
  assert.deepEqual(drawn(base, { modelOptions: { temperature: 9, top_p: 'x', max_tokens: 1000 } }), base);
});
