// The choice of a device: which are tried, when one is better, what is remembered.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { autoDevice, rememberBest, trialsOf } from '../../src/engine/autoDevice';
import { DeviceRecord } from '../../src/engine/deviceRecord';
import { candidates, weightsStamp, type Machine, type WeightsStamp } from '../../src/engine/devices';
import { best, tryDevice, type Trial, type TriedModel } from '../../src/engine/deviceTrial';
import { Model } from '../../src/engine/model';
import { readModelFolder, type ModelFolder } from '../../src/engine/modelFolder';
import { writeTinyModel } from '../tinyModel';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-devices-'));
const state = join(dir, 'state');
let folder: ModelFolder;
let model: Model;

before(async () => {
  writeTinyModel(join(dir, 'tiny'));
  folder = readModelFolder(join(dir, 'tiny'));
  model = await Model.load(folder, 'cpu');
});
after(async () => {
  await model.dispose();
  rmSync(dir, { recursive: true });
});

const linux: Machine = {
  platform: 'linux',
  arch: 'x64',
  cpu: 'a processor',
  devices: ['cpu', 'webgpu', 'cuda'],
  runtime: '1',
  adapters: ['0x8086:0x46a6'],
};

const machines: [string, Machine, NodeJS.ProcessEnv, string[]][] = [
  ['Linux with an adapter', linux, {}, ['webgpu']],
  ['Linux without', { ...linux, adapters: [] }, {}, []],
  ['a software driver', linux, { VK_DRIVER_FILES: '/x/vk_swiftshader_icd.json' }, []],
  ['another', linux, { VK_ICD_FILENAMES: '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json' }, []],
  ['a runtime without GPUs', { ...linux, devices: ['cpu'] }, {}, []],
  ['Windows', { ...linux, platform: 'win32', adapters: [], devices: ['cpu', 'dml', 'webgpu'] }, {}, ['webgpu', 'dml']],
  ['macOS', { ...linux, platform: 'darwin', adapters: [], devices: ['cpu', 'coreml', 'webgpu'] }, {}, ['webgpu']],
];
for (const [name, machine, env, expected] of machines)
  test(`devices that are tried: ${name}`, () => assert.deepEqual(candidates(machine, env), expected));

const trial = (device: string, ms: number, agrees = true): Trial => ({ device, ms, agrees, cpuMs: 100 });
const trials: [string, Trial[], string][] = [
  ['none', [], 'cpu'],
  ['faster', [trial('webgpu', 50)], 'webgpu'],
  ['hardly faster', [trial('webgpu', 90)], 'cpu'],
  ['faster and wrong', [trial('webgpu', 10, false)], 'cpu'],
  ['the fastest', [trial('webgpu', 50), trial('dml', 40)], 'dml'],
];
for (const [name, given, expected] of trials)
  test(`the better device: ${name}`, () => assert.equal(best(given).device, expected));

/** A device like the CPU, which gives what `change` makes of the logits. */
const like = (change: (logits: Float32Array, run: number) => Float32Array, device = 'webgpu'): TriedModel => {
  let runs = 0;
  const forward: TriedModel['forward'] = async (ids, cache, wanted) =>
    change((await model.forward(ids, cache, wanted)).slice(), runs++);
  return { device, folder, newCache: () => model.newCache(), forward };
};
const agreeing: [string, TriedModel, boolean][] = [
  ['the same', like((logits) => logits), true],
  ['nearly the same', like((logits) => logits.map((x, i) => x + 1e-3 * (i % 2))), true],
  ['another order', like((logits) => logits.reverse()), false],
  ['not numbers', like((logits) => logits.fill(NaN)), false],
  ['wrong after a cut', like((logits, run) => (run % 10 === 9 ? logits.map((x) => -x) : logits)), false],
];
for (const [name, tried, expected] of agreeing)
  test(`a trial compares logits: ${name}`, async () => {
    const { agrees, ms, cpuMs } = await tryDevice(tried, model);
    assert.equal(agrees, expected);
    assert.ok(ms > 0 && cpuMs > 0);
  });

const chosen = (record: DeviceRecord): string | undefined => record.choice?.device;

const weights: WeightsStamp = { file: '/m/model.onnx', bytes: 1e9, changed: 1 };

test('a choice is remembered for the same weights and machine, and for no other', () => {
  const of = (w: WeightsStamp, machine: Machine): DeviceRecord => new DeviceRecord(state, w, machine);
  assert.equal(chosen(of(weights, linux)), undefined);
  of(weights, linux).end('webgpu', 'it is faster');
  const other = { ...weights, changed: 2 };
  of(other, linux).end('cpu', 'it is not');
  assert.equal(chosen(of(weights, linux)), 'webgpu');
  assert.equal(chosen(of(other, linux)), 'cpu');
  assert.equal(chosen(of({ ...weights, bytes: 2 }, linux)), undefined);
  assert.equal(chosen(of(weights, { ...linux, runtime: '2' })), undefined);
});

test('a damaged record is no record, and is written anew', () => {
  const record = new DeviceRecord(state, weights, linux);
  for (const damage of ['{"', '[]', 'null', '{"x": {"device": 3}}', '']) {
    writeFileSync(join(state, 'devices.json'), damage);
    assert.equal(chosen(record), undefined, damage);
    record.end('webgpu', 'anew');
    assert.equal(chosen(record), 'webgpu', damage);
  }
  assert.deepEqual(readdirSync(state), ['devices.json'], 'no drafts stay');
});

/** Numbers of processes that have ended. */
const [dead, deadToo] = [0, 1].map(() => spawnSync(process.execPath, ['-e', '']).pid) as [number, number];

/** What is noted of a device, and what is known after it: the choice, and whether a process is at it. */
const records: [string, (by: (pid: number) => DeviceRecord) => void, string | undefined, boolean][] = [
  ['nothing', () => undefined, undefined, false],
  ['a trial that runs', (by) => by(process.pid).begin(), undefined, true],
  ['a trial that was ended', (by) => { by(process.pid).begin(); by(process.pid).cancel(); }, undefined, false],
  ['a trial whose process died', (by) => by(dead).begin(), undefined, false],
  ['two of them', (by) => { by(dead).begin(); by(deadToo).begin(); }, 'cpu', false],
  ['one that died, one that runs', (by) => { by(dead).begin(); by(process.pid).begin(); }, undefined, true],
  ['one that died, one that ended', (by) => { by(dead).begin(); by(process.pid).end('webgpu', ''); }, 'webgpu', false],
  ['a choice being opened', (by) => { by(1).end('webgpu', ''); by(process.pid).begin(); }, 'webgpu', true],
  ['an opening that was ended', (by) => { by(1).end('webgpu', ''); by(dead).begin(); by(dead).cancel(); }, 'webgpu', false],
  ['an opening that died', (by) => { by(1).end('webgpu', ''); by(dead).begin(); }, undefined, false],
  ['one that died, one that worked', (by) => { by(1).end('webgpu', ''); by(dead).begin(); by(1).opened(); }, 'webgpu', false],
  ['deaths on both sides of a trial', (by) => { by(dead).begin(); by(1).end('webgpu', ''); by(deadToo).begin(); }, 'cpu', false],
  ['a choice that no longer opens', (by) => { by(1).end('webgpu', ''); by(1).begin(); by(1).forget(); }, undefined, false],
]; // prettier-ignore
for (const [i, [name, note, expected, busy]] of records.entries())
  test(`what is known of a device after ${name}`, () => {
    const by = (pid: number): DeviceRecord => new DeviceRecord(state, { ...weights, bytes: i }, linux, pid);
    note(by);
    assert.deepEqual([chosen(by(process.pid)), by(process.pid).busy], [expected, busy]);
    by(process.pid).cancel();
  });

test('a mark of long ago is that of a dead process, whoever has its number now', () => {
  const record = new DeviceRecord(state, { ...weights, file: '/m/long ago' }, linux);
  record.begin();
  assert.ok(record.busy);
  const file = join(state, 'devices.json');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/"since": \d+/g, '"since": 1'));
  assert.ok(!record.busy);
  record.cancel();
});

test('a folder that cannot be written costs nothing but the memory, and nothing is tried', () => {
  const record = new DeviceRecord(join(dir, 'tiny', 'config.json', 'below a file'), weights, linux);
  record.end('webgpu', 'x');
  assert.equal(chosen(record), undefined);
  assert.equal(record.begin(), false);
});

test('auto is the CPU for a small model, without a GPU, and until others have been tried', async () => {
  assert.deepEqual(autoDevice(folder, state, linux), { device: 'cpu', reason: 'the model is small' });
  const large = join(dir, 'tiny', 'onnx', 'model.onnx_data');
  writeFileSync(large, '');
  truncateSync(large, 100 * 2 ** 20);
  assert.equal(autoDevice(folder, state, { ...linux, adapters: [] }).find, undefined);
  const { device, find } = autoDevice(folder, state, linux);
  assert.equal(device, 'cpu');
  assert.ok(find !== undefined);

  new DeviceRecord(state, weightsStamp(folder), linux).end('webgpu', 'faster');
  const known = autoDevice(folder, state, linux);
  assert.deepEqual([known.device, known.find], ['webgpu', undefined]);
  known.opening?.();
  assert.equal(autoDevice(folder, state, linux).device, 'webgpu', 'another process may open it, too');
  known.opened?.('webgpu');
  assert.equal(autoDevice(folder, state, linux).device, 'webgpu');
  known.opening?.();
  known.opened?.('cpu');
  assert.ok(autoDevice(folder, state, linux).find !== undefined, 'it no longer opens: tried anew');

  const script = join(dir, 'trial.js');
  writeFileSync(script, `process.on('message', () => undefined)`);
  const abort = new AbortController();
  const trial = autoDevice(folder, state, linux).find?.(script, abort.signal);
  assert.equal(autoDevice(folder, state, linux).busy, true, 'no second trial beside the first');
  abort.abort();
  assert.equal(await trial, undefined);
  assert.ok(autoDevice(folder, state, linux).find !== undefined, 'it gave way: as before');
  const unwritable = join(dir, 'tiny', 'config.json', 'below a file');
  const found = await autoDevice(folder, unwritable, linux).find?.(join(dir, 'there is no such script'));
  assert.deepEqual(found, { device: 'cpu', reason: `nothing can be written to ${unwritable}` });
  rmSync(large);
});

/** What was measured to be best, where, and whether auto comes to it: it uses nothing that it would not try. */
const remembered: [string, string, Machine, 'small' | 'large', boolean][] = [
  ['a device that is tried', 'webgpu', linux, 'large', true],
  ['the CPU', 'cpu', linux, 'large', true],
  ['a device that is asked for by name only', 'cuda', linux, 'large', false],
  ['a device where there is no adapter', 'webgpu', { ...linux, adapters: [] }, 'large', false],
  ['the CPU where there is no adapter', 'cpu', { ...linux, adapters: [] }, 'large', true],
  ['a device for a small model', 'webgpu', linux, 'small', false],
  ['the CPU for a small model', 'cpu', linux, 'small', true],
];
for (const [name, device, machine, size, expected] of remembered)
  test(`auto comes to what was measured to be best: ${name}`, () => {
    const large = join(dir, 'tiny', 'onnx', 'model.onnx_data');
    if (size === 'large') {
      writeFileSync(large, '');
      truncateSync(large, 100 * 2 ** 20);
    }
    const into = join(dir, `best ${name}`);
    try {
      assert.equal(rememberBest(folder, into, { device, reason: 'measured' }, machine), expected);
      assert.equal(rememberBest(folder, undefined, { device, reason: 'measured' }, machine), device === 'cpu');
      if (expected && existsSync(into)) assert.equal(autoDevice(folder, into, machine).reason, 'measured');
    } finally {
      rmSync(large, { force: true });
    }
  });

/** Processes in place of the one for trials. */
const processes: [string, string, RegExp][] = [
  ['that crashes', `process.kill(process.pid, 'SIGSEGV')`, /SIGSEGV/],
  ['that ends', 'process.exit(3)', /exit code 3/],
  ['that hangs', `process.on('message', () => { for (;;); })`, /no answer within 1 s/],
];
for (const [name, script, reason] of processes)
  test(`a trial ${name} leaves the CPU`, { skip: process.platform === 'win32' && 'signals' }, async () => {
    const path = join(dir, 'trial.js');
    writeFileSync(path, script);
    const message = { type: 'try', modelDir: folder.dir, weights: folder.weights, devices: ['webgpu'] } as const;
    const found = await trialsOf(path, { ...message, devices: [...message.devices] }, 1000);
    assert.equal(found?.device, 'cpu');
    assert.match(found.reason, reason);
  });
