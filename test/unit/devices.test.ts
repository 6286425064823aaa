// The choice of a device: which are tried, when one is better, what is remembered; and what happens when the one in use fails.

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
import { areUsable, FallbackRunner } from '../../src/engine/fallbackRunner';
import { Model } from '../../src/engine/model';
import { readModelFolder, type ModelFolder } from '../../src/engine/modelFolder';
import type { Runner } from '../../src/engine/runner';
import { EngineClient } from '../../src/extension/engineClient';
import type { ModelInfo } from '../../src/protocol';
import { farthest } from '../reference';
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

/** A device that runs like the CPU until it fails at run `last`, in its way. */
const failing = (last: number, fail: () => Float32Array): Runner => {
  let runs = 0;
  return {
    lastLogitsAlone: true,
    newCache: () => model.newCache(),
    forward: (ids, cache, wanted) =>
      runs++ === last ? Promise.resolve().then(fail) : model.forward(ids, cache, wanted),
    dispose: () => Promise.reject(new Error('it is lost')),
  };
};
const failures: [string, () => Float32Array][] = [
  ['an error', () => { throw new Error('device lost'); }], // prettier-ignore
  ['logits that are no numbers', () => new Float32Array(folder.config.vocab).fill(NaN)],
  ['one infinite logit', () => new Float32Array(folder.config.vocab).fill(Infinity, 3, 4)],
];
const logits: [string, number[], number, boolean][] = [
  ['numbers', [1, 2, 3, 4, 5, 6], 2, true],
  ['large numbers', [3e38, 3e38, 3e38, 3e38, 3e38, 3e38], 1, true],
  ['NaN in the last row', [1, 2, 3, 4, 5, NaN], 2, false],
  ['infinity', [1, 2, 3, 4, Infinity, 6], 2, false],
  ['infinities of both signs', [1, -Infinity, 3, 4, Infinity, 6], 2, false],
  ['ids that are hidden', [1, -Infinity, 3, 4, 5, -Infinity], 2, true],
  ['a row that is hidden', [1, 2, 3, -Infinity, -Infinity, -Infinity], 2, false],
];
for (const [name, values, rows, expected] of logits)
  test(`logits that a device gives are looked at: ${name}`, () => {
    assert.equal(areUsable(Float32Array.from(values), rows), expected);
  });
for (const [how, fail] of failures)
  for (const last of [0, 1, 3])
    test(`a device that fails with ${how} in run ${last}: the request is answered, and one is told`, async () => {
      const told: string[] = [];
      const cpu: Runner = {
        lastLogitsAlone: true,
        newCache: () => model.newCache(),
        forward: (ids, cache, wanted) => model.forward(ids, cache, wanted),
        dispose: () => Promise.resolve(),
      };
      const runner = new FallbackRunner(
        failing(last, fail),
        () => Promise.resolve(cpu),
        (reason) => told.push(reason),
      );
      const [cache, right] = [runner.newCache(), model.newCache()];
      for (const ids of [[256, 65, 66], [67], [68, 69], [70]]) {
        const distance = farthest(await runner.forward(ids, cache, 'all'), await model.forward(ids, right, 'all'));
        assert.ok(distance < 1e-4, String(distance));
      }
      assert.deepEqual(cache.ids, right.ids);
      const branch = cache.branch();
      for (const [one, other] of [
        [cache, right],
        [branch, right.branch()],
      ] as const) {
        // prettier-ignore
        one.truncate(2);
        other.truncate(2);
        assert.ok(farthest(await runner.forward([71], one, 'last'), await model.forward([71], other)) < 1e-4);
      }
      assert.equal(told.length, 1);
    });

test('where nothing is left to fall back to, the error is told', async () => {
  const broken = failing(0, () => {
    throw new Error('device lost');
  });
  const runner = new FallbackRunner(
    broken,
    () => Promise.reject(new Error('no memory')),
    () => assert.fail(),
  );
  await assert.rejects(runner.forward([1], runner.newCache(), 'last'), /device lost/);
});

test('a device that this runtime has not leaves the CPU, with a note', async () => {
  const missing = process.platform === 'darwin' ? 'dml' : 'coreml';
  const other = await Model.load(folder, missing);
  assert.equal(other.device, 'cpu');
  assert.match(other.deviceNote ?? '', new RegExp(`device ${missing} .*runs on the CPU`));
  assert.ok(existsSync(folder.weightsPath));
  await other.dispose();
});

/** An engine that says it runs on the device asked for, and what `then` makes of that. */
function engineThat(then: string): { client: EngineClient; log: string[]; loads: () => string[] } {
  const path = join(dir, `engine${String(Math.random())}.js`);
  const loads = `${path}.loads`;
  writeFileSync(
    path,
    `process.on('message', (message) => {
      if (message.type !== 'load') return;
      require('node:fs').appendFileSync(${JSON.stringify(loads)}, message.device + '\\n');
      const opening = (device) => process.send({ type: 'opening', device });
      const ready = (device) => process.send({ type: 'ready', info: { name: 'model', device } });
      ${then}
    });
    process.on('disconnect', () => process.exit());`,
  );
  const log: string[] = [];
  const client = new EngineClient({ enginePath: path, log: (line) => log.push(line) });
  return { client, log, loads: () => (existsSync(loads) ? readFileSync(loads, 'utf8').trim().split('\n') : []) };
}

const readyOn = (client: EngineClient): ModelInfo | undefined =>
  client.state.kind === 'ready' ? client.state.info : undefined;

async function until(what: () => boolean, name: string): Promise<void> {
  for (let waited = 0; !what(); waited += 20) {
    assert.ok(waited < 20_000, `${name} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const deaths: [string, string, string, string, string[]][] = [
  ['after it was ready', 'webgpu', 'ready(message.device)', 'ran on the device webgpu', ['webgpu', 'cpu']],
  ['while it was being opened', 'auto', `opening('webgpu')`, 'opened the device webgpu', ['auto', 'cpu']],
];
for (const [when, device, before, note, expected] of deaths)
  test(`an engine that dies of its device ${when} goes on with the CPU and says so`, async () => {
    const { client, loads } = engineThat(
      `if (message.device === 'cpu') return ready('cpu');
       ${before};
       setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300);`,
    );
    client.start({ modelDir: 'a model', device });
    await until(() => readyOn(client)?.device === 'cpu', 'the CPU');
    assert.match(readyOn(client)?.deviceNote ?? '', new RegExp(note));
    assert.deepEqual(loads(), expected);
    client.dispose();
  });

for (const [when, before] of [
  ['runs on the CPU', `ready('cpu')`],
  ['is being loaded on the CPU', `opening('cpu')`],
  ['has not opened a device', 'undefined'],
] as const)
  test(`an engine that dies while it ${when} is started as it was, without a word about devices`, async () => {
    const { client, loads } = engineThat(
      `if (require('node:fs').existsSync(__filename + '.died')) return ready('cpu');
       ${before};
       require('node:fs').writeFileSync(__filename + '.died', '');
       setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300);`,
    );
    client.start({ modelDir: 'a model', device: 'auto' });
    await until(() => loads().length === 2 && readyOn(client) !== undefined, 'the second start');
    assert.equal(readyOn(client)?.deviceNote, undefined);
    assert.deepEqual(loads(), ['auto', 'auto']);
    client.dispose();
  });

test('a better device that is not remembered is changed to once, not for ever', async () => {
  const { client, log, loads } = engineThat(
    `ready('cpu'); process.send({ type: 'tried', device: 'webgpu', reason: 'faster' });`,
  );
  client.start({ modelDir: 'a model', device: 'auto' });
  await until(() => log.filter((line) => line.includes('webgpu')).length === 2, 'the second trial');
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(loads(), ['auto', 'auto']);
  assert.equal(readyOn(client)?.device, 'cpu');
  client.dispose();
});

test('the engine starts anew on a better device, once nobody waits', async () => {
  const { client, loads } = engineThat(
    `const again = require('node:fs').existsSync(__filename + '.tried');
     ready(again ? 'webgpu' : 'cpu');
     if (again) return process.send({ type: 'tried', device: 'webgpu', reason: 'as before' });
     require('node:fs').writeFileSync(__filename + '.tried', '');
     process.on('message', ({ type, id }) => {
       if (type !== 'complete') return;
       process.send({ type: 'tried', device: 'webgpu', reason: 'faster' });
       setTimeout(() => process.send({ type: 'done', id, completion: { finish: 'length' } }), 300);
     });`,
  );
  client.start({ modelDir: 'a model', device: 'auto' });
  await until(() => readyOn(client)?.device === 'cpu', 'the CPU');
  const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
  const request = { prefix: '', suffix: '', maxTokens: 1, sampling, raw: true };
  const { finish } = await client.complete(request, new AbortController().signal, () => undefined);
  assert.equal(finish, 'length', 'whoever waited was answered');
  await until(() => readyOn(client)?.device === 'webgpu', 'the better device');
  assert.deepEqual(loads(), ['auto', 'auto']);
  client.dispose();
});
