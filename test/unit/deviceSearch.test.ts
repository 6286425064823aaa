// When devices are tried, that whoever asks comes first, and that nothing of a trial outlives its parent.

import assert from 'node:assert/strict';
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildSync } from 'esbuild';
import type { Auto } from '../../src/engine/autoDevice';
import { DeviceRecord } from '../../src/engine/deviceRecord';
import { DeviceSearch } from '../../src/engine/deviceSearch';
import type { Machine } from '../../src/engine/devices';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-search-'));
/** The modules under test, for processes of their own. */
const bundle = join(dir, 'engine.js');
const posix = { skip: process.platform === 'win32' && 'signals' };

before(() => {
  const from = (name: string): string => JSON.stringify(join(process.cwd(), 'src', 'engine', name));
  const contents = `export * from ${from('watchdog')}; export { DeviceRecord } from ${from('deviceRecord')};`;
  const stdin = { contents, resolveDir: process.cwd(), loader: 'ts' as const };
  buildSync({ stdin, bundle: true, platform: 'node', target: 'node20', outfile: bundle });
});
after(() => rmSync(dir, { recursive: true }));

async function until(what: () => boolean, name: string): Promise<void> {
  for (let waited = 0; !what(); waited += 5) {
    assert.ok(waited < 20_000, `${name} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A search over what `auto` says, one after another; the last again and again. Trials end when they are told to. */
function searching(...autos: ('busy' | 'known' | 'unknown')[]) {
  const seen = { onBattery: false, looks: 0, trials: 0, found: [] as string[], end: (): void => undefined };
  const auto = (): Auto => {
    const now = autos[Math.min(seen.looks++, autos.length - 1)];
    if (now === 'known') return { device: 'dml', reason: '' };
    if (now === 'busy') return { device: 'cpu', reason: '', busy: true };
    const find: Auto['find'] = (_, signal) =>
      new Promise((resolve) => {
        seen.trials++;
        seen.end = () => resolve({ device: 'webgpu', reason: '' });
        signal?.addEventListener('abort', () => resolve(undefined));
      });
    return { device: 'cpu', reason: '', find };
  };
  const search = new DeviceSearch({
    auto,
    enginePath: '',
    onFound: ({ device }) => seen.found.push(device),
    quietMs: 20,
    onBattery: () => seen.onBattery,
  });
  return { seen, search };
}

test('devices are tried when nobody asks, and what is found is told', async () => {
  const { seen, search } = searching('unknown');
  search.started();
  await pause(150);
  assert.equal(seen.looks, 0, 'a request runs');
  search.ended();
  await until(() => seen.trials === 1, 'the trial');
  seen.end();
  await until(() => seen.found.length > 0, 'an answer');
  await pause(150);
  assert.deepEqual([seen.found, seen.trials], [['webgpu'], 1]);
});

test('nothing is tried on the battery', async () => {
  const { seen } = searching('unknown');
  seen.onBattery = true;
  await pause(150);
  assert.equal(seen.looks, 0);
  seen.onBattery = false;
  await until(() => seen.trials === 1, 'the trial once it is plugged in');
  seen.end();
});

test('a trial gives way to whoever asks, and is begun again, a few times at most', async () => {
  const { seen, search } = searching('unknown');
  for (let trial = 1; trial <= 6; trial++) {
    await until(() => seen.trials === trial, `trial ${trial}`);
    search.started();
    await pause(1);
    search.ended();
  }
  await pause(20 * 2 ** 6 * 1.5);
  assert.deepEqual([seen.found, seen.trials], [[], 6]);
});

test('while another process tries devices none is tried here, and what it finds is used', async () => {
  const { seen } = searching('busy', 'busy', 'known');
  await until(() => seen.found.length > 0, 'an answer');
  assert.deepEqual([seen.found, seen.trials], [['dml'], 0]);
});

test('what was known from the start is not told', async () => {
  const { seen } = searching('known');
  await until(() => seen.looks > 0, 'a look');
  await pause(100);
  assert.deepEqual([seen.found, seen.looks], [[], 1]);
});

const machine: Machine = { platform: 'x', arch: 'x', cpu: 'x', devices: [], runtime: '1', adapters: [] };

/** How a process ends while its mark stands, and whether a device is to blame. */
const ends: [string, string, boolean][] = [
  ['exit', 'process.exit(0)', false],
  ['the end of its parent', `process.on('disconnect', () => process.exit(0)); process.send('ready')`, false],
  ['SIGTERM', `process.kill(process.pid, 'SIGTERM')`, false],
  ['SIGKILL', `process.kill(process.pid, 'SIGKILL')`, true],
  ['a crash', `process.kill(process.pid, 'SIGSEGV')`, true],
];
for (const [how, code, blamed] of ends)
  test(`a device ${blamed ? 'is' : 'is not'} to blame for a process that is ended by ${how}`, posix, async () => {
    const state = join(dir, how);
    const weights = { file: how, bytes: 1, changed: 1 };
    const script = join(dir, `${how}.js`);
    writeFileSync(
      script,
      `const { DeviceRecord } = require(${JSON.stringify(bundle)});
       setInterval(() => undefined, 1000);
       new DeviceRecord(${JSON.stringify(state)}, ${JSON.stringify(weights)}, ${JSON.stringify(machine)}).begin();
       ${code};`,
    );
    const record = new DeviceRecord(state, weights, machine);
    record.end('webgpu', 'faster');
    const child = fork(script, { stdio: 'ignore' });
    child.on('message', () => {
      assert.ok(record.busy, 'it is seen at it');
      child.disconnect();
    });
    await until(() => child.exitCode !== null || child.signalCode !== null, 'the end');
    assert.equal(record.choice?.device, blamed ? undefined : 'webgpu');
    assert.ok(!record.busy);
  });

/** A process that is watched over for `limitMs` and whose main thread then hangs. */
const hanging = (limitMs: number, told: string): string => {
  const path = join(dir, 'hanging.js');
  writeFileSync(
    path,
    `require(${JSON.stringify(bundle)}).watchOver(${limitMs}).then(() => {
       require('node:fs').writeFileSync(${JSON.stringify(told)}, String(process.pid));
       for (;;);
     });`,
  );
  return path;
};

test('a process that hangs is ended from within after the limit', async () => {
  const told = join(dir, 'limit');
  const child: ChildProcess = spawn(process.execPath, [hanging(500, told)], { stdio: 'ignore' });
  await until(() => existsSync(told), 'the hanging');
  await until(() => child.exitCode !== null || child.signalCode !== null, 'the end');
});

test('a process that hangs is ended from within when its parent has gone', async () => {
  const told = join(dir, 'orphan');
  const script = hanging(60_000, told);
  const start = `require('node:child_process').spawn(process.execPath, [${JSON.stringify(script)}], { stdio: 'ignore' })`;
  const parent = spawn(process.execPath, ['-e', start], { stdio: 'ignore' });
  await until(() => existsSync(told) && readFileSync(told, 'utf8') !== '', 'the hanging');
  const pid = Number(readFileSync(told, 'utf8'));
  assert.ok(lives(pid));
  parent.kill('SIGKILL');
  await until(() => !lives(pid), 'the end');
});

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // What nobody has waited for has ended all the same.
  return !existsSync('/proc/self/stat') || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}
