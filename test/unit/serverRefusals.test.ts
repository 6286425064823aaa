// What a server refuses is asked in another way: ways, fields, questions about the server itself; and what is known of it is asked anew after a failure.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ABOUT, ANSWERS, type Replies, type Reply } from './serverFake';
import { request, never, played, hasFields, engineFor } from './serverScene';

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

/** What a gateway says to the three questions that it does not know. */
const UNKNOWN: [number, number, number][] = [
  ...[301, 400, 401, 403, 500].map((status): [number, number, number] => [status, status, status]),
  [403, 302, 500],
];
for (const statuses of UNKNOWN)
  test(`a server that refuses what it does not know with ${statuses.join(', ')} is known by its list`, async () => {
    const [props, version, info] = statuses.map((status): Reply => ({
      status,
      headers: { location: '/login' },
      body: '<html>',
    })) as [Reply, Reply, Reply];
    const fake = await played({
      ...ABOUT.OpenAI,
      '/props': props,
      '/api/version': version,
      '/info': info,
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
