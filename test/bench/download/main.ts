// A model of 600 MB from a hub on this machine, with three cut connections: downloaded, verified, loaded, and asked for a completion.
//   npm run bench:download [-- DIR]      DIR: where the model and the download are kept; by default .peers/models, which git ignores

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeOnnxFolder } from '../random/onnx';
import { QWEN } from '../random/shape';

const NAME = 'glassbox/random-600mb';
/** Of Qwen2.5-0.5B's shape, with as many layers as make 600 MB in 4 bits. */
const SHAPE = { ...QWEN, layers: 56 };

const work = process.argv[2] ?? join('.peers', 'models');
const model = join(work, 'random-600mb');
const store = join(work, 'downloaded');

const lines = (child: ChildProcess): AsyncIterator<string> =>
  createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
const next = async <T>(from: AsyncIterator<string>): Promise<T> => {
  const line = await from.next();
  if (line.done === true) throw new Error('The process ended without an answer.');
  return JSON.parse(line.value) as T;
};
const run = (file: string, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });

interface Downloaded {
  dir: string;
  transferredBytes: number;
  seconds: number;
  before: number;
  peak: number;
  cpuSeconds: number;
  waits: number;
  problems: unknown[];
  verifySeconds: number;
}

if (!existsSync(model)) {
  console.log('Making the model …');
  writeOnnxFolder(`${model}.new`, SHAPE);
  renameSync(`${model}.new`, model);
}
rmSync(store, { recursive: true, force: true });
const hub = run(join(import.meta.dirname, 'hub.mjs'), model, NAME);
const hubLines = lines(hub);
const { endpoint, modelBytes, cuts } = await next<{ endpoint: string; modelBytes: number; cuts: number[] }>(hubLines);
const got = await next<Downloaded>(lines(run(join(import.meta.dirname, 'client.mjs'), endpoint, NAME, store)));
hub.stdin?.end();
const sent = await next<{ bodies: number; wire: number; requests: { range?: string }[] }>(hubLines);

const started = performance.now();
const engine = run(join('dist', 'cli.js'), 'complete', '--model', got.dir);
engine.stdin?.end(`${JSON.stringify({ prefix: 'const a = ', maxTokens: 8 })}\n`);
const answer = await next<{ tokens?: number[]; error?: unknown }>(lines(engine));
const loaded = (performance.now() - started) / 1000;

const say = (what: string, ...values: (string | number)[]): void => console.log(what.padEnd(44), ...values);
const bytes = (count: number): string => count.toLocaleString('en').padStart(15);
say('bytes of the model', bytes(modelBytes));
say('connections cut after bytes of the answer', cuts.map((cut) => cut.toLocaleString('en')).join('; '));
say('parts asked for', sent.requests.map(({ range }) => range ?? 'whole').join('; '));
say('bytes received (bodies of files)', bytes(got.transferredBytes));
say('bytes sent (bodies of files)', bytes(sent.bodies));
say('bytes sent (with headers and descriptions)', bytes(sent.wire));
say('seconds', got.seconds.toFixed(1), `(CPU ${got.cpuSeconds.toFixed(1)})`);
say('memory at most, MB', (got.peak / 1e6).toFixed(0), `(${(got.before / 1e6).toFixed(0)} before)`);
say('verified once more, seconds', got.verifySeconds.toFixed(1), `(problems: ${got.problems.length})`);
say('loaded and completed, seconds', loaded.toFixed(1), `(tokens: ${answer.tokens?.length ?? JSON.stringify(answer)})`);
rmSync(store, { recursive: true, force: true });

const failed =
  got.transferredBytes !== modelBytes || got.waits !== cuts.length || got.problems.length > 0 || !answer.tokens?.length;
if (failed) {
  console.error('The download is not what it should be.');
  process.exitCode = 1;
}
