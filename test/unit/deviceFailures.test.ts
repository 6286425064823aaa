// What happens when the device in use fails, gives no numbers, or takes the engine with it: the CPU goes on, and one is told.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { areUsable, FallbackRunner } from '../../src/engine/fallbackRunner';
import { Model } from '../../src/engine/model';
import { readModelFolder, type ModelFolder } from '../../src/engine/modelFolder';
import type { Runner } from '../../src/engine/runner';
import { EngineClient } from '../../src/extension/engineClient';
import type { ModelInfo } from '../../src/protocol';
import { farthest } from '../reference';
import { writeTinyModel } from '../tinyModel';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-devices-'));
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
