// `npm run eval:model`: evaluates a model folder. Tables on standard output, progress on standard error; what cannot be used
// ends it with one line and exit code 2.

import { join } from 'node:path';
import { BadInput } from '../../src/cliInput';
import { EngineError } from '../../src/engine/errors';
import { evaluate } from './evaluate';
import { parseOptions, USAGE } from './options';
import { print } from './print';

const root = join(__dirname, '../..'); // the bundle lies in .test-out/eval

async function main(): Promise<void> {
  const { json, help, ...options } = parseOptions(process.argv.slice(2), root);
  if (help) {
    process.stdout.write(USAGE);
    return;
  }
  const report = await evaluate(options, root, progress);
  progress('');
  process.stdout.write(print(report));
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** A terminal's line is written over; elsewhere a line comes every ten seconds. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== '' && performance.now() - told > 10_000) {
    told = performance.now();
    process.stderr.write(`${text}\n`);
  }
}
let told = 0;

main().catch((error: unknown) => {
  progress('');
  const known = error instanceof BadInput || error instanceof EngineError;
  process.stderr.write(`eval:model: ${known ? error.message : ((error as Error).stack ?? String(error))}\n`);
  process.exitCode = known ? 2 : 1;
});
