// A server in the place of the model, by tables: addresses, answers of each kind of server cut at every byte, faults, and what is sent. The
// server is one on this machine that plays what was recorded; realServer.test.ts asks llama.cpp's own.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { CompletionRequest } from '../../src/protocol';
import { readAddress, type Address } from '../../src/server/address';
import { endsOf, familyOf, frame } from '../../src/server/families';
import { ServerEngine, ServerFault } from '../../src/server/serverEngine';
import { messages } from '../../src/server/sse';
import { ABOUT, ANSWERS, events, fakeServer, type Fake, type Replies, type Reply } from './serverFake';

const started: Fake[] = [];
after(() => Promise.all(started.map((fake) => fake.close())));

const request = (more: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prefix: 'function add(a, b) {\n  return ',
  suffix: '\n}\n',
  path: 'src/add.js',
  context: [{ path: 'src/other.js', text: 'const other = 1;\n' }],
  maxTokens: 16,
  sampling: { temperature: 0, topK: 0, topP: 1, seed: 3 },
  raw: false,
  ...more,
});
const never = new AbortController().signal;
const addressOf = (url: string): Address => {
  const address = readAddress(url);
  assert.ok(address !== undefined && !('fault' in address), url);
  return address;
};

async function played(replies: Replies): Promise<Fake> {
  const fake = await fakeServer(replies);
  started.push(fake);
  return fake;
}
/** Fails where one of the fields is another. */
function hasFields(found: object | undefined, fields: object): void {
  const own = Object.entries(found ?? {}).filter(([name]) => name in fields);
  assert.deepEqual(Object.fromEntries(own), fields);
}
const engineFor = (fake: Fake, model = '', key?: string): ServerEngine =>
  new ServerEngine({
    address: addressOf(fake.url),
    model,
    key,
    log: () => undefined,
    patience: { probe: 1000, first: 1000, next: 300 },
  });

const ADDRESSES: [setting: string, found: Partial<Address> | RegExp | undefined][] = [
  ['', undefined],
  ['  ', undefined],
  ['http://localhost:8080', { base: 'http://localhost:8080', host: 'localhost:8080', local: true, encrypted: false }],
  [' http://127.0.0.1:8080/v1/ ', { base: 'http://127.0.0.1:8080', local: true }],
  ['http://127.1:80', { base: 'http://127.0.0.1', local: true }],
  ['http://2130706433/', { local: true }],
  ['http://[::1]:9/v1/completions', { base: 'http://[::1]:9', local: true }],
  ['http://llm.localhost', { local: true }],
  ['http://localhost.example.org', { local: false }],
  ['http://127.0.0.1.example.org', { local: false }],
  ['http://0.0.0.0:8080', { local: false }],
  [
    'https://example.org/llm/v1',
    { base: 'https://example.org/llm', origin: 'https://example.org', local: false, encrypted: true },
  ],
  ['http://192.168.0.2:8000', { local: false, encrypted: false }],
  ['ftp://example.org', /http:\/\/ or https:\/\//],
  ['localhost:8080', /http:\/\/ or https:\/\//],
  ['example', /no address/],
  ['https://me:secret@example.org', /Set Server Key/],
  ['https://example.org/v1?key=1', /\?key=1/],
];
for (const [setting, expected] of ADDRESSES)
  test(`the address ${JSON.stringify(setting)}`, () => {
    const found = readAddress(setting);
    if (expected instanceof RegExp) assert.match((found as { fault: string }).fault, expected);
    else if (expected === undefined) assert.equal(found, undefined);
    else hasFields(found, expected);
  });

const BODIES: [name: string, framing: 'events' | 'lines', body: string, found: string[]][] = [
  ['events', 'events', 'data: {"a":"é€😀"}\n\ndata: [DONE]\n\n', ['{"a":"é€😀"}', '[DONE]']],
  ['events without a blank', 'events', 'data:1\n\n', ['1']],
  ['carriage returns', 'events', 'data: 1\r\n\r\ndata: 2\r\r', ['1', '2']],
  [
    'data of several lines, comments, other fields',
    'events',
    ': hello\nevent: x\ndata: 1\ndata: 2\nid: 4\n\n',
    ['1\n2'],
  ],
  ['an error field', 'events', 'error: {"message":"no"}\n\n', ['{"error":{"message":"no"}}']],
  ['an event that is not closed', 'events', 'data: 1\n\ndata: 2', ['1', '2']],
  ['lines', 'lines', '{"a":"é"}\n\n{"b":1}\r\n{"c":2}', ['{"a":"é"}', '{"b":1}', '{"c":2}']],
];
async function* split(bytes: Uint8Array, at: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const to of [...at, bytes.length]) {
    yield bytes.subarray(from, to);
    from = to;
    await Promise.resolve();
  }
}
for (const [name, framing, body, expected] of BODIES)
  test(`${name}, cut at every byte and into single bytes`, async () => {
    const bytes = new TextEncoder().encode(body);
    const all = [...bytes.keys()];
    for (const cuts of [...all.map((at) => [at]), all]) {
      const found: string[] = [];
      for await (const message of messages(split(bytes, cuts), framing)) found.push(message);
      assert.deepEqual(found, expected, `cut at ${cuts.join()}`);
    }
  });

for (const [kind, { path, body }] of Object.entries(ANSWERS)) {
  test(`${kind}: an answer cut at every byte is the same text with the same probability`, async () => {
    const bytes = new TextEncoder().encode(body);
    let cut = 0;
    const fake = await played({
      ...ABOUT[kind as keyof typeof ABOUT],
      [path]: (): Reply => ({
        headers: { 'content-type': 'text/event-stream' },
        body: [bytes.subarray(0, cut), bytes.subarray(cut)],
      }),
    });
    const engine = engineFor(fake);
    const sure = kind !== 'OpenAI';
    for (; cut < bytes.length; cut += 1) {
      const told: string[] = [];
      const completion = await engine.complete(request({ minProbability: 0.25 }), never, (text) => told.push(text));
      assert.equal(completion.text, 'a + b;', `cut at ${cut}`);
      assert.equal(told.join(''), 'a + b;');
      assert.equal(completion.finish, 'eos');
      assert.ok(Math.abs(completion.probability - (sure ? Math.exp(-0.6) : 1)) < 1e-9, String(completion.probability));
      assert.deepEqual(completion.server, { host: addressOf(fake.url).host, model: completion.server?.model, sure });
    }
    assert.equal(engine.sure, sure);
  });
  test(`${kind}: the threshold cuts where probabilities are told, and the stop rules cut everywhere`, async () => {
    const fake = await played({ ...ABOUT[kind as keyof typeof ABOUT], [path]: { body } });
    const engine = engineFor(fake);
    const { text, finish } = await engine.complete(request({ minProbability: 0.7 }), never, () => undefined);
    if (kind === 'OpenAI') assert.deepEqual([text, finish], ['a + b;', 'eos']);
    else assert.deepEqual([text, finish], [kind === 'vLLM' ? '' : 'a +', 'unsure']);
    const bracket = await engine.complete(request({ prefix: 'f(', suffix: ' + b;\n' }), never, () => undefined);
    assert.equal(bracket.text, 'a'); // the rest stands after the cursor
  });
}

const FAMILIES: [model: string, framed: string | undefined][] = [
  ['Qwen/Qwen2.5-Coder-7B', '<|file_sep|>b.js\nB<|file_sep|>a.js\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>'],
  ['glassbox-small-f16.gguf', '<|file_sep|>b.js\nB<|file_sep|>a.js\n<|fim_prefix|><|fim_suffix|>S<|fim_middle|>P'],
  ['bigcode/starcoder2-3b', '<file_sep>b.js\nB<file_sep><fim_prefix>a.js\nP<fim_suffix>S<fim_middle>'],
  ['starcoderbase-1b', '<filename>b.js\nB<filename>a.js\n<fim_prefix>P<fim_suffix>S<fim_middle>'],
  ['Salesforce/codegen25-7b-multi', 'P<mask_1>S<|endoftext|><sep><mask_1>'],
  ['facebook/incoder-1B', 'P<|mask:0|>S<|mask:1|><|mask:0|>'],
  ['stable-code-3b', '<fim_prefix>P<fim_suffix>S<fim_middle>'],
  ['deepseek-coder-v2:16b', '<｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>'],
  ['codellama:7b-code', '<PRE> P <SUF>S <MID>'],
  ['Codestral-22B', '[SUFFIX]S[PREFIX]P'],
  [
    'google/codegemma-2b',
    '<|file_separator|>b.js\nB<|file_separator|>a.js\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>',
  ],
  ['gpt-oss', undefined],
];
for (const [model, expected] of FAMILIES)
  test(`a hole for ${model}`, () => {
    const family = familyOf(model);
    const text = { prefix: 'P', suffix: 'S', path: 'a.js', context: [{ path: 'b.js', text: 'B' }] };
    assert.equal(family && frame(family, text), expected);
  });

test('a server is not told to stop at what stands in texts', () => {
  for (const model of ['Codestral-22B', 'codellama:7b-code']) {
    const family = familyOf(model);
    assert.ok(family);
    const ends = endsOf(family);
    assert.ok(ends.length >= 2, ends.join(' '));
    assert.ok(!ends.includes('</s>'), ends.join(' '));
  }
});

const NO_INSERT = JSON.stringify({ error: 'small does not support insert' });
const NO_INFILL = JSON.stringify({ error: { message: 'Infill is not supported by this model', code: 501 } });
const LONG = JSON.stringify({ error: { message: 'the request exceeds the available context size', code: 400 } });
const unknownField = (name: string): string => JSON.stringify({ error: { message: `Unknown field \`${name}\`.` } });
const OLLAMA = ANSWERS.Ollama.body;
/** What is refused, and the fields of the request that is answered at last. */
const REFUSALS: [name: string, replies: Replies, path: string, sent: Record<string, unknown>][] = [
  [
    'Ollama without insert',
    {
      ...ABOUT.Ollama,
      '/api/generate': ({ suffix }) => (suffix === undefined ? { body: OLLAMA } : { status: 400, body: NO_INSERT }),
    },
    '/api/generate',
    { raw: true },
  ],
  [
    'llama.cpp without infill',
    {
      ...ABOUT['llama.cpp'],
      '/infill': { status: 501, body: NO_INFILL },
      '/completion': { body: ANSWERS['llama.cpp'].body },
    },
    '/completion',
    { prompt: request().prefix },
  ],
  [
    'a prompt that is too long',
    {
      ...ABOUT.OpenAI,
      '/v1/completions': ({ prompt }) =>
        (prompt as string).length > 2000 ? { status: 400, body: LONG } : { body: ANSWERS.OpenAI.body },
    },
    '/v1/completions',
    { suffix: '\n}\n' },
  ],
  [
    'OpenAI without log-probabilities',
    {
      ...ABOUT.OpenAI,
      '/v1/completions': (body) =>
        'logprobs' in body ? { status: 400, body: unknownField('logprobs') } : { body: ANSWERS.OpenAI.body },
    },
    '/v1/completions',
    { suffix: '\n}\n' },
  ],
  [
    'TGI without seeds',
    {
      ...ABOUT.TGI,
      '/generate_stream': ({ parameters }) =>
        'seed' in (parameters as object) ? { status: 422, body: unknownField('seed') } : { body: ANSWERS.TGI.body },
    },
    '/generate_stream',
    {},
  ],
];
for (const [name, replies, path, sent] of REFUSALS)
  test(`${name} is asked in another way`, async () => {
    const fake = await played(replies);
    const long = name.includes('long') ? { prefix: `${'x = 1;\n'.repeat(900)}${request().prefix}` } : {};
    const engine = engineFor(fake);
    for (let i = 0; i < 2; i++)
      assert.equal((await engine.complete(request(long), never, () => undefined)).text, 'a + b;');
    const last = fake.came.at(-1) ?? assert.fail();
    assert.equal(last.path, path);
    hasFields(last.body, sent);
    const asked = fake.came.filter(
      ({ path: each }) =>
        !(each in ABOUT.OpenAI) && each !== '/props' && !each.startsWith('/api/v') && each !== '/info',
    );
    assert.equal(asked.length, name.includes('long') ? 4 : 3, 'the second time nothing is tried in vain');
  });

test('a gateway that refuses questions it does not know is asked for completions all the same', async () => {
  const fake = await played({
    ...ABOUT.OpenAI,
    '/props': { status: 403, body: 'no' },
    '/api/version': { status: 302, headers: { location: '/login' } },
    '/info': { status: 500, body: '<html>' },
    '/v1/completions': { body: ANSWERS.OpenAI.body },
  });
  assert.equal((await engineFor(fake).complete(request(), never, () => undefined)).text, 'a + b;');
});

test('llama.cpp that refuses while it loads is asked again what it is', async () => {
  let loading = true;
  const fake = await played({
    ...ABOUT['llama.cpp'],
    '/props': () =>
      loading ? { status: 503, body: '{"error":{"message":"Loading model"}}' } : ABOUT['llama.cpp']['/props'],
    '/infill': { body: ANSWERS['llama.cpp'].body },
  });
  const engine = engineFor(fake);
  await assert.rejects(
    engine.complete(request(), never, () => undefined),
    /Loading model/,
  );
  loading = false;
  assert.equal((await engine.complete(request(), never, () => undefined)).text, 'a + b;');
});

const vllm = (reply: Reply): Replies => ({ ...ABOUT.vLLM, '/v1/completions': reply });
test('an answer is complete where the server says so, with a reason or without', async () => {
  const one = { object: 'text_completion', choices: [{ index: 0, text: 'a + b;', logprobs: null }] };
  const fake = await played(vllm({ body: events([one, '[DONE]']) }));
  const { text, finish } = await engineFor(fake).complete(request(), never, () => undefined);
  assert.deepEqual([text, finish], ['a + b;', 'eos']);
});

const FIRST_HALF = ANSWERS.vLLM.body.slice(0, ANSWERS.vLLM.body.indexOf('\n\n') + 2);
const FAULTS: [name: string, replies: Replies, code: string, says: RegExp, model?: string][] = [
  [
    '401',
    { '/v1/models': { status: 401, body: '{"error":{"message":"no key"}}' } },
    'key',
    /another key \(status 401\).*Set Server Key/,
  ],
  ['403 of a completion', vllm({ status: 403, body: 'no' }), 'key', /status 403/],
  ['an unknown model', ABOUT.vLLM, 'unknown_model', /“other”.*glassbox\.server\.model.*coder/, 'other'],
  [
    '404 of a model',
    vllm({ status: 404, body: '{"error":{"message":"The model does not exist"}}' }),
    'unknown_model',
    /glassbox\.server\.model/,
  ],
  ['a web server', { '/v1/models': { body: '<html>' } }, 'not_understood', /OpenAI-compatible/],
  ['nothing there', {}, 'not_understood', /\/v1\/models/],
  ['429', vllm({ status: 429, headers: { 'retry-after': '7' }, body: '{}' }), 'busy', /status 429/],
  ['500', vllm({ status: 500, body: '{"detail":"out of memory"}' }), 'failed', /status 500\): out of memory/],
  ['an error in the stream', vllm({ body: FIRST_HALF + events([{ error: { message: 'gone' } }]) }), 'reported', /gone/],
  ['no JSON', vllm({ body: 'data: {oops\n\n' }), 'not_understood', /\{oops/],
  [
    'a redirection',
    vllm({ status: 307, headers: { location: 'https://example.org/steal' } }),
    'redirected',
    /example\.org\/steal/,
  ],
  ['silence', vllm({ then: 'hang' }), 'timeout', /did not answer within 1 s/],
  ['silence in the middle', vllm({ body: FIRST_HALF, then: 'hang' }), 'stalled', /silent in the middle/],
  ['an end in the middle', vllm({ body: FIRST_HALF }), 'cut_off', /broke off/],
  ['a message without end', vllm({ body: Array<string>(70).fill('x'.repeat(65_536)) }), 'cut_off', /broke off/],
  ['a description without end', { '/v1/models': { body: Array<string>(70).fill('x'.repeat(65_536)), then: 'hang' } }, 'not_understood', /\/v1\/models/], // prettier-ignore
  ['a torn connection', vllm({ body: [FIRST_HALF, ''], then: 'tear', pace: 30 }), 'cut_off', /broke off/],
];
for (const [name, replies, code, says, model] of FAULTS)
  test(`${name} is said in words that name the address`, async () => {
    const fake = await played(replies);
    const failure = await engineFor(fake, model)
      .complete(request(), never, () => undefined)
      .catch((error: unknown) => error);
    assert.ok(failure instanceof ServerFault, String(failure));
    assert.equal(failure.code, code, failure.message);
    assert.match(failure.message, says);
    assert.ok(failure.message.includes(fake.url), failure.message);
    assert.equal(failure.retryAfterMs, name === '429' ? 7000 : undefined);
  });

test('a server that is not there is said to be out of reach, with the setting', async () => {
  const fake = await fakeServer({});
  await fake.close();
  const asked = engineFor(fake).complete(request(), never, () => undefined);
  await assert.rejects(asked, /cannot be reached \(ECONNREFUSED\).*glassbox\.server\.url/);
});

test('a request that nobody wants any more ends at the server, with what was written', async () => {
  const fake = await played({ ...ABOUT.vLLM, '/v1/completions': { body: FIRST_HALF, then: 'hang' } });
  const abort = new AbortController();
  const completion = await engineFor(fake).complete(request({ unbounded: true }), abort.signal, () => abort.abort());
  assert.deepEqual([completion.finish, completion.text], ['cancelled', 'a']);
  for (let i = 0; i < 100 && fake.came.at(-1)?.dropped !== true; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(fake.came.at(-1)?.dropped, true);
});

test('a text that the stop rules end is not written on at the server', async () => {
  const long = Array.from({ length: 50 }, () => ({
    choices: [{ text: ' more;\n', logprobs: null, finish_reason: null }],
  }));
  const fake = await played({
    ...ABOUT.vLLM,
    '/v1/completions': { body: long.map((each) => events([each])), pace: 5 },
  });
  const { finish } = await engineFor(fake).complete(request(), never, () => undefined);
  assert.equal(finish, 'stop');
  for (let i = 0; i < 100 && fake.came.at(-1)?.dropped !== true; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(fake.came.at(-1)?.dropped, true);
});

const more = (text: string): string => events([{ choices: [{ text, logprobs: null, finish_reason: null }] }]);
/** Answers that would never end, and what is taken of them for Generate. */
const ENDLESS: [title: string, pieces: string[], text: string][] = [
  ['more tokens than were asked for', Array<string>(40).fill(more('x')), 'x'.repeat(16)],
  ['tokens without text', Array<string>(200).fill(more('')), ''],
];
for (const [title, body, text] of ENDLESS)
  test(`an answer without end is ended: ${title}`, async () => {
    const fake = await played({ ...ABOUT.vLLM, '/v1/completions': { body, then: 'hang' } });
    const completion = await engineFor(fake).complete(request({ unbounded: true }), never, () => undefined);
    assert.deepEqual([completion.finish, completion.text], ['length', text]);
  });

test('a server that only keeps the line open is waited for no longer than one that is silent', async () => {
  const pings = Array<string>(200).fill(': ping\n\n');
  const fake = await played({ ...ABOUT.vLLM, '/v1/completions': { body: [FIRST_HALF, ...pings], pace: 20 } });
  const asked = engineFor(fake).complete(request({ unbounded: true }), never, () => undefined);
  await assert.rejects(asked, { code: 'stalled' });
});

for (const status of [301, 400, 401, 403, 500])
  test(`a server that refuses what it does not know with ${status} is known by its list`, async () => {
    const other: Reply = { status, headers: { location: '/login' }, body: '<html>' };
    const fake = await played({
      ...ABOUT.OpenAI,
      '/props': other,
      '/api/version': other,
      '/info': other,
      '/v1/completions': { body: ANSWERS.vLLM.body },
    });
    const { text } = await engineFor(fake).complete(request(), never, () => undefined);
    assert.equal(text, 'a + b;');
  });

test('after a failure the server may have another model', async () => {
  const replies: Replies = { ...ABOUT.vLLM, '/v1/completions': { status: 404, body: '{"message": "no such model"}' } };
  const fake = await played(replies);
  const engine = engineFor(fake);
  const ask = (): Promise<{ text: string }> => engine.complete(request(), never, () => undefined);
  await assert.rejects(ask(), { code: 'unknown_model' });
  replies['/v1/models'] = ABOUT.OpenAI['/v1/models'];
  replies['/v1/completions'] = ({ model }) => (model === 'instruct' ? { body: ANSWERS.vLLM.body } : { status: 404 });
  assert.equal((await ask()).text, 'a + b;');
});

test('a probability above one makes up for no other', async () => {
  const piece = (text: string, logprob: number): object => ({
    choices: [{ text, logprobs: { token_logprobs: [logprob] } }],
  });
  const end = { choices: [{ text: '', logprobs: null, finish_reason: 'stop' }] };
  const fake = await played({
    ...ABOUT.vLLM,
    '/v1/completions': { body: events([piece('a', 7), piece('b', -2), end]) },
  });
  const { probability } = await engineFor(fake).complete(request({ unbounded: true }), never, () => undefined);
  assert.ok(Math.abs(probability - Math.exp(-2)) < 1e-9, String(probability));
});

test('the key goes to its server, as a bearer, and without one there is no such header', async () => {
  for (const key of ['sesame', undefined]) {
    const fake = await played({ ...ABOUT.vLLM, '/v1/completions': { body: ANSWERS.vLLM.body } });
    await engineFor(fake, '', key).complete(request(), never, () => undefined);
    assert.ok(fake.came.length > 1);
    for (const { headers } of fake.came) assert.equal(headers.authorization, key && `Bearer ${key}`);
  }
});
