// Conversations answered by the engine, through its process and the command line: where an answer ends, what the cache keeps, who goes first.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ChatRequest, ChatTurn } from '../../src/chatProtocol';
import { Engine } from '../../src/engine/engine';
import { EngineClient, EngineFailure } from '../../src/extension/engineClient';
import type { CompletionRequest } from '../../src/protocol';
import { ANSWER, writeAnsweringModel, writeChattingModel } from '../chatModel';
import { TINY, writeTinyModel } from '../tinyModel';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-chatting-'));
const answering = join(scratch, 'answering-instruct');
const base = join(scratch, 'answering-base');
const random = join(scratch, 'random');
const plain = join(scratch, 'plain');
const enginePath = join(process.cwd(), 'dist', 'engine.js');
const cli = join(process.cwd(), 'dist', 'cli.js');
const { signal: never } = new AbortController();
const ignore = (): void => undefined;

before(() => {
  writeAnsweringModel(answering);
  writeAnsweringModel(base);
  writeChattingModel(random);
  writeTinyModel(plain);
});
after(() => rmSync(scratch, { recursive: true }));

const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
const asking = (content: string, maxTokens = 100): ChatRequest => ({
  messages: [{ role: 'user', content }],
  maxTokens,
  sampling,
});
const completing = (prefix: string, maxTokens = 8): CompletionRequest => ({
  prefix,
  suffix: '',
  maxTokens,
  sampling,
  raw: true,
});

async function withEngine(modelDir: string, work: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await Engine.load({ modelDir, device: 'cpu' });
  try {
    await work(engine);
  } finally {
    await engine.dispose();
  }
}

async function withClient(modelDir: string, work: (client: EngineClient) => Promise<void>): Promise<void> {
  const client = new EngineClient({ enginePath, log: ignore });
  client.start({ modelDir, device: 'cpu' });
  try {
    await work(client);
  } finally {
    client.dispose();
  }
}

test('an answer ends at the end of its turn, which is not part of it', () =>
  withEngine(answering, async (engine) => {
    assert.equal(engine.info.chat, true);
    let streamed = '';
    const onToken = (_: unknown, text: string): void => void (streamed += text);
    const { text, finish, tokens } = await engine.chat(asking('hello'), { signal: never, onToken });
    assert.deepEqual([text, streamed, finish, tokens.length], [ANSWER, ANSWER, 'eos', ANSWER.length]);
    // Asked to go on as text, the same model has no end there.
    const completion = await engine.complete(completing('a', 60), { signal: never });
    assert.equal(completion.finish, 'length');
    assert.equal((await engine.chat(asking('hello', 5), { signal: never })).finish, 'length');
  }));

test('a base model with the template of its sister is not said to chat, and answers who asks it all the same', () =>
  withEngine(base, async (engine) => {
    assert.equal(engine.info.chat, false);
    assert.equal((await engine.chat(asking('hello'), { signal: never })).text, ANSWER);
  }));

test('a conversation that goes on finds all of itself in the cache', () =>
  withEngine(answering, async (engine) => {
    const messages: ChatTurn[] = [{ role: 'system', content: 'Letters.' }];
    let known = 0;
    for (let turn = 0; turn < 4; turn++) {
      messages.push({ role: 'user', content: `question ${turn}` });
      const { stats, text, tokens } = await engine.chat({ ...asking(''), messages }, { signal: never });
      // All of the last prompt and of its answer.
      assert.equal(stats.reusedTokens, known);
      known = stats.promptTokens + tokens.length;
      messages.push({ role: 'assistant', content: text });
    }
    // What is counted is what is run.
    assert.equal(engine.countTokens(messages.slice(0, -1)), known - ANSWER.length);
  }));

test('an answer is the same whatever the cache holds', () =>
  withEngine(random, async (engine) => {
    const ask = (content: string) => engine.chat(asking(content, 12), { signal: never });
    const first = await ask('one');
    await ask('two');
    const again = await ask('one');
    assert.deepEqual(again.tokens, first.tokens);
    assert.ok(again.stats.reusedTokens > first.stats.reusedTokens);
  }));

test('a conversation longer than the model is answered without its oldest turns; one message that is too long is refused', () =>
  withEngine(random, async (engine) => {
    const messages = Array.from({ length: 41 }, (_, i): ChatTurn => ({
      role: i % 2 ? 'assistant' : 'user',
      content: `number ${i}`,
    }));
    const { stats, tokens } = await engine.chat({ ...asking(''), messages, maxTokens: 1000 }, { signal: never });
    assert.ok(stats.promptTokens <= TINY.context / 2);
    assert.ok(tokens.length <= TINY.context / 2);
    await assert.rejects(engine.chat(asking('x'.repeat(200)), { signal: never }), { code: 'prompt_too_long' });
  }));

test('a folder without a template says so, and completes', () =>
  withEngine(plain, async (engine) => {
    assert.equal(engine.info.chat, false);
    await assert.rejects(engine.chat(asking('hello'), { signal: never }), (error: Error) =>
      error.message.includes(plain),
    );
    assert.equal(engine.countTokens('twelve bytes'), 12);
    assert.throws(() => engine.countTokens([{ role: 'user', content: 'x' }]), { code: 'no_template' });
    assert.equal((await engine.complete(completing('a'), { signal: never })).tokens.length, 8);
  }));

test('in its process: an answer streams, is counted, and is cancelled by whoever asked for it', () =>
  withClient(answering, async (client) => {
    let streamed = '';
    const { text, finish } = await client.chat.answer(asking('hello'), never, (piece) => (streamed += piece));
    assert.deepEqual([text, streamed, finish], [ANSWER, ANSWER, 'eos']);
    assert.equal(await client.chat.count('four'), 4);
    assert.equal(await client.chat.count([{ role: 'user', content: 'x' }]), '.user\nx..assistant\n'.length);
    await assert.rejects(client.chat.count([]), EngineFailure);
    const abort = new AbortController();
    const cut = await client.chat.answer(asking('hello'), abort.signal, () => abort.abort());
    assert.equal(cut.finish, 'cancelled');
    assert.ok(cut.text.length < ANSWER.length);
    assert.equal(
      (await client.chat.answer(asking('hello'), AbortSignal.abort(), () => assert.fail())).finish,
      'cancelled',
    );
    assert.equal(client.writing, false);
  }));

test('in its process: neither a suggestion nor another conversation ends an answer, and each gets its turn', () =>
  withClient(answering, async (client) => {
    const ended: string[] = [];
    const noted = async (name: string, work: Promise<{ finish: string; text: string }>): Promise<void> => {
      const { finish, text } = await work;
      ended.push(`${name} ${finish} ${text.length}`);
    };
    let others: Promise<void>[] = [];
    const first = client.chat.answer(asking('one'), never, () => {
      if (others.length > 0) return;
      assert.equal(client.writing, true); // the provider of suggestions asks for none
      others = [
        noted('suggestion', client.complete(completing('a', 10), never, ignore)),
        noted('second', client.chat.answer(asking('two'), never, ignore)),
        noted('last suggestion', client.complete(completing('b', 10), never, ignore)),
      ];
    });
    await noted('first', first);
    await Promise.all(others);
    // Of suggestions the newest wins, as ever.
    assert.deepEqual(ended, ['first eos 26', 'suggestion cancelled 0', 'second eos 26', 'last suggestion length 10']);
    assert.equal(await client.warm(completing('a'), never).then((warmed) => warmed?.finish), 'length');
  }));

test('in its process: an answer ends with the engine', () =>
  withClient(answering, async (client) => {
    const dying = client.chat.answer(
      asking('hello'),
      never,
      () => client.pid !== undefined && process.kill(client.pid, 'SIGKILL'),
    );
    await assert.rejects(dying, (error) => error instanceof EngineFailure && error.code === 'engine_died');
    assert.equal(client.writing, false);
    assert.equal((await client.chat.answer(asking('hello'), never, ignore)).text, ANSWER);
  }));

const LINES: { name: string; line: string; says: RegExp | string }[] = [
  {
    name: 'a conversation',
    line: JSON.stringify({ id: 7, messages: [{ role: 'user', content: 'hello' }] }),
    says: `{"id":7,"text":"${ANSWER}"`,
  },
  { name: 'no JSON', line: '{', says: /"bad_request".*not JSON/ },
  { name: 'no messages', line: '{"id":1}', says: /"id":1.*\\"messages\\" must be an array/ },
  { name: 'no message', line: '{"messages":[]}', says: /at least one/ },
  {
    name: 'a role that there is not',
    line: '{"messages":[{"role":"tool","content":""}]}',
    says: /must have \\"role\\"/,
  },
  { name: 'content in parts', line: '{"messages":[{"role":"user","content":[]}]}', says: /must have \\"role\\"/ },
  {
    name: 'too few tokens',
    line: '{"messages":[{"role":"user","content":"x"}],"maxTokens":0}',
    says: /\\"maxTokens\\" must be/,
  },
];
test('on the command line: a line for each line', () => {
  const input = LINES.map(({ line }) => `${line}\n`).join('');
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, 'chat', '--model', answering], {
    input,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const out = stdout.trimEnd().split('\n');
  assert.equal(out.length, LINES.length);
  LINES.forEach(({ name, says }, i) =>
    assert.ok(typeof says === 'string' ? out[i]?.startsWith(says) : says.test(out[i] ?? ''), `${name}: ${out[i]}`),
  );
  const help = spawnSync(process.execPath, [cli, '--help'], { encoding: 'utf8' }).stdout;
  assert.match(help, /^ {2}chat {2}/m);
});
