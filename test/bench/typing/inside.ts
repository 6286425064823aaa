// The benchmark's half inside the extension host: types what the job says and writes what it recorded.

import { readFileSync, writeFileSync } from 'node:fs';
import { connectDriver, type Driver } from '../../host/driver';
import { runAll, type HostTest, type TestContext } from '../../host/suite/hostTest';
import { scene, tidy } from '../../host/suite/scene';
import { glassbox, open, setting, sleep } from '../../host/suite/window';
import { typeBurst, type RecordedBurst } from './burst';
import type { Passage } from './passages';

/** What main.ts wants typed. */
export interface Job {
  /** Of the window. */
  settings: object;
  keysPerSecond: number;
  passages: Passage[];
  /** Pieces of one passage, in order; suggestions are on and off in turn. */
  blocks: Passage[];
}

/** What it gets back. */
export interface Recorded {
  version: string;
  bursts: RecordedBurst[];
  blocks: RecordedBurst[];
}

/** Keys typed before anything is measured: a new window is slow. */
const WARM_UP = 'const warm = 1;\n';

export async function run(): Promise<void> {
  const job = JSON.parse(readFileSync(process.env['GLASSBOX_JOB'] ?? '', 'utf8')) as Job;
  const record: Recorded = { version: '', bursts: [], blocks: [] };
  const measure: HostTest = {
    name: 'typing is recorded',
    timeoutMs: 1_200_000,
    run: (t) => work(t, t.needDriver(), job, record),
  };
  const tally = await runAll([measure], connectDriver(), (line) => console.log(line), scene, tidy);
  writeFileSync(process.env['GLASSBOX_RECORD'] ?? '', JSON.stringify(record));
  if (tally.passed !== 1) throw new Error('nothing was recorded');
}

async function work(t: TestContext, driver: Driver, job: Job, record: Recorded): Promise<void> {
  const { keysPerSecond } = job;
  const api = await glassbox();
  Object.assign(record, { bursts: [], blocks: [] }); // of this try alone
  record.version = (await import('vscode')).version;
  await open(t, 'typescript', '‸');
  await driver.typePaced(WARM_UP, 1000 / keysPerSecond);
  for (const passage of job.passages) {
    console.log(`${passage.language}: ${passage.typed.length} keys`);
    const editor = await open(t, passage.language, `${passage.before}‸${passage.after}`);
    await sleep(2000); // as somebody who looks where to type
    record.bursts.push(await typeBurst(editor, driver, api, passage, keysPerSecond));
  }
  const [first] = job.blocks;
  if (first === undefined) return;
  const editor = await open(t, first.language, `${first.before}‸${first.after}`);
  for (const [i, block] of job.blocks.entries()) {
    console.log(`suggestions ${i % 2 === 0 ? 'on' : 'off'}: ${block.typed.length} keys`);
    await setting(t, 'enabled', i % 2 === 0);
    await sleep(1000);
    record.blocks.push(await typeBurst(editor, driver, api, block, keysPerSecond));
  }
}
