// Nothing opens a connection: the engine does all it can do with every way to the network barred and noted, and Linux lists no network
// socket of its process meanwhile. Both the bar and the list are shown to notice what they should.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EngineClient } from '../../src/extension/engineClient';
import type { CompletionRequest } from '../../src/protocol';
import { networkSockets } from '../openSockets';
import { writeTinyModel } from '../tinyModel';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-network-'));
const attempts = join(dir, 'attempts');
const guard = join(process.cwd(), 'test/networkGuard.cjs');
const onLinux = { skip: process.platform !== 'linux' && 'only Linux lists the sockets of a process' };
const noted = (): string[] => (existsSync(attempts) ? readFileSync(attempts, 'utf8').trim().split('\n') : []);

before(() => {
  process.env['GLASSBOX_ATTEMPTS'] = attempts;
  writeTinyModel(join(dir, 'model'));
});
after(() => rmSync(dir, { recursive: true, force: true }));

const WAYS: [name: string, code: string][] = [
  ['connect', "require('node:net').connect(9)"],
  ['connect', "new (require('node:net').Socket)().connect(9)"],
  ['listen', "require('node:net').createServer().listen(0)"],
  ['fetch', "fetch('http://127.0.0.1:9')"],
  ['request', "require('node:http').request('http://127.0.0.1:9')"],
  ['get', "require('node:https').get('https://127.0.0.1:9')"],
  ['lookup', "require('node:dns').lookup('localhost', () => {})"],
  ['createSocket', "require('node:dgram').createSocket('udp4')"],
  ['connect', "import('node:tls').then((tls) => tls.default.connect(9))"],
];
for (const [name, code] of WAYS) {
  test(`the guard notes ${code}`, () => {
    rmSync(attempts, { force: true });
    const { status } = spawnSync(process.execPath, ['--require', guard, '--eval', code]);
    assert.notEqual(status, 0);
    assert.deepEqual(noted(), [name]);
  });
}

test('the list of sockets has those of the network', onLinux, async () => {
  assert.deepEqual(networkSockets(process.pid), []);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = (server.address() as AddressInfo).port.toString(16).toUpperCase().padStart(4, '0');
  const found = networkSockets(process.pid);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(found.length, 1);
  assert.ok(found[0]?.includes(`:${port}`), found[0]);
});

test('the engine opens no connection, whatever it is asked', async () => {
  rmSync(attempts, { force: true });
  const enginePath = join(dir, 'guarded.cjs');
  writeFileSync(
    enginePath,
    `require(${JSON.stringify(guard)});\nrequire(${JSON.stringify(join(process.cwd(), 'dist/engine.js'))});\n`,
  );
  const client = new EngineClient({ enginePath, log: () => undefined });
  const never = new AbortController().signal;
  let sockets = 0;
  const look = (): void => {
    if (process.platform !== 'linux') return;
    assert.deepEqual(networkSockets(client.pid ?? assert.fail('no engine')), []);
    sockets++;
  };
  const request = (more: Partial<CompletionRequest> = {}): CompletionRequest => ({
    prefix: 'const a = 1;\nconst b',
    suffix: '\n',
    path: 'a.ts',
    maxTokens: 6,
    sampling: { temperature: 1, topK: 0, topP: 1, seed: 1 },
    raw: false,
    ...more,
  });
  try {
    client.start({ modelDir: join(dir, 'model'), device: 'cpu', stateDir: dir, memoryDir: join(dir, 'memory') });
    look();
    const { id } = await client.complete(request(), never, look);
    await client.alternatives(id, 2);
    await client.complete(request({ unbounded: true, endless: true, maxTokens: 40 }), never, look);
    await client.inside.inspect('last', { ask: 'overview', side: 16 });
    await client.inside.inspect('last', { ask: 'effects', position: 3, heads: true, spans: [] });
    await client.warm(request({ prefix: 'let c' }), never);
    await client.ahead(request({ prefix: 'let d' }), never);
    await client.remember([{ path: 'b.ts', stamp: '1', text: 'const a = 1;\nconst b = 2;\n' }], []);
    await client.complete(request(), never, look);
    await client.eraseMemory();
    look();
  } finally {
    client.dispose();
  }
  assert.deepEqual(noted(), []);
  if (process.platform === 'linux') assert.ok(sockets > 10, `looked ${sockets} times`);
});
