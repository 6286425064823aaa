// The workspace memory keeps up with the workspace's files, and with what the user wants; and nothing of all this touches the network.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Api } from '../../../src/extension/extension';
import { networkSockets } from '../../openSockets';
import type { HostTest } from './hostTest';
import { Scratch, suggested } from './scratch';
import { glassbox, setting, sleep, until } from './window';

function remembers(api: Api, path: string): boolean {
  return Object.hasOwn(api.memory()?.stamps ?? {}, path);
}

async function waitFor(api: Api, path: string, held = true): Promise<void> {
  const now = (): string => Object.keys(api.memory()?.stamps ?? {}).join(' ');
  await until(
    `${path} to be ${held ? 'remembered' : 'forgotten'}`,
    () => remembers(api, path) === held || undefined,
  ).catch((error: Error) => assert.fail(`${error.message}; remembered: ${now()}`));
}

export const tests: HostTest[] = [
  {
    name: 'memory: files of the workspace are remembered as they come, change, move and go; excluded ones never are',
    timeoutMs: 180_000,
    async run(t) {
      const api = await glassbox();
      await waitFor(api, 'basket.ts');
      const scratch = new Scratch(t, {
        '.gitignore': 'ignored/\n',
        'ignored/a.ts': 'const ignored = 1;\n',
        'kept/a.ts': 'const kept = 1;\n',
        'node_modules/a/index.js': 'const foreign = 1;\n',
        'big.json': `"${'x'.repeat(2000)}"`,
        '.env': 'A=1\n',
      });
      const outside = mkdtempSync(join(tmpdir(), 'glassbox-outside-'));
      t.after(() => rmSync(outside, { recursive: true }));
      writeFileSync(join(outside, 'a.ts'), 'const outside = 1;\n');
      symlinkSync(outside, join(scratch.dir, 'linked'));
      symlinkSync(join(outside, 'a.ts'), join(scratch.dir, 'link.ts'));
      await waitFor(api, scratch.path('kept/a.ts'));
      // A log that is written without end must not put the rest off.
      const noise = setInterval(() => scratch.write('server.log', `${Date.now()}`), 200);
      t.after(() => clearInterval(noise));
      // In the folder that was there from the start: old editors do not always watch new ones.
      const beside = `../${scratch.name}.ts`;
      t.after(() => scratch.remove(beside));
      scratch.write(beside, 'const before = 1;\n');
      await waitFor(api, `${scratch.name}.ts`);
      const stampOf = (): string | undefined => api.memory()?.stamps[`${scratch.name}.ts`];
      const stamp = stampOf();
      scratch.write(beside, 'const changed = 2;\n// longer\n');
      await until('the new stamp', () => stampOf() !== stamp || undefined);
      await vscode.workspace.fs.rename(scratch.uri('kept'), scratch.uri('moved'));
      await waitFor(api, scratch.path('moved/a.ts'));
      await waitFor(api, scratch.path('kept/a.ts'), false);
      await setting(t, 'exclude', ['**/moved']);
      await waitFor(api, scratch.path('moved/a.ts'), false);
      for (const never of ['ignored/a.ts', 'node_modules/a/index.js', 'big.json', '.env', 'linked/a.ts', 'link.ts'])
        assert.ok(!remembers(api, scratch.path(never)), never);
    },
  },
  {
    name: 'memory: it is forgotten when it is turned off, and built anew when it is turned on',
    timeoutMs: 120_000,
    async run(t) {
      const api = await glassbox();
      await waitFor(api, 'basket.ts');
      await setting(t, 'workspaceMemory', false);
      await waitFor(api, 'basket.ts', false);
      assert.equal(api.memory()?.tokens, 0);
      await setting(t, 'workspaceMemory', true);
      await waitFor(api, 'basket.ts');
      assert.ok((api.memory()?.tokens ?? 0) > 0);
    },
  },
  {
    name: 'memory: the command erases it after a question, and it stays erased until it is wanted again',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      await waitFor(api, 'basket.ts');
      void vscode.commands.executeCommand('glassbox.eraseMemory');
      t.after(() => vscode.commands.executeCommand('notifications.clearAll'));
      await until('the question', async () => {
        await vscode.commands.executeCommand('notifications.showList');
        const text = await driver.evaluate<string>(
          `document.querySelector('.notifications-center')?.textContent ?? ''`,
        );
        return text.includes('Erase what') || undefined;
      });
      await sleep(500);
      await driver.screenshot('erase-memory');
      await driver.click('.notifications-center .monaco-text-button');
      await waitFor(api, 'basket.ts', false);
      assert.deepEqual(api.memory(), { stamps: {}, tokens: 0, bytes: 0 });
      const scratch = new Scratch(t, { 'a.ts': 'const a = 1;\n' });
      await sleep(4000);
      assert.ok(!remembers(api, scratch.path('a.ts')), 'it is remembered again');
      await driver.screenshot('erased-memory');
      await setting(t, 'workspaceMemory', false);
      await setting(t, 'workspaceMemory', true);
      await waitFor(api, scratch.path('a.ts'));
    },
  },
  {
    name: 'memory: after a restart of the engine it holds the same',
    timeoutMs: 120_000,
    async run() {
      const api = await glassbox();
      await waitFor(api, 'basket.ts');
      // A file of a test before this one may just be going.
      const held = (): string =>
        Object.keys(api.memory()?.stamps ?? {})
          .filter((path) => !path.startsWith('scratch-'))
          .sort()
          .join();
      const before = held();
      const pid = api.enginePid() ?? assert.fail('no engine runs');
      process.kill(pid, 'SIGKILL');
      await until('the engine', () => (api.status().engine.kind === 'ready' && api.enginePid() !== pid) || undefined);
      await sleep(3000);
      await until('the same files', () => held() === before || undefined);
    },
  },
  {
    name: 'network: typing, reading ahead, the memory and writing open no connection, in the editor or in the engine',
    timeoutMs: 120_000,
    async run(t) {
      const api = await glassbox();
      const attempts: string[] = [];
      // The editor's own connections are its own matter: what counts is who asked.
      const watch = (place: object, name: string): void => {
        const original = Reflect.get(place, name) as (...args: unknown[]) => unknown;
        Reflect.set(place, name, function (this: unknown, ...args: unknown[]) {
          const stack = new Error().stack ?? '';
          if (stack.includes('dist/extension.js') || stack.includes('here-it-is-noted')) attempts.push(stack);
          return original.apply(this, args);
        });
        t.after(() => Reflect.set(place, name, original));
      };
      watch(net.Socket.prototype, 'connect');
      watch(net.Server.prototype, 'listen');
      watch(globalThis, 'fetch');
      const probe = { 'here-it-is-noted': () => new net.Socket().on('error', () => undefined).connect(9, '127.0.0.1') };
      probe['here-it-is-noted']().destroy();
      assert.equal(attempts.splice(0).length, 1, 'the net does not catch');

      const scratch = new Scratch(t, {
        'a.ts': 'export function total(items: number[]) {\n  return items.',
        'b.ts': 'const x = 1;\n',
      });
      await scratch.show('b.ts');
      const editor = await scratch.show('a.ts');
      const look = (): void => {
        if (process.platform === 'linux')
          assert.deepEqual(networkSockets(api.enginePid() ?? assert.fail('no engine')), []);
      };
      for (let i = 0; i < 5; i++) {
        await suggested(api.provider, editor);
        look();
        await sleep(300);
      }
      await waitFor(api, scratch.path('a.ts'));
      await vscode.commands.executeCommand('glassbox.showLog');
      look();
      assert.deepEqual(attempts, []);
    },
  },
];
