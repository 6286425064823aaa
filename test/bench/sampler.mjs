// @ts-check
// `npm run bench:sampler [-- --rounds N]`: milliseconds that one token's sampling takes, its exact log-probability included, beside the
// slow way: a full sort in double precision. Two kinds of logits: peaked as a model's are (a few likely tokens over a normal bulk) and flat (all
// nearly equal, the worst case). Medians, and beside them the fastest tenth, which other work on the machine disturbs less; a table, then one
// JSON line.
import { build } from 'esbuild';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '../..');
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '40' } } });
const rounds = Number(values.rounds);
if (!(Number.isInteger(rounds) && rounds > 0)) {
  process.stderr.write(`--rounds ${values.rounds} must be a whole number above 0.\n`);
  process.exit(2);
}

/** Bundles a file and imports it. @param {string} file */
async function load(file) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [file],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  });
  const [output] = outputFiles;
  return import(`data:text/javascript;base64,${Buffer.from(output?.contents ?? '').toString('base64')}`);
}

/** @type {typeof import('../../src/engine/sampler.ts')} */
const { sample } = await load('src/engine/sampler.ts');
/** @type {typeof import('../../src/engine/random.ts')} */
const { seededRandom } = await load('src/engine/random.ts');
/** @type {typeof import('../unit/decodingReference.ts')} */
const { sampleSlowly } = await load('test/unit/decodingReference.ts');

/** @typedef {import('../../src/protocol.ts').Sampling} Sampling */
/** @type {Record<string, Partial<Sampling>>} */
const STRATEGIES = {
  greedy: { temperature: 0 },
  'top-k 40': { topK: 40 },
  'top-p 0.95': { topP: 0.95 },
  'min-p 0.05': { minP: 0.05 },
  'typical 0.95': { typicalP: 0.95 },
  'no filter': {},
  'repetition penalty 1.1, top-p 0.95': { repetitionPenalty: 1.1, topP: 0.95 },
};
const KINDS = { peaked, flat };

/** A normal bulk with thirty likely tokens. @param {number} vocab @param {() => number} random */
function peaked(vocab, random) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const logits = Float32Array.from({ length: vocab }, () => 2.7 * normal());
  for (let i = 0; i < 30; i++) logits[Math.floor(random() * vocab)] = 20 - i / 2;
  return logits;
}

/** @param {number} vocab @param {() => number} random */
function flat(vocab, random) {
  return Float32Array.from({ length: vocab }, () => random() / 10);
}

/** Milliseconds: the median and the fastest tenth. @param {number} times @param {() => unknown} work */
function measure(times, work) {
  for (let i = 0; i < Math.min(times, 15); i++) work();
  const taken = Array.from({ length: times }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  taken.sort((a, b) => a - b);
  const [median, tenth] = [2, 10].map((part) => Number((taken[Math.floor(times / part)] ?? NaN).toFixed(3)));
  return { median, tenth };
}

const rows = [];
for (const vocab of [8192, 32_000, 151_936]) {
  for (const [kind, make] of Object.entries(KINDS)) {
    const logits = make(vocab, seededRandom(vocab));
    const ids = Array.from({ length: 2048 }, (_, i) => (i * 7919) % vocab);
    for (const [strategy, fields] of Object.entries(STRATEGIES)) {
      /** @type {Sampling} */
      const sampling = { temperature: 0.7, topK: 0, topP: 1, seed: 0, ...fields };
      const random = seededRandom(1);
      const { median, tenth } = measure(rounds, () => sample(logits, sampling, random, { ids }));
      const slow = measure(1, () => sampleSlowly(logits, sampling, random, ids));
      rows.push({ vocab, kind, strategy, ms: median, fastestTenthMs: tenth, referenceMs: slow.median });
    }
  }
}
console.table(rows);
process.stdout.write(`${JSON.stringify({ rows })}\n`);
