// A server on this machine that plays recorded answers, piece by piece, and keeps what it was sent.

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a path answers. */
export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  /** The body in one piece, or in these. */
  body?: string | readonly (string | Uint8Array)[];
  /** After the body: the answer is left open, or the connection is torn. */
  then?: 'hang' | 'tear';
  /** Milliseconds between two pieces. */
  pace?: number;
}
export type Replies = Record<string, Reply | ((body: Record<string, unknown>) => Reply)>;

/** A request that came. */
export interface Came {
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
  /** Whoever asked went away before the end. */
  dropped: boolean;
}

export interface Fake {
  url: string;
  came: Came[];
  close: () => Promise<void>;
}

/** Starts a server; paths without a reply are 404. */
export async function fakeServer(replies: Replies): Promise<Fake> {
  const came: Came[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
      const path = request.url ?? '';
      const one: Came = { path, headers: request.headers, body, dropped: false };
      came.push(one);
      response.on('close', () => (one.dropped = !response.writableFinished));
      const found = replies[path];
      const reply = typeof found === 'function' ? found(body) : (found ?? { status: 404, body: '{}' });
      void play(reply, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    came,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function play(reply: Reply, response: ServerResponse): Promise<void> {
  const { status = 200, headers = {}, body = '', then, pace = 0 } = reply;
  response.writeHead(status, headers);
  for (const piece of typeof body === 'string' ? [body] : body) {
    if (piece.length > 0) response.write(piece);
    await (pace > 0 ? sleep(pace) : new Promise((resolve) => setImmediate(resolve)));
  }
  if (then === 'tear') response.destroy();
  else if (then !== 'hang') response.end();
}

/** Server-sent events of these messages. */
export const events = (messages: readonly unknown[], end = '\n\n'): string =>
  messages.map((each) => `data: ${typeof each === 'string' ? each : JSON.stringify(each)}${end}`).join('');

/** One JSON text a line. */
export const lines = (messages: readonly unknown[]): string =>
  messages.map((each) => `${JSON.stringify(each)}\n`).join('');

/** What each kind of server says of itself, as recorded or as its documentation has it. */
export const ABOUT = {
  'llama.cpp': {
    '/v1/models': { body: JSON.stringify({ object: 'list', data: [{ id: 'small', owned_by: 'llamacpp' }] }) },
    '/props': { body: JSON.stringify({ default_generation_settings: { n_ctx: 4096 }, model_path: '/m/small.gguf' }) },
  },
  vLLM: {
    '/v1/models': {
      body: JSON.stringify({
        object: 'list',
        data: [{ id: 'coder', owned_by: 'vllm', root: 'Qwen/Qwen2.5-Coder-7B', max_model_len: 8192 }],
      }),
    },
  },
  Ollama: {
    '/v1/models': { body: JSON.stringify({ object: 'list', data: [{ id: 'small:latest', owned_by: 'library' }] }) },
    '/api/version': { body: JSON.stringify({ version: '0.13.0' }) },
  },
  TGI: {
    '/v1/models': { body: JSON.stringify({ object: 'list', data: [{ id: 'bigcode/starcoder2-3b', owned_by: 'x' }] }) },
    '/info': { body: JSON.stringify({ model_id: 'bigcode/starcoder2-3b', max_total_tokens: 4096 }) },
  },
  OpenAI: {
    '/v1/models': { body: JSON.stringify({ object: 'list', data: [{ id: 'instruct', owned_by: 'openai' }] }) },
  },
} satisfies Record<string, Replies>;

const llama = (content: string, logprob: number, stop = false): object => ({
  content,
  stop,
  tokens_evaluated: 9,
  ...(stop ? { stop_type: 'eos' } : { completion_probabilities: [{ token: content, logprob }] }),
});
const openAi = (text: string, logprobs: object | null, finish: string | null = null): object => ({
  object: 'text_completion',
  choices: [{ index: 0, text, logprobs, finish_reason: finish }],
});
const token = (text: string, logprob: number, over?: string): object => ({
  index: 1,
  token: { id: 7, text, logprob, special: over !== undefined },
  generated_text: over ?? null,
  details: over === undefined ? null : { finish_reason: 'eos_token', input_length: 9 },
});

/** The same answer of each kind: `a + b;` of three tokens, and the end. */
export const ANSWERS = {
  'llama.cpp': {
    path: '/infill',
    body: events([llama('a', -0.1), llama(' +', -0.2), llama(' b;', -0.3), llama('', 0, true)]),
  },
  vLLM: {
    path: '/v1/completions',
    body: events([
      openAi('a', { tokens: ['a'], token_logprobs: [-0.1] }),
      openAi(' + b;', { tokens: [' +', ' b;'], token_logprobs: [-0.2, -0.3] }),
      openAi('', null, 'stop'),
      '[DONE]',
    ]),
  },
  Ollama: {
    path: '/api/generate',
    body: lines([
      { response: 'a', done: false, logprobs: [{ token: 'a', logprob: -0.1 }] },
      { response: ' +', done: false, logprobs: [{ token: ' +', logprob: -0.2 }] },
      { response: ' b;', done: false, logprobs: [{ token: ' b;', logprob: -0.3 }] },
      { response: '', done: true, done_reason: 'stop', prompt_eval_count: 9 },
    ]),
  },
  TGI: {
    path: '/generate_stream',
    body: events([token('a', -0.1), token(' +', -0.2), token(' b;', -0.3), token('<|endoftext|>', -0.1, 'a + b;')]),
  },
  OpenAI: {
    path: '/v1/completions',
    body: events([openAi('a +', null), openAi(' b;', null), openAi('', null, 'stop'), '[DONE]']),
  },
} as const;
