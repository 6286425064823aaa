// A server in the place of the model, by tables: addresses, answers of each kind of server cut at every byte, and what is sent. The server
// is one on this machine that plays what was recorded; realServer.test.ts asks llama.cpp's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAddress, type Address } from '../../src/server/address';
import { endsOf, familyOf, frame } from '../../src/server/families';
import { messages } from '../../src/server/sse';
import { ABOUT, ANSWERS, events, type Reply } from './serverFake';
import { request, never, addressOf, played, hasFields, engineFor } from './serverScene';

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

test('an answer is complete where the server says so, with a reason or without', async () => {
  const one = { object: 'text_completion', choices: [{ index: 0, text: 'a + b;', logprobs: null }] };
  const fake = await played({ ...ABOUT.vLLM, '/v1/completions': { body: events([one, '[DONE]']) } });
  const { text, finish } = await engineFor(fake).complete(request(), never, () => undefined);
  assert.deepEqual([text, finish], ['a + b;', 'eos']);
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
