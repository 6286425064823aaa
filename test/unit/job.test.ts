// Jobs in a process of their own, with the real engine: progress, cancelling, sudden death, rubbish.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EngineFailure } from '../../src/extension/engineState';
import { buildInProcess } from '../../src/extension/models/building';
import { runJob, type JobOptions } from '../../src/extension/models/job';
import type { BuildJob, JobProgress } from '../../src/jobProtocol';
import { readModelFolder } from '../../src/engine/modelFolder';
import { writeTinySource } from '../safetensors';

const enginePath = join(process.cwd(), 'dist', 'engine.js');
const scratch = mkdtempSync(join(tmpdir(), 'glassbox-job-'));
const small = join(scratch, 'small');
/** Takes some seconds to build. */
const large = join(scratch, 'large');
const LARGE = { layers: 12, hidden: 512, inner: 2048, vocab: 4096 };

before(() => {
  writeTinySource(small, { family: 'qwen2' });
  writeTinySource(large, { family: 'llama', sizes: { ...LARGE, heads: 8, kvHeads: 2, headDim: 64 } });
});
after(() => rmSync(scratch, { recursive: true }));

let made = 0;
/** A place of its own, where nothing else is. */
function newPlace(): string {
  const place = join(scratch, `place-${made++}`);
  mkdirSync(place);
  return place;
}

async function failure(promise: Promise<unknown>): Promise<EngineFailure> {
  const error: unknown = await promise.then(
    () => assert.fail('it was done'),
    (e: unknown) => e,
  );
  assert.ok(error instanceof EngineFailure, String(error));
  return error;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits for the end of a process. */
async function gone(pid: number): Promise<void> {
  for (let waited = 0; lives(pid); waited += 20) {
    assert.ok(waited < 20_000, `process ${pid} lives`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a model is built, told of on the way, and loads; the process ends', async () => {
  const into = join(newPlace(), 'model');
  const told: JobProgress[] = [];
  let pid = 0;
  const options: JobOptions = {
    onProgress: (progress) => told.push(progress),
    onStart: (number) => (pid = number),
    strings: { 'Checking the model against its original weights': 'Wird geprüft' },
  };
  const result = await buildInProcess(enginePath, { from: small, into, bits: 4 }, options);
  assert.equal(result.dir, into);
  assert.ok(result.correlation > 0.9 && result.sameTop > 0 && result.bytes > 0);
  assert.equal(readModelFolder(into).weights, 'onnx/model_q4.onnx');
  const fractions = told.map(({ fraction }) => fraction!);
  assert.deepEqual(
    fractions,
    [...fractions].sort((a, b) => a - b),
  );
  assert.equal(fractions.at(-1), 1);
  assert.deepEqual(
    [...new Set(told.map(({ doing }) => doing))],
    ['Reading the weights and writing them in 4 bits', 'Wird geprüft'],
  );
  await gone(pid);
});

/** Ways in which a job comes to nothing while it runs. */
const ENDS: [what: string, end: (pid: number, abort: AbortController) => void, code: string, message: RegExp][] = [
  ['is cancelled', (_, abort) => abort.abort(), 'cancelled', /The job was cancelled\./],
  ['is killed', (pid) => process.kill(pid, 'SIGKILL'), 'engine_died', /ended before it was done \(SIGKILL\)/],
];
for (const [what, end, code, message] of ENDS)
  for (const at of [0, 0.3, 0.7])
    test(`a job that ${what} at ${at} leaves nothing, neither process nor folder`, async () => {
      const place = newPlace();
      const abort = new AbortController();
      let [pid, begun] = [0, false];
      const options: JobOptions = {
        signal: abort.signal,
        onStart: (number) => (pid = number),
        onProgress: ({ fraction = 0 }) => {
          if (begun || fraction < at) return;
          begun = true;
          assert.equal(readdirSync(place).length, 1, 'it is under construction');
          end(pid, abort);
        },
      };
      const error = await failure(
        buildInProcess(enginePath, { from: large, into: join(place, 'model'), bits: 4 }, options),
      );
      assert.ok(begun);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.deepEqual(readdirSync(place), []);
      await gone(pid);
    });

test('a job that is cancelled before it begins starts no process', async () => {
  let started = false;
  const options = { signal: AbortSignal.abort(), onStart: () => (started = true) };
  const error = await failure(runJob(enginePath, { type: 'build' }, options));
  assert.equal(error.code, 'cancelled');
  assert.equal(started, false);
});

const scripts: Record<string, string> = {
  'exits.cjs': 'process.exit(3)',
  'rubbish.cjs':
    "process.on('message', () => { process.send(null); process.send('x'); process.send({ type: 7 }); process.send({}); process.exit(0); })",
  'throws.cjs': "console.error('my last words'); throw new Error('x')",
};

/** Jobs and engines that are none. */
const RUBBISH: [what: string, engine: string, job: { type: string }, code: string, message: RegExp, log: RegExp][] = [
  ['a job that nobody knows', enginePath, { type: 'dance' }, 'bad_request', /knows no job "dance"/, /^$/],
  ['a job by the name of a method', enginePath, { type: 'toString' }, 'bad_request', /knows no job "toString"/, /^$/],
  ['a job without a type', enginePath, {} as { type: string }, 'bad_request', /knows no job/, /^$/],
  ['a build of nothing', enginePath, { type: 'build' }, 'bad_request', /The job "build" lacks its/, /^$/],
  [
    'a build in 5 bits',
    enginePath,
    { type: 'build', from: 'a', into: 'b', bits: 5 } as { type: string },
    'bad_request',
    /lacks its/,
    /^$/,
  ],
  [
    'a fault of the job',
    enginePath,
    { type: 'build', from: join(scratch, 'nowhere'), into: join(scratch, 'x'), bits: 4 } as BuildJob,
    'model_missing',
    /There is no folder .*nowhere/,
    /^$/,
  ],
  [
    'an engine that is not there',
    join(scratch, 'none.js'),
    { type: 'build' },
    'engine_died',
    /exit code 1/,
    /Cannot find module/,
  ],
  ['an engine that exits', join(scratch, 'exits.cjs'), { type: 'build' }, 'engine_died', /exit code 3/, /^/],
  ['an engine that talks rubbish', join(scratch, 'rubbish.cjs'), { type: 'build' }, 'engine_died', /exit code 0/, /^/],
  [
    'an engine that throws',
    join(scratch, 'throws.cjs'),
    { type: 'build' },
    'engine_died',
    /exit code 1/,
    /job: my last words/,
  ],
];
for (const [what, engine, job, code, message, said] of RUBBISH)
  test(`a clear error comes of ${what}`, async () => {
    for (const [name, text] of Object.entries(scripts)) writeFileSync(join(scratch, name), text);
    const log: string[] = [];
    const error = await failure(runJob(engine, job, { log: (line) => log.push(line) }));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.match(log.join('\n'), said);
  });

test('a job whose parent is gone ends and clears up', async () => {
  const place = newPlace();
  const script = join(scratch, 'parent.cjs');
  const job = { type: 'build', from: large, into: join(place, 'model'), bits: 4 };
  writeFileSync(
    script,
    `const child = require('node:child_process').fork(${JSON.stringify(enginePath)}, [], { serialization: 'advanced' });
     child.on('message', (m) => { if (m.progress?.fraction > 0.1) { process.send(child.pid); setInterval(() => {}, 1000); } });
     child.send({ type: 'job', job: ${JSON.stringify(job)} });`,
  );
  const { fork } = await import('node:child_process');
  const parent = fork(script, []);
  const pid = await new Promise<number>((resolve) => parent.once('message', (number) => resolve(number as number)));
  parent.kill('SIGKILL');
  await gone(pid);
  assert.ok(!existsSync(join(place, 'model')));
  assert.deepEqual(readdirSync(place), []);
});
