// @ts-check
// `npm run bench [-- --model DIR --device D --rounds N]`: speed of the engine through the command line. Prefill is bound by arithmetic,
// decoding by memory; a keystroke on a warm cache needs only its new tokens. Medians over the rounds; a table, then one JSON line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: { model: { type: 'string' }, device: { type: 'string' }, rounds: { type: 'string', default: '5' } },
});
const cli = join(root, 'dist/cli.js');
if (!existsSync(cli)) {
  process.stderr.write('dist/cli.js is missing: run npm run build first.\n');
  process.exit(2);
}

const engine = spawn(
  process.execPath,
  [
    cli,
    'complete',
    ...(values.model ? ['--model', values.model] : []),
    ...(values.device ? ['--device', values.device] : []),
  ],
  { stdio: ['pipe', 'pipe', 'inherit'] },
);
const answers = createInterface({ input: engine.stdout })[Symbol.asyncIterator]();

/** @param {object} request @returns {Promise<{ stats: Record<string, number>, device: string }>} */
async function ask(request) {
  engine.stdin.write(`${JSON.stringify({ temperature: 0, raw: true, ...request })}\n`);
  const { value } = await answers.next();
  const answer = JSON.parse(value);
  if (answer.error) throw new Error(answer.error.message);
  return answer;
}

/** @param {number[]} numbers */
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

const text = readFileSync(join(root, 'src/engine/engine.ts'), 'utf8');
await ask({ prefix: 'warm up', maxTokens: 4 });
const rows = [];
let device = '';
for (const chars of [400, 1000, 2000]) {
  /** @type {{ prefill: number[], decode: number[], warm: number[] }} */
  const times = { prefill: [], decode: [], warm: [] };
  let promptTokens = 0;
  for (let round = 0; round < Number(values.rounds); round++) {
    await ask({ prefix: `${round} forget the cache`, maxTokens: 1 });
    const prefix = text.slice(0, chars);
    const cold = await ask({ prefix, maxTokens: 1 });
    const keystroke = await ask({ prefix: `${prefix};`, maxTokens: 33 });
    ({ promptTokens } = /** @type {{ promptTokens: number }} */ (/** @type {unknown} */ (cold.stats)));
    device = String(cold.stats.device);
    times.prefill.push(/** @type {number} */ (cold.stats.firstTokenMs));
    times.warm.push(/** @type {number} */ (keystroke.stats.firstTokenMs));
    const { generatedTokens = 0, totalMs = 0, firstTokenMs = 0 } = keystroke.stats;
    if (generatedTokens > 1) times.decode.push((totalMs - firstTokenMs) / (generatedTokens - 1));
  }
  rows.push({
    context: promptTokens,
    prefillTokensPerSecond: Math.round((promptTokens / median(times.prefill)) * 1000),
    coldFirstTokenMs: Number(median(times.prefill).toFixed(1)),
    warmFirstTokenMs: Number(median(times.warm).toFixed(1)),
    decodeMsPerToken: Number(median(times.decode).toFixed(2)),
    decodeTokensPerSecond: Math.round(1000 / median(times.decode)),
  });
}
engine.stdin.end();
await once(engine, 'close');
console.table(rows);
process.stdout.write(`${JSON.stringify({ device, rows })}\n`);
