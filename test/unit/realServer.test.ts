// A real server: llama.cpp's own, as Debian builds it, with the shipped model. It is fetched on the first run; where Debian's archive cannot
// be reached the tests are skipped, and say so.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { convert } from '../../models/gguf/convert';
import { llamaServer } from '../../models/peers/llamaServer.mjs';
import { Engine } from '../../src/engine/engine';
import type { CompletionRequest } from '../../src/protocol';
import { readAddress, type Address } from '../../src/server/address';
import { familyOf, frame } from '../../src/server/families';
import { ServerEngine } from '../../src/server/serverEngine';

const MODEL = join(process.cwd(), 'models', 'glassbox-small');
const KEY = 'sesame';
const dir = mkdtempSync(join(tmpdir(), 'glassbox-server-'));
const never = new AbortController().signal;
let missing: string | undefined;
const children: ChildProcess[] = [];
/** The server of a model whose family its name tells, and of one whose name tells nothing. */
let [url = '', plainUrl = ''] = ['', ''];
let engine: Engine | undefined;

before(async () => {
  let program: ReturnType<typeof llamaServer>;
  try {
    program = llamaServer(process.cwd());
  } catch (error) {
    missing = (error as Error).message;
    return;
  }
  const bytes = convert({ model: MODEL, type: 'f32' });
  engine = await Engine.load({ modelDir: MODEL, device: 'cpu', weights: 'onnx/model.onnx' });
  [url = '', plainUrl = ''] = await Promise.all(['glassbox-small', 'plain'].map((name) => start(program, name, bytes)));
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await engine?.dispose();
  rmSync(dir, { recursive: true, force: true });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
/** Starts a server with a model of this name; resolves with its address when it has loaded the model. */
async function start(
  { command, args, cwd }: ReturnType<typeof llamaServer>,
  name: string,
  bytes: Uint8Array,
): Promise<string> {
  const gguf = join(dir, `${name}.gguf`);
  writeFileSync(gguf, bytes);
  const port = await freePort();
  const flags = [
    '-m',
    gguf,
    '--alias',
    name,
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '-c',
    '1024',
    '-t',
    '2',
    '--api-key',
    KEY,
  ];
  const child = spawn(command, [...args, ...flags], { cwd, stdio: 'ignore' });
  children.push(child);
  const found = `http://127.0.0.1:${port}`;
  const isUp = (): Promise<boolean> =>
    fetch(`${found}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let i = 0; !(await isUp()); i++) {
    assert.ok(child.exitCode === null && i < 300, `llama-server has not started (exit code ${child.exitCode})`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return found;
}
const request = (more: Partial<CompletionRequest>): CompletionRequest => ({
  prefix: '',
  suffix: '',
  maxTokens: 24,
  sampling: { temperature: 0, topK: 0, topP: 1, seed: 1 },
  raw: false,
  ...more,
});
const serverWith = (key: string | undefined, at = url, log: (line: string) => void = () => undefined): ServerEngine => {
  return new ServerEngine({ address: readAddress(at) as Address, model: '', key, log });
};
/** A test that needs the server. */
function real(name: string, run: (server: ServerEngine, engine: Engine) => Promise<void>): void {
  test(`llama-server: ${name}`, async (t: TestContext) => {
    if (missing !== undefined) return t.skip(missing);
    return run(serverWith(KEY), engine as Engine);
  });
}

/** Raw texts without numbers, which llama.cpp splits otherwise. */
const RAW = [
  'import { readFile } from',
  'export function add(a: number, b: number): number {\n  return',
  'class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(',
  'def total(values):\n    result = None\n    for value in',
];
for (const prefix of RAW)
  real(
    `after ${JSON.stringify(prefix.slice(0, 30))} it gives the engine's text and probabilities`,
    async (server, own) => {
      const asked = request({ prefix, raw: true });
      const [there, here] = await Promise.all([
        server.complete(asked, never, () => undefined),
        own.complete(asked, { signal: never }),
      ]);
      assert.equal(there.text, here.text);
      assert.ok(here.text.length > 10, here.text);
      const sum = (logprobs: readonly number[]): number => logprobs.reduce((total, each) => total + each, 0);
      assert.ok(
        Math.abs(sum(there.logprobs) - sum(here.logprobs)) < 0.02,
        `${sum(there.logprobs)} ${sum(here.logprobs)}`,
      );
      assert.equal(there.server?.sure, true);
    },
  );

/** Places in files: what is before and after the cursor. */
const HOLES: [path: string, prefix: string, suffix: string][] = [
  ['src/add.ts', 'export function add(first: number, second: number): number {\n  return', '\n}\n'],
  [
    'list.py',
    'def total(values):\n    result = zero\n    for value in',
    '\n        result += value\n    return result\n',
  ],
  ['a.js', 'const items = [];\nfor (const item of', ') {\n  console.log(item);\n}\n'],
];
for (const [path, prefix, suffix] of HOLES)
  real(
    `a hole in ${path} is filled with what the engine writes after the same frame, cut by the stop rules`,
    async (server, own) => {
      const told: string[] = [];
      const there = await server.complete(request({ path, prefix, suffix }), never, (text) => told.push(text));
      const framed = frame(familyOf('glassbox-small') ?? assert.fail(), { path, prefix, suffix, context: [] });
      const here = await own.complete(request({ prefix: framed, raw: true }), { signal: never });
      assert.ok(here.text.startsWith(there.text), `${there.text} | ${here.text}`);
      assert.notEqual(there.text.trim(), '');
      assert.equal(told.join(''), there.text.slice(0, told.join('').length));
    },
  );

real('a text that is not probable enough is cut', async (server) => {
  const asked = request({ path: 'a.ts', prefix: 'const answer = ', suffix: '\n' });
  const all = await server.complete(asked, never, () => undefined);
  const sure = await server.complete({ ...asked, minProbability: 0.9 }, never, () => undefined);
  assert.ok(all.probability < 0.9, String(all.probability));
  assert.ok(sure.text.length < all.text.length, sure.text);
});

real('a text that is cancelled ends there too', async (server) => {
  const abort = new AbortController();
  let told = 0;
  const asked = request({ prefix: '// ', unbounded: true, maxTokens: 400 });
  const { finish } = await server.complete(asked, abort.signal, () => ++told === 3 && abort.abort());
  assert.equal(finish, 'cancelled');
  for (let i = 0; i < 100; i++) {
    const slots = await fetch(`${url}/slots`, { headers: { authorization: `Bearer ${KEY}` } });
    const busy = ((await slots.json()) as { is_processing: boolean }[]).some(({ is_processing }) => is_processing);
    if (!busy) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail('it still writes');
});

real('a file that is longer than the model holds is cut to fit', async (server) => {
  const prefix = `${'const value = other + another;\n'.repeat(400)}const value =`;
  const { text } = await server.complete(request({ prefix, suffix: '\n', path: 'a.ts' }), never, () => undefined);
  assert.notEqual(text, '');
});

real('without its key it is said that a key is wanted', async () => {
  await assert.rejects(
    serverWith(undefined).complete(request({ prefix: 'a' }), never, () => undefined),
    /another key \(status 401\)/,
  );
});

real('a model of no known family is asked by the server’s own parameters for a hole', async () => {
  const lines: string[] = [];
  const server = serverWith(KEY, plainUrl, (line) => lines.push(line));
  const [path, prefix, suffix] = HOLES[2] ?? assert.fail();
  const asked = request({ path, prefix, suffix });
  const { text, server: by } = await server.complete(asked, never, () => undefined);
  assert.notEqual(text.trim(), '');
  assert.deepEqual([by?.model, by?.sure], ['plain', true]);
  assert.match(lines.join(), /llama\.cpp with plain; holes are told as the server does/);
  const headers = { authorization: `Bearer ${KEY}` };
  const body = {
    input_prefix: prefix,
    input_suffix: suffix,
    n_predict: 24,
    temperature: 0,
    top_k: 0,
    min_p: 0,
    top_p: 1,
  };
  const own = await fetch(`${plainUrl}/infill`, { method: 'POST', headers, body: JSON.stringify(body) });
  const { content } = (await own.json()) as { content: string };
  assert.ok(content.startsWith(text), `${text} | ${content}`);
});
