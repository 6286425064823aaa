// `npm run bench:memory`: what the workspace memory costs: taking text in, the start of a request, a token, a save and a load. The text is
// the source of this repository, written again with other names until there is enough of it.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkspaceMemory } from '../../src/engine/memory/workspaceMemory';
import { readModelFolder } from '../../src/engine/modelFolder';
import { seededRandom } from '../../src/engine/random';
import { Tokenizer } from '../../src/engine/tokenizer';
import { table } from '../../models/eval/table';

const root = join(__dirname, '../..'); // the bundle lies in .test-out/memory
const TOKENS = 2_000_000;
const LOOKS = 20_000;
const WORD = /[\p{L}_$][\p{L}\p{N}_$]*/gu;

/** The median and the 99th percentile, in µs. */
function spread(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => (1000 * (sorted[Math.floor(share * (sorted.length - 1))] as number)).toFixed(1);
  return `${at(0.5)} µs, 99 % within ${at(0.99)} µs`;
}

/** Processor time of all threads since then, in ms; on a busy machine the clock would measure others. */
function busySince(then: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(then);
  return (user + system) / 1000;
}

async function main(): Promise<void> {
  const folder = readModelFolder(join(root, 'models/glassbox-small'));
  const tokenizer = new Tokenizer(folder);
  const dir = mkdtempSync(join(tmpdir(), 'glassbox-memory-'));
  const weights = folder.memory;
  const encode = (line: string): number[] => tokenizer.encodeText(line);
  const options = { encode, vocab: folder.config.vocab, tokenizer: 'bench', dir, idle: () => Promise.resolve() };
  const memory = new WorkspaceMemory({ ...options, ...(weights && { weights }) });
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name, text: readFileSync(join(root, 'src', name), 'utf8') }));

  let bytes = 0;
  let seconds = 0;
  let state = await memory.remember([], []);
  let longest = 0;
  let turned = process.cpuUsage();
  const watch = setInterval(() => {
    longest = Math.max(longest, busySince(turned));
    turned = process.cpuUsage();
  }, 1);
  for (let copy = 0; state.tokens < TOKENS; copy++) {
    // Every fifth word is another one in each copy.
    const files = sources.map(({ name, text }) => ({
      path: `${copy}/${name}`,
      stamp: '1',
      text: copy === 0 ? text : text.replace(WORD, (word) => (word.length % 5 === 0 ? `${word}${copy}` : word)),
    }));
    const start = performance.now();
    turned = process.cpuUsage();
    state = await memory.remember(files, []);
    seconds += (performance.now() - start) / 1000;
    bytes += files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  }
  clearInterval(watch);

  const random = seededRandom(3);
  const tails = Array.from({ length: LOOKS }, () => {
    const { text } = sources[Math.floor(random() * sources.length)] as { text: string };
    const end = 200 + Math.floor(random() * text.length);
    return tokenizer.encodeText(text.slice(Math.max(0, end - 80), end)).slice(-16);
  });
  const voice = memory.voice(['0/extension.ts']);
  const timed = (work: (tail: number[]) => unknown): number[] =>
    tails.map((tail) => {
      const start = performance.now();
      work(tail);
      return performance.now() - start;
    });
  const begin = timed(() => memory.voice(['0/engine/engine.ts', '0/engine/main.ts']));
  const say = timed((tail) => voice.say(tail, 0));
  const guess = timed((tail) => voice.guess(tail, 16));

  let start = performance.now();
  memory.saveNow();
  const saved = performance.now() - start;
  const { size } = statSync(join(dir, 'memory.bin'));
  start = performance.now();
  const again = new WorkspaceMemory(options);
  await again.remember([], []);
  const loaded = performance.now() - start;
  rmSync(dir, { recursive: true });

  process.stdout.write(
    table(
      ['workspace memory', ''],
      [
        ['tokens', state.tokens.toLocaleString('en')],
        ['bytes of text a token', (bytes / state.tokens).toFixed(2)],
        ['bytes of memory a token', (state.bytes / state.tokens).toFixed(2)],
        ['taken in, resting half of the time, MB/s', (bytes / 1e6 / seconds).toFixed(2)],
        ['longest slice of work, ms of processor time', longest.toFixed(1)],
        ['start of a request', spread(begin)],
        ['a token of the mixture', spread(say)],
        ['a guess', spread(guess)],
        ['written, ms', saved.toFixed(0)],
        ['file, MB', (size / 1e6).toFixed(1)],
        ['read back, resting half of the time, ms', loaded.toFixed(0)],
      ],
    ),
  );
}

void main();
