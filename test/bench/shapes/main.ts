// `npm run bench:shapes [-- --shapes A,B --bits 4|8 --dir DIR]`: what building and using models of published shapes costs, with random weights. A
// table, then one JSON line for each. Runs without a network; needs room for the weights in bfloat16 and for the built model.

import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BuildJob } from '../../../src/jobProtocol';
import { figure, table } from '../table';
import { SHAPES } from './shapes';
import { writeRandomSource } from './source';
import { buildStep, useStep, type BuildFigures, type UseFigures } from './steps';

type Step = { build: BuildJob } | { use: string };
type Figures = { name: string; weights: number } & BuildFigures & UseFigures;

const HEADS: [head: string, value: (figures: Figures) => string][] = [
  ['shape', ({ name }) => name],
  ['million weights', ({ weights }) => figure(weights / 1e6)],
  ['MB', ({ bytes }) => figure(bytes / 1e6)],
  ['built, s', ({ buildSeconds }) => figure(buildSeconds)],
  ['peak, MB', ({ buildPeak }) => figure(buildPeak)],
  ['checked, s', ({ checkSeconds }) => figure(checkSeconds)],
  ['peak, MB', ({ peak }) => figure(peak)],
  ['correlation', ({ correlation }) => correlation.toFixed(4)],
  ['load, s', ({ loadSeconds }) => figure(loadSeconds)],
  ['resident, MB', ({ rss }) => figure(rss)],
  ['of it anonymous', ({ anonymous }) => figure(anonymous)],
  ['prompt, tokens/s', ({ prefill }) => figure(prefill)],
  ['ms/token', ({ decode }) => figure(decode)],
];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      shapes: { type: 'string', default: Object.keys(SHAPES).join(',') },
      bits: { type: 'string', default: '4' },
      dir: { type: 'string', default: tmpdir() },
      help: { type: 'boolean' },
    },
  });
  const names = values.shapes.split(',');
  const stray = names.find((name) => !Object.hasOwn(SHAPES, name));
  if (values.help === true || stray !== undefined || (values.bits !== '4' && values.bits !== '8')) {
    process.stdout.write(`--shapes of ${Object.keys(SHAPES).join(', ')}; --bits 4 or 8; --dir for what is written\n`);
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  const bits = values.bits === '4' ? 4 : 8;
  const all: Figures[] = [];
  for (const name of names) {
    const scratch = mkdtempSync(join(values.dir, 'glassbox-shapes-'));
    try {
      const [from, into] = [join(scratch, 'from'), join(scratch, 'into')];
      const weights = writeRandomSource(from, SHAPES[name] as Record<string, unknown>);
      const built = await apart<BuildFigures>({ build: { type: 'build', from, into, bits } });
      rmSync(from, { recursive: true });
      all.push({ name, weights, ...built, ...(await apart<UseFigures>({ use: into })) });
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }
  process.stdout.write(
    `${table([HEADS.map(([head]) => head), ...all.map((row) => HEADS.map(([, of]) => of(row)))])}\n`,
  );
  for (const figures of all) process.stdout.write(`${JSON.stringify(figures)}\n`);
}

/** Does a step in a process of its own, which ends with it. */
function apart<Result>(step: Step): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = fork(__filename);
    let result: Result | undefined;
    child.on('message', (message) => (result = message as Result));
    child.on('exit', (code) =>
      result === undefined ? reject(new Error(`a step ended with exit code ${String(code)}`)) : resolve(result),
    );
    child.send(step);
  });
}

if (process.send === undefined)
  main().catch((error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  });
else
  process.once('message', (step: Step) => {
    const done = 'build' in step ? buildStep(step.build) : useStep(step.use);
    void done.then((figures) => process.send?.(figures, () => process.exit(0)));
  });
