// The driver: starts the engines of a subject, has them measured in turn, prints.

import { availableParallelism, cpus } from 'node:os';
import { enginesOf } from './engines';
import { measure, SPARE } from './measure';
import { readOptions, USAGE, type Options } from './options';
import { json, printed } from './report';
import { folderSubject, subject } from './subjects';

/** Longest sequence of any measurement. */
const CONTEXT = 2048;
/** Written after a context. */
const WRITTEN = 40;

/**
 * @param root the repository
 * @param bundles where the engines' bundles lie
 * @returns the exit code: 0; 1 where an engine fails and 2 where a flag is not understood, after one line on standard error
 */
export async function main(args: string[], root: string, bundles: string): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  try {
    await run(options, root, bundles);
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    return 1;
  }
}

async function run(options: Options, root: string, bundles: string): Promise<void> {
  const longest = Math.max(...options.contexts);
  const contextLength = Math.max(CONTEXT, longest + WRITTEN);
  const subjects =
    options.model === undefined
      ? options.subjects.map((name) => subject(name, root, longest + SPARE))
      : [folderSubject(options.model, longest + SPARE)];
  const report: Record<string, unknown> = {};
  for (const one of subjects) {
    const engines = enginesOf(one, options, { root, bundles, contextLength });
    try {
      const results = await measure(engines, { ...options, ids: one.ids }, tell);
      tell('');
      process.stdout.write(`\n${printed(one.name, results, options.only)}\n`);
      report[one.name] = json(results);
    } finally {
      for (const { worker } of engines) await worker.end();
    }
  }
  const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), node: process.version };
  process.stdout.write(`\n${JSON.stringify({ machine, rounds: options.rounds, subjects: report })}\n`);
}

/** Shows what is being done, on one line, where somebody is looking. */
function tell(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}
