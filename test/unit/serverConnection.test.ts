// When a server is asked and when the model on this machine is: the setting, consent, failures, and the time after them. A recorded server
// and a plain engine, so that it is seen what is sent, and to whom.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { menuEntries, type MenuFacts } from '../../src/extension/menuEntries';
import { ServerConnection, type ServerParts, type ServerStatus } from '../../src/extension/serverConnection';
import { look, tooltipLines } from '../../src/extension/status';
import { noCounts } from '../../src/extension/tally';
import type { Completion, CompletionRequest, ModelInfo } from '../../src/protocol';
import * as bundle from '../../src/server/serverEngine';
import { ABOUT, ANSWERS, fakeServer, type Fake, type Replies } from './serverFake';

const started: Fake[] = [];
after(() => Promise.all(started.map((fake) => fake.close())));

const never = new AbortController().signal;
const request: CompletionRequest = {
  prefix: 'function add(a, b) {\n  return ',
  suffix: '\n}\n',
  maxTokens: 16,
  sampling: { temperature: 0, topK: 0, topP: 1, seed: 3 },
  raw: false,
};
const info = { name: 'small', device: 'cpu' } as ModelInfo;
const local = { text: 'local', finish: 'eos', id: 5 } as Completion & { id: number };

/** A connection, and what became of it. */
interface Scene {
  connection: ServerConnection;
  /** Names of what was asked of the engine; how often the bundle was loaded; origins for which consent was asked; what was said. */
  engine: string[];
  loads: number;
  asked: string[];
  said: string[];
  /** The time, in milliseconds. */
  now: number;
  ask: () => Promise<string>;
}

function scene(allow: boolean | Promise<boolean> = true): Scene {
  const found: Omit<Scene, 'connection' | 'ask'> = { engine: [], loads: 0, asked: [], said: [], now: 0 };
  const engine: ServerParts['engine'] = {
    state: { kind: 'ready', info },
    generating: false,
    writing: false,
    complete: () => (found.engine.push('complete'), Promise.resolve(local)),
    warm: () => (found.engine.push('warm'), Promise.resolve(local)),
    ahead: () => (found.engine.push('ahead'), Promise.resolve(local)),
    alternatives: () => Promise.resolve([]),
  };
  const connection = new ServerConnection({
    engine,
    load: () => {
      found.loads++;
      return bundle;
    },
    consent: ({ origin }) => (found.asked.push(origin), Promise.resolve(allow)),
    key: () => Promise.resolve(undefined),
    tell: (message) => found.said.push(message),
    log: { info: () => undefined, warn: () => undefined },
    now: () => found.now,
  });
  const ask = async (): Promise<string> => (await connection.complete(request, never, () => undefined)).text;
  return Object.assign(found, { connection, ask });
}
async function played(replies: Replies): Promise<Fake> {
  const fake = await fakeServer(replies);
  started.push(fake);
  return fake;
}
const good: Replies = { ...ABOUT.vLLM, '/v1/completions': { body: ANSWERS.vLLM.body } };

test('without the setting nothing that could open a connection is loaded', async () => {
  const it = scene();
  await it.connection.use({ url: '', model: '' });
  assert.equal(await it.ask(), 'local');
  assert.equal((await it.connection.warm(request, never))?.text, 'local');
  assert.deepEqual([it.loads, it.asked, it.connection.status], [0, [], undefined]);
});

test('a server on this machine is used without a question, and is asked for nothing that nobody waits for', async () => {
  const it = scene();
  const fake = await played(good);
  await it.connection.use({ url: fake.url, model: '' });
  assert.equal(await it.ask(), 'a + b;');
  const before = fake.came.length;
  assert.equal(await it.connection.warm(request, never), undefined);
  assert.equal(await it.connection.ahead(request, never), undefined);
  assert.deepEqual([fake.came.length, it.engine, it.asked], [before, [], []]);
  assert.deepEqual(it.connection.state, { kind: 'server' });
  await it.connection.use({ url: '', model: '' });
  assert.equal(await it.ask(), 'local');
  assert.equal(fake.came.length, before);
});

/** An address elsewhere, the answer to the question, and what is said of the server then. */
const ELSEWHERE: [allow: boolean, state: ServerStatus['state'], loads: number][] = [
  [false, 'declined', 0],
  [true, 'on', 1],
];
for (const [allow, state, loads] of ELSEWHERE)
  test(`an address elsewhere is ${state} after ${allow ? 'consent' : 'a refusal'}`, async () => {
    const it = scene(allow);
    await it.connection.use({ url: 'https://llm.invalid/v1', model: '' });
    assert.deepEqual(it.asked, ['https://llm.invalid']);
    assert.equal(it.connection.status?.state, state);
    assert.equal(it.loads, loads);
    if (!allow) assert.equal(await it.ask(), 'local');
  });

test('before the user has agreed, the model here answers', async () => {
  let agree: (allowed: boolean) => void = () => undefined;
  const it = scene(new Promise((resolve) => (agree = resolve)));
  const asking = it.connection.use({ url: 'https://llm.invalid', model: '' });
  assert.equal(it.connection.status?.state, 'asking');
  assert.equal(await it.ask(), 'local');
  assert.equal(it.loads, 0);
  await it.connection.use({ url: '', model: '' }); // the setting goes while the question stands
  agree(true);
  await asking;
  assert.deepEqual([it.connection.status, it.loads], [undefined, 0]);
});

test('a question that cannot be shown is not agreed to', async () => {
  const it = scene(Promise.reject(new Error('no window')));
  await it.connection.use({ url: 'https://llm.invalid', model: '' });
  assert.deepEqual([it.connection.status?.state, it.loads, await it.ask()], ['declined', 0, 'local']);
});

test('a setting that is no address is said once, and the model here answers', async () => {
  const it = scene();
  await it.connection.use({ url: 'gopher://x', model: '' });
  await it.connection.use({ url: 'gopher://x', model: '' });
  assert.equal(await it.ask(), 'local');
  assert.equal(it.said.length, 1);
  assert.equal(it.connection.status?.state, 'wrong');
});

test('a server that fails is left alone for longer and longer, is spoken of once, and is used again when it answers', async () => {
  const it = scene();
  let status = 500;
  const fake = await played({
    ...good,
    '/v1/completions': () => (status === 200 ? { body: ANSWERS.vLLM.body } : { status, body: '{}' }),
  });
  const asked = (): number => fake.came.filter(({ path }) => path === '/v1/completions').length;
  await it.connection.use({ url: fake.url, model: '' });
  for (const [wait, count] of [
    [5_000, 1],
    [15_000, 2],
    [60_000, 3],
    [300_000, 4],
  ] as const) {
    assert.equal(await it.ask(), 'local');
    assert.equal(asked(), count);
    it.now += wait - 1;
    assert.equal(await it.ask(), 'local');
    assert.equal(asked(), count, `asked within ${wait} ms`);
    it.now += 1;
  }
  assert.equal(it.said.length, 1);
  assert.equal(it.connection.status?.state, 'failed');
  status = 200;
  assert.equal(await it.ask(), 'a + b;');
  assert.equal(it.connection.status.state, 'on');
  status = 500;
  await it.ask();
  assert.equal(it.said.length, 2);
  status = 200;
  await it.connection.again();
  assert.equal(await it.ask(), 'a + b;');
});

test('a text that has begun is not gone on with by another model', async () => {
  const it = scene();
  const half = ANSWERS.vLLM.body.slice(0, ANSWERS.vLLM.body.indexOf('\n\n') + 2);
  const fake = await played({ ...good, '/v1/completions': { body: half } });
  await it.connection.use({ url: fake.url, model: '' });
  await assert.rejects(it.ask(), /broke off/);
  assert.deepEqual(it.engine, []);
});

const usual: MenuFacts = {
  engine: { kind: 'ready', info },
  enabled: true,
  generating: false,
  pace: undefined,
  today: noCounts(),
  reason: undefined,
  threshold: 'balanced',
  place: undefined,
  canSnooze: false,
  suggested: false,
};
/** What is known of a server; what the status bar, its tooltip and the menu say. */
const SAID: [server: ServerStatus, text: string, tooltip: RegExp, entry: string][] = [
  [
    { host: 'x.org', local: false, state: 'on' },
    '$(cloud-upload) Glassbox: x.org',
    /text leaves this machine/,
    '$(cloud-upload) Server x.org: text leaves this machine',
  ],
  [
    { host: '127.0.0.1:1', local: true, state: 'on' },
    '$(server) Glassbox: 127.0.0.1:1',
    /on this machine/,
    '$(server) Server 127.0.0.1:1, on this machine',
  ],
  [
    { host: 'x.org', local: false, state: 'on', sure: false },
    '$(cloud-upload) Glassbox: x.org',
    /tells no probabilities/,
    '$(key) Key for x.org',
  ],
  [
    { host: 'x.org', local: false, state: 'failed', note: 'It is down.' },
    '$(sparkle) Glassbox',
    /It is down\. The model on this machine/,
    '$(refresh) Ask the server again now',
  ],
  [
    { host: 'x.org', local: false, state: 'declined' },
    '$(sparkle) Glassbox',
    /Nothing is sent to x\.org/,
    '$(refresh) Decide again about x.org',
  ],
  [
    { host: 'x.org', local: false, state: 'asking' },
    '$(sparkle) Glassbox',
    /before you agree/,
    '$(warning) Server x.org is not in use',
  ],
];
for (const [server, text, tooltip, entry] of SAID)
  test(`a server that is ${server.state}${server.sure === false ? ' and unsure' : ''}${server.local ? ' here' : ''} is seen`, () => {
    const facts = { ...usual, server };
    assert.equal(look(facts).text, text);
    assert.match(tooltipLines(facts, facts).join(' '), tooltip);
    const actions = { run: () => 0, enableLanguage: () => 0, excludeFile: () => 0, chooseThreshold: () => 0 };
    const labels = menuEntries(facts, actions).map(({ label }) => label);
    assert.ok(labels.includes(entry), labels.join());
  });
