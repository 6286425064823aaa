// The engine client against the real engine process, in plain Node, with a small random model.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { rowOf, triangleLength, weightsOf } from '../../src/attention/weights';
import { EngineClient, EngineFailure } from '../../src/extension/engineClient';
import { engineEnvironment } from '../../src/extension/engineEnvironment';
import type { CompletionRequest } from '../../src/protocol';
import { TINY, writeTinyModel } from '../tinyModel';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-client-'));
const enginePath = join(process.cwd(), 'dist', 'engine.js');
const log: string[] = [];
let client: EngineClient;

before(() => void writeTinyModel(dir));
afterEach(() => client.dispose());
after(() => rmSync(dir, { recursive: true }));

function start(modelDir = dir): void {
  client = new EngineClient({ enginePath, log: (line) => log.push(line) });
  client.start({ modelDir, device: 'cpu' });
}

function request(prefix: string, maxTokens = 8): CompletionRequest {
  return { prefix, suffix: '', maxTokens, sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 }, raw: true };
}

const ignore = (): void => undefined;
const never = new AbortController().signal;

async function until(what: () => boolean, name: string): Promise<void> {
  for (let waited = 0; !what(); waited += 20) {
    assert.ok(waited < 20_000, `${name} did not happen; log:\n${log.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function failure(promise: Promise<unknown>): Promise<EngineFailure> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof EngineFailure);
    return error;
  }
  return assert.fail('no error');
}

test('a request made while the model loads is answered, token by token', async () => {
  start();
  const tokens: number[] = [];
  let text = '';
  const completion = await client.complete(request('ab'), never, (token) => {
    tokens.push(token.token);
    text += token.text;
  });
  assert.deepEqual(tokens, completion.tokens);
  assert.ok(completion.text.startsWith(text));
  assert.equal(completion.logprobs.length, tokens.length);
  assert.equal(client.state.kind, 'ready');
});

test('the newest request wins, and each ends exactly once', async () => {
  start();
  await client.complete(request('warm'), never, ignore);
  const older = client.complete(request('older', 100), never, ignore);
  const newer = client.complete(request('newer', 4), never, ignore);
  assert.equal((await older).finish, 'cancelled');
  assert.equal((await newer).stats.generatedTokens, 4);
});

test('a cancel takes effect within a token', async () => {
  start();
  const abort = new AbortController();
  let tokens = 0;
  const completion = await client.complete(request('abc', 100), abort.signal, () => {
    if (++tokens === 3) abort.abort();
  });
  assert.equal(completion.finish, 'cancelled');
  assert.ok(completion.tokens.length < 60, `${completion.tokens.length} tokens`);
});

test('an engine that rests is asleep, does nothing in the background, and is woken by who asks', async () => {
  start();
  const rested = await client.rest(never);
  assert.equal(client.state.kind, 'asleep');
  assert.equal(client.pid, undefined);
  assert.equal(await client.warm(request('ab'), never), undefined);
  assert.equal((await client.complete(request('ab', 2), never, ignore)).stats.generatedTokens, 2);
  assert.equal(
    await client.warm(request('abc'), never),
    undefined,
    'it is awake, and rests from what nobody asked for',
  );
  rested();
  assert.equal((await client.warm(request('abc'), never))?.finish, 'length');
});

test('who waits for an engine to rest can give up', async () => {
  start();
  const abort = new AbortController();
  const asked = client.complete(request('abc', 100), never, () => abort.abort());
  await client.rest(abort.signal);
  assert.equal((await asked).stats.generatedTokens, 100, 'what it was asked is answered');
});

test('what the cache holds is not computed again', async () => {
  start();
  await client.complete(request('const a = 1; const b', 2), never, ignore);
  const { stats } = await client.complete(request('const a = 1; const c', 2), never, ignore);
  assert.equal(stats.promptTokens, 21);
  assert.equal(stats.reusedTokens, 20);
});

test('after kill -9 the next request works, and the log says what happened', async () => {
  start();
  await client.complete(request('a'), never, ignore);
  const running = failure(client.complete(request('b', 100), never, ignore));
  const pid = client.pid!;
  process.kill(pid, 'SIGKILL');
  assert.equal((await running).code, 'engine_died');
  const { tokens } = await client.complete(request('c', 3), never, ignore);
  assert.equal(tokens.length, 3);
  assert.notEqual(client.pid, pid);
  assert.ok(log.some((line) => line.includes('SIGKILL')));
});

test('an engine that dies while it loads on the CPU is no matter of devices', async () => {
  client = new EngineClient({ enginePath, log: ignore });
  client.start({ modelDir: dir, device: 'auto' });
  await new Promise((resolve) => setTimeout(resolve, 100)); // nothing but reading the bundle takes longer
  const running = failure(client.complete(request('a', 2), never, ignore));
  process.kill(client.pid!, 'SIGKILL');
  assert.equal((await running).code, 'engine_died');
  await until(() => client.state.kind === 'ready', 'the second start');
  assert.ok(client.state.kind === 'ready' && client.state.info.deviceNote === undefined);
});

test('an engine that keeps dying is given up, with the reason, and can be restarted', async () => {
  start();
  for (let deaths = 0; deaths < 5; deaths++) {
    await until(() => client.state.kind === 'ready', 'start');
    process.kill(client.pid!, 'SIGKILL');
    await until(() => client.state.kind !== 'ready', 'death');
  }
  assert.equal(client.state.kind, 'failed');
  assert.match((await failure(client.complete(request('a'), never, ignore))).message, /restarted 4 times/);
  client.start({ modelDir: dir, device: 'cpu' });
  assert.equal((await client.complete(request('a', 2), never, ignore)).tokens.length, 2);
});

test('a model folder that cannot be loaded is a failure that names it, and another one can be loaded after it', async () => {
  const damaged = mkdtempSync(join(tmpdir(), 'glassbox-damaged-'));
  writeTinyModel(damaged);
  writeFileSync(join(damaged, 'onnx', 'model.onnx'), 'not a graph');
  start(damaged);
  const { code, message } = await failure(client.complete(request('a'), never, ignore));
  assert.equal(code, 'model_damaged');
  assert.ok(message.includes(join(damaged, 'onnx', 'model.onnx')));
  assert.equal(client.state.kind, 'failed');
  client.start({ modelDir: dir, device: 'cpu' });
  assert.equal((await client.complete(request('a', 2), never, ignore)).tokens.length, 2);
  rmSync(damaged, { recursive: true });
});

test('a device that is not there falls back to the CPU and says so', async () => {
  client = new EngineClient({ enginePath, log: ignore });
  client.start({ modelDir: dir, device: process.platform === 'darwin' ? 'dml' : 'coreml' });
  assert.equal((await client.complete(request('a', 2), never, ignore)).stats.device, 'cpu');
  assert.ok(client.state.kind === 'ready' && /runs on the CPU/.test(client.state.info.deviceNote ?? ''));
});

test('attention arrives as a typed array, a lower triangle, rows summing to 1', async () => {
  start();
  const { tokens, stats } = await client.complete(request('x = y', 3), never, ignore);
  const head = { ask: 'head', layer: TINY.layers - 1, head: TINY.heads - 1, from: 0 } as const;
  const answer = await client.inside.inspect('last', head);
  assert.ok(answer.answer === 'head' && answer.weights instanceof Uint16Array);
  const n = stats.promptTokens + tokens.length;
  assert.equal(answer.n, n);
  assert.equal(answer.weights.length, triangleLength(n));
  for (let query = 0; query < n; query++) {
    const row = weightsOf(rowOf(answer.weights, query));
    assert.equal(row.length, query + 1);
    assert.ok(Math.abs(row.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-3);
  }
  const beyond = client.inside.inspect('last', { ...head, layer: TINY.layers });
  assert.equal((await failure(beyond)).code, 'bad_request');
});

test('a completion that was shown can be asked about however many follow, until it is let go', async () => {
  start();
  const text = { ask: 'text', from: 0 } as const;
  const { id } = await client.complete(request('first', 1), never, ignore);
  client.inside.keep([id]);
  const write = async (times: number): Promise<void> => {
    for (let each = 0; each < times; each++) await client.complete(request(`a${each}`, 1), never, ignore);
  };
  await write(21);
  assert.equal((await client.inside.inspect(id, text)).sequence, id);
  client.inside.keep([]);
  await write(1);
  assert.equal((await failure(client.inside.inspect(id, text))).code, 'bad_request');
});

test('a completion that was made ahead can be asked about by its id', async () => {
  start();
  const { id: last } = await client.complete(request('first', 1), never, ignore);
  const ahead = await client.ahead(request('second', 2), never);
  assert.ok(ahead !== undefined && ahead.id !== last);
  const text = { ask: 'text', from: 0 } as const;
  assert.equal((await client.inside.inspect(ahead.id, text)).sequence, ahead.id);
  assert.equal((await client.inside.inspect('last', text)).sequence, last);
});

test('an engine that nobody asks sleeps, gives its memory back, and wakes for the next request; as often as need be', async () => {
  start();
  client.unloadAfterMs = 100;
  for (let times = 0; times < 6; times++) {
    assert.equal((await client.complete(request('a', 2), never, ignore)).tokens.length, 2);
    assert.equal(client.completions, 1);
    const pid = client.pid!;
    await until(() => client.state.kind === 'asleep', 'sleep');
    assert.equal(client.pid, undefined);
    assert.equal(client.completions, 0);
    await until(() => !alive(pid), 'end');
    assert.equal(await client.warm(request('a'), never), undefined, 'reading beforehand wakes nobody');
  }
  assert.ok(client.state.kind === 'asleep' && client.state.info.layers === TINY.layers);
  client.start({ modelDir: dir, device: 'cpu' });
  assert.equal(client.state.kind, 'loading');
});

test('an engine that works does not fall asleep, nor does one that may not', async () => {
  start();
  client.unloadAfterMs = 1;
  assert.equal((await client.complete(request('a', 100), never, ignore)).tokens.length, 100);
  await until(() => client.state.kind === 'asleep', 'sleep');
  client.unloadAfterMs = 0;
  await client.complete(request('a', 2), never, ignore);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(client.state.kind, 'ready');
});

test('what is read beforehand is reused, is no completion, and gives way', async () => {
  start();
  assert.equal(await client.warm(request('x'), never), undefined, 'not before the model is there');
  await client.complete(request('y', 2), never, ignore);
  const prompt = 'let a = [1, 2, 3];\n'.repeat(5);
  const warmed = await client.warm(request(prompt), never);
  assert.equal(warmed?.finish, 'length');
  assert.deepEqual(warmed.tokens, []);
  assert.equal(client.completions, 1);
  const { stats } = await client.complete(request(prompt, 2), never, ignore);
  assert.equal(stats.reusedTokens, stats.promptTokens - 1);

  const other = client.warm(request('b'.repeat(100)), never);
  const [completion, given] = await Promise.all([client.complete(request('c', 2), never, ignore), other]);
  assert.equal(completion.tokens.length, 2);
  assert.ok(given !== undefined && given.tokens.length === 0);
  const abort = new AbortController();
  const unwanted = client.warm(request('d'.repeat(100)), abort.signal);
  abort.abort();
  assert.equal((await unwanted)?.finish, 'cancelled');
});

test('alternatives are those of the last completion, and give way to the next', async () => {
  start();
  const shown = await client.complete(request('ab', 3), never, ignore);
  const others = await client.alternatives(shown.id, 2);
  assert.ok(others.length > 0);
  for (const { text, tokens, stats } of others) {
    assert.notEqual(text, shown.text);
    assert.equal(tokens.length, 3);
    assert.equal(stats.reusedTokens, stats.promptTokens);
  }
  assert.deepEqual(await client.alternatives(shown.id + 1, 2), []);
  const [left, completed] = await Promise.all([
    client.alternatives(shown.id, 64),
    client.complete(request('cd'), never, ignore),
  ]);
  assert.ok(left.length < 64);
  assert.equal(completed.finish, 'length');
});

test('an engine with memory for several documents keeps them all warm', async () => {
  client = new EngineClient({ enginePath, log: ignore });
  client.start({ modelDir: dir, device: 'cpu', cacheMemory: 64 });
  const documents = ['first document', 'second document', 'third document'].map((text) => text.repeat(3));
  for (const document of documents) await client.complete(request(document, 1), never, ignore);
  for (const document of documents) {
    const { stats } = await client.complete(request(`${document}!`, 1), never, ignore);
    assert.equal(stats.reusedTokens, stats.promptTokens - 1);
  }
});

test('a run is spread over as many threads as asked for', { skip: !existsSync('/proc/self/task') }, async () => {
  const count = async (threads: number): Promise<number> => {
    client = new EngineClient({ enginePath, log: ignore });
    client.start({ modelDir: dir, device: 'cpu', threads });
    assert.equal((await client.complete(request('a', 2), never, ignore)).tokens.length, 2);
    const tasks = readdirSync(`/proc/${client.pid}/task`).length;
    client.dispose();
    return tasks;
  };
  assert.equal((await count(5)) - (await count(1)), 4);
});

test('dispose leaves no process', async () => {
  start();
  await client.complete(request('a', 2), never, ignore);
  const pid = client.pid!;
  client.dispose();
  await until(() => !alive(pid), 'end');
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('the engine inherits the whole environment, which on the desktop makes it a Node process', () => {
  const ours = { ELECTRON_RUN_AS_NODE: '1', PATH: '/bin', NODE_OPTIONS: '--inspect' };
  assert.deepEqual(engineEnvironment(ours, 'darwin'), { ELECTRON_RUN_AS_NODE: '1', PATH: '/bin' });
});

test('on Linux the engine asks for huge pages, and leaves what was tuned before', () => {
  const tunables = (before?: string): string | undefined =>
    engineEnvironment(before === undefined ? {} : { GLIBC_TUNABLES: before }, 'linux')['GLIBC_TUNABLES'];
  assert.equal(tunables(), 'glibc.malloc.hugetlb=1');
  assert.equal(tunables('glibc.malloc.check=1'), 'glibc.malloc.check=1:glibc.malloc.hugetlb=1');
  assert.equal(tunables('glibc.malloc.hugetlb=2'), 'glibc.malloc.hugetlb=2');
});
