// A server that fails, breaks off, goes on without end or is not there: what is said, and what is kept of its answer.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerFault } from '../../src/server/serverEngine';
import { ABOUT, ANSWERS, events, fakeServer, type Replies, type Reply } from './serverFake';
import { request, never, played, engineFor } from './serverScene';

const vllm = (reply: Reply): Replies => ({ ...ABOUT.vLLM, '/v1/completions': reply });

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
