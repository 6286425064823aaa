// What is measured of a machine and chosen by it: the choice as a table, and the engine's own process measuring real models.

import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { choose, suggestionMs, threadCounts } from '../../src/engine/measure/choice';
import { Probes } from '../../src/engine/measure/probes';
import { codeIds } from '../../src/engine/measure/text';
import { readModelFolder } from '../../src/engine/modelFolder';
import type { MachineSpeed, MeasuredRow, MeasureJob, Measurement, SpeedJob } from '../../src/jobProtocol';
import { chromiumDir, softwareGpu } from '../softwareGpu';
import { writeTinyModel } from '../tinyModel';

const enginePath = join(process.cwd(), 'dist', 'engine.js');
const shipped = join(process.cwd(), 'models', 'glassbox-small');
const dir = mkdtempSync(join(tmpdir(), 'glassbox-measure-'));
const tiny = join(dir, 'tiny');
before(() => writeTinyModel(tiny));
after(() => rmSync(dir, { recursive: true }));

/** Prefill in tokens a second and milliseconds a token, as in the rows of a table. */
const row = (device: string, threads: number, prefill: number, decodeMs: number, alike = [1, 1]): MeasuredRow => {
  const [correlation = 1, sameTop = 1] = alike;
  return {
    device,
    threads,
    figures: { loadMs: 1, prefill, decodeMs, memory: 1, peakMemory: 1, correlation, sameTop },
  };
};
const failed: MeasuredRow = { device: 'webgpu', threads: 0, failure: 'no adapter' };

/** Rows, how much times vary, and what is best: device, threads, why. */
const choices: [string, MeasuredRow[], number, [string, number, string] | undefined][] = [
  ['nothing could be measured', [failed], 0, undefined],
  ['one row', [row('cpu', 2, 100, 10)], 0, ['cpu', 2, 'alone']],
  ['one row, and a device that failed', [row('cpu', 1, 100, 10), failed], 0, ['cpu', 1, 'alone']],
  ['more threads are faster', [row('cpu', 1, 100, 10), row('cpu', 4, 300, 4)], 0, ['cpu', 4, 'fastest']],
  ['more threads are slower', [row('cpu', 1, 100, 10), row('cpu', 4, 90, 12)], 0, ['cpu', 1, 'fastest']],
  ['hardly faster', [row('cpu', 1, 100, 10), row('cpu', 4, 103, 9.8)], 0, ['cpu', 1, 'as fast']],
  ['faster by less than times vary', [row('cpu', 1, 100, 10), row('cpu', 4, 112, 9)], 0.2, ['cpu', 1, 'as fast']],
  ['fewest of those that are as fast', [row('cpu', 8, 100, 10), row('cpu', 4, 100, 10), row('cpu', 2, 50, 20)], 0, ['cpu', 4, 'fastest']],
  ['reads faster, writes slower: what a suggestion takes', [row('cpu', 1, 1000, 20), row('cpu', 2, 250, 8)], 0, ['cpu', 1, 'fastest']],
  ['a GPU that is twice as fast', [row('cpu', 4, 100, 10), row('webgpu', 0, 300, 4)], 0, ['webgpu', 0, 'fastest']],
  ['a GPU whose gain is not felt', [row('cpu', 4, 100, 10), row('webgpu', 0, 110, 9)], 0, ['cpu', 4, 'as fast']],
  ['a GPU that is slower', [row('cpu', 4, 100, 10), row('webgpu', 0, 40, 30)], 0, ['cpu', 4, 'fastest']],
  ['the faster of two GPUs', [row('cpu', 4, 50, 20), row('webgpu', 0, 300, 4), row('dml', 0, 400, 3)], 0, ['dml', 0, 'fastest']],
  ['a GPU with other numbers', [row('cpu', 4, 100, 10), row('webgpu', 0, 900, 1, [0.4, 0.1])], 0, ['cpu', 4, 'alone']],
  ['a GPU with other likeliest tokens', [row('cpu', 4, 100, 10), row('webgpu', 0, 900, 1, [0.999, 0.5])], 0, ['cpu', 4, 'alone']],
  ['a GPU with no numbers', [row('cpu', 4, 100, 10), row('webgpu', 0, 900, 1, [NaN, 1])], 0, ['cpu', 4, 'alone']],
]; // prettier-ignore
for (const [name, rows, noise, expected] of choices)
  test(`the best: ${name}`, () => {
    const found = choose(rows, noise);
    assert.deepEqual(found && [found.row.device, found.row.threads, found.why], expected);
  });

test('a suggestion takes the new part of its prompt and its tokens', () =>
  assert.equal(suggestionMs({ prefill: 64, decodeMs: 10 }), 1000 + 80));

for (const [cores, suitable, expected] of [
  [1, 1, [1]],
  [2, 1, [1, 2]],
  [2, 2, [2, 1]],
  [8, 4, [4, 1, 2, 8]],
  [64, 8, [8, 1, 2, 32, 64]],
] as const)
  test(`numbers of threads for ${cores} cores`, () => assert.deepEqual(threadCounts(cores, suitable), expected));

interface Doing<Result> {
  pid: number;
  /** Fails with the reason that the job gave. */
  result: Promise<Result>;
  /** Resolves when something is being done. */
  begun: Promise<string>;
  cancel: () => void;
  /** Resolves when the process has ended. */
  gone: Promise<unknown>;
  told: string[];
}

/** Gives a job to an engine process. */
function doing<Result>(job: MeasureJob | SpeedJob, env: NodeJS.ProcessEnv = process.env): Doing<Result> {
  const child = fork(enginePath, [], { serialization: 'advanced', stdio: 'ignore', execArgv: [], env });
  const told: string[] = [];
  let begin: (doing: string) => void;
  const begun = new Promise<string>((resolve) => (begin = resolve));
  const gone = new Promise((resolve) => child.on('exit', resolve));
  const result = new Promise<Result>((resolve, reject) => {
    child.on('message', (message: { type: string; result: Result; progress: { doing: string }; fault: Error }) => {
      if (message.type === 'jobProgress') {
        told.push(message.progress.doing);
        begin(message.progress.doing);
      }
      if (message.type === 'jobDone') resolve(message.result);
      if (message.type === 'jobFailed') reject(new Error(message.fault.message));
      if (message.type.startsWith('jobDone') || message.type === 'jobFailed') child.disconnect();
    });
    child.on('exit', () => reject(new Error('the process ended')));
  });
  child.send({ type: 'job', job });
  return { pid: child.pid as number, result, begun, gone, told, cancel: () => child.disconnect() };
}

/** What every measured row must be. */
function assertPlausible({ device, threads, figures, failure }: MeasuredRow): void {
  const where = `${device} with ${threads} threads: ${failure ?? JSON.stringify(figures)}`;
  assert.ok(figures !== undefined, where);
  const { loadMs, prefill, decodeMs, memory, peakMemory, correlation, sameTop } = figures;
  for (const value of [loadMs, prefill, decodeMs, memory, peakMemory])
    assert.ok(Number.isFinite(value) && value > 0, where);
  assert.ok(1000 / prefill < 2 * decodeMs, `reading a token costs no more than writing one: ${where}`);
  assert.ok(memory > 20e6 && peakMemory >= memory * 0.99, where);
  assert.ok(correlation > 0.9999 && correlation < 1.0001 && sameTop === 1, where);
}

for (const [name, model] of [
  ['the shipped model', shipped],
  ['a tiny model', tiny],
] as const)
  test(`${name}: each number of threads has its figures, and a device that is not there its reason`, async () => {
    const job: MeasureJob = { type: 'measure', modelDir: model, threads: [1, 2], devices: ['coreml'] };
    const { result, told, gone } = doing<Measurement>(job);
    const { rows, best, promptTokens, writtenTokens, rounds, cores } = await result;
    assert.deepEqual(
      rows.map(({ device, threads }) => `${device} ${threads}`),
      ['cpu 1', 'cpu 2', 'coreml 0'],
    );
    rows.slice(0, 2).forEach(assertPlausible);
    assert.match(rows[2]?.failure ?? '', /ONNX Runtime|CoreML/i);
    assert.equal(rows[2]?.figures, undefined);
    assert.equal(best.device, 'cpu');
    assert.ok([1, 2].includes(best.threads));
    assert.ok(promptTokens >= 48 && writtenTokens >= 8 && rounds >= 3 && cores >= 1);
    assert.ok(told.includes('the CPU with 2 threads') && told.includes('coreml'), told.join());
    await gone;
  });

test('a model that is not there fails with the folder and what is missing', async () => {
  const { result } = doing<Measurement>({ type: 'measure', modelDir: join(dir, 'nowhere') });
  await assert.rejects(result, /nowhere.*config\.json|config\.json.*nowhere/s);
});

/** Processes in place of those that measure, and what is said of them. */
const broken: [string, string, RegExp][] = [
  ['crashes', `process.on('message', () => process.kill(process.pid, 'SIGKILL'))`, /ended with SIGKILL/],
  ['ends', `process.on('message', () => process.exit(3))`, /ended with exit code 3/],
  ['hangs', `process.on('message', () => { for (;;); })`, /no answer within 1 s/],
  ['says no', `process.on('message', () => process.send({ type: 'probed', failure: 'no adapter' }))`, /^no adapter$/],
];
for (const [name, code, expected] of broken)
  test(`a process that ${name} is a reason, and no process is left`, async () => {
    const script = join(dir, `${name.replace(' ', '-')}.js`);
    writeFileSync(script, code);
    const model = { modelDir: tiny, weights: '', ids: [], strings: {} };
    const probes = new Probes({
      enginePath: script,
      model,
      most: 1,
      signal: new AbortController().signal,
      limitMs: 1000,
    });
    await assert.rejects(probes.open({ device: 'cpu', threads: 1 }), ({ message }: Error) => expected.test(message));
    if (process.platform === 'linux') assert.deepEqual(ofParent(process.pid), []);
    await probes.close();
  });

test('where memory has room for one process, setups take turns in it all the same', async () => {
  const folder = readModelFolder(tiny);
  const model = { modelDir: folder.dir, weights: folder.weights, ids: codeIds(folder, 100), strings: {} };
  const probes = new Probes({ enginePath, model, most: 1, signal: new AbortController().signal });
  const setups = [1, 2].map((threads) => ({ device: 'cpu', threads }));
  const logits: Float32Array[] = [];
  for (const setup of setups) logits.push((await probes.open(setup)).logits);
  assert.deepEqual(logits[0], logits[1]);
  for (const setup of [...setups, ...setups]) {
    const { readMs, decodeMs } = await probes.turn(setup, 60, 8);
    assert.ok(readMs > 0 && decodeMs > 0);
    if (process.platform === 'linux') assert.equal(ofParent(process.pid).length, 1);
  }
  await probes.close();
});

const ofParent = (pid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return new RegExp(`^PPid:\\s*${pid}$`, 'm').test(readFileSync(`/proc/${name}/status`, 'utf8'));
      } catch {
        return false; // it has ended
      }
    })
    .map(Number);

test(
  'who cancels waits for nothing, and no process is left',
  { skip: process.platform !== 'linux' && '/proc' },
  async () => {
    const { pid, begun, cancel, gone, result } = doing<Measurement>({ type: 'measure', modelDir: shipped });
    result.catch(() => undefined);
    await begun;
    let probes: number[] = [];
    while (probes.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      probes = ofParent(pid);
    }
    cancel();
    const late = setTimeout(() => assert.fail('the job goes on'), 5000);
    await gone;
    clearTimeout(late);
    const left = [pid, ...probes].filter((one) => existsSync(`/proc/${one}`));
    assert.deepEqual(left, []);
  },
);

test('the speed of the machine is that of some machine', async () => {
  const { bytesPerSecond, macsPerSecond } = await doing<MachineSpeed>({ type: 'speed' }).result;
  assert.ok(bytesPerSecond > 2e8 && bytesPerSecond < 1e13, String(bytesPerSecond));
  assert.ok(macsPerSecond > 1e8 && macsPerSecond < 1e15, String(macsPerSecond));
});

const noGpu = { skip: chromiumDir() === undefined && 'no Chromium with SwiftShader here' };
test('WebGPU, in software: its logits are those of the CPU, and it is not chosen', noGpu, async () => {
  const job: MeasureJob = { type: 'measure', modelDir: tiny, threads: [1], devices: ['webgpu'] };
  const { rows, best } = await doing<Measurement>(job, softwareGpu(chromiumDir() as string)).result;
  const [cpu, gpu] = rows as [MeasuredRow, MeasuredRow];
  assertPlausible(cpu);
  assert.equal(gpu.device, 'webgpu');
  assert.ok(gpu.figures !== undefined, gpu.failure);
  assert.ok(gpu.figures.correlation > 0.999 && gpu.figures.sameTop === 1, JSON.stringify(gpu.figures));
  assert.ok(gpu.figures.decodeMs > (cpu.figures?.decodeMs ?? 0));
  assert.equal(best.device, 'cpu');
});

test('the command line prints a table, or lines for programs; wrong flags are named', () => {
  const cli = (...args: string[]): { status: number | null; out: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(process.cwd(), 'dist', 'cli.js'), 'measure', ...args]);
    return { status, out: stdout.toString() + stderr.toString() };
  };
  const few = ['--model', tiny, '--threads-list', '2,1', '--devices', 'cpu'];
  const table = cli(...few);
  assert.equal(table.status, 0, table.out);
  assert.match(table.out, /^device +threads +prefill tok\/s.*\ncpu +1 +\d+ .*\ncpu +2 +\d+ .*\nbest: cpu with (one thread|2 threads) \(/m);
  const lines = cli(...few, '--json').out.trimEnd().split('\n').map((line) => JSON.parse(line) as Partial<MeasuredRow>);
  assert.deepEqual(lines.map(({ device, threads }) => [device, threads]), [['cpu', 1], ['cpu', 2], [undefined, undefined]]);
  for (const [flag, value] of [['threads-list', '0'], ['threads-list', 'x'], ['devices', 'auto'], ['devices', 'tpu']] as const) {
    const { status, out } = cli(`--${flag}`, value);
    assert.equal(status, 2, out);
    assert.match(out, new RegExp(`--${flag} ${value}`));
  }
}); // prettier-ignore
