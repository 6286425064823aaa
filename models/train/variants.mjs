// @ts-check
// Compares the ways to store the weights that `export.py --variants work/variants` wrote: bytes, speed through the engine (rounds that
// take every variant in turn; medians), bits per byte of held-out text. Prints a table and writes measured/variants.json for the card.
//   node variants.mjs [--model ../glassbox-small] [--rounds 7] [--texts 6] [--only NAME,NAME]      variants.sh does all
// With --only, measured/variants.json stays as it is.
import { build } from 'esbuild';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const here = import.meta.dirname;
const root = join(here, '../..');
const work = join(here, 'work');
const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({ options: { model: text, rounds: text, texts: text, only: text } });
const modelDir = values.model ?? join(here, '../glassbox-small');
const rounds = Number(values.rounds ?? 7);
const textsPerLanguage = Number(values.texts ?? 6);
/** Characters of a held-out text: about 500 tokens. */
const CHARACTERS = 1500;
/** Characters of the prompt whose prefill is timed: about 600 tokens. */
const PROMPT = 2000;
/** Tokens that a variant decodes in its turn, and turns a round: short, so that what else the machine does slows all alike. */
const SLICE = 8;
const SLICES = 6;

const outfile = join(work, 'engine.mjs');
const parts = {
  Model: 'model',
  readModelFolder: 'modelFolder',
  Tokenizer: 'tokenizer',
  generate: 'generate',
  score: 'score',
};
const exports = Object.entries(parts).map(([name, file]) => `export { ${name} } from './${file}';`);
await build({
  stdin: { contents: exports.join('\n'), resolveDir: join(root, 'src/engine') },
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
});
const { Model, readModelFolder, Tokenizer, score } = await import(pathToFileURL(outfile).href);

/** @typedef {{ name: string, bytes: number, model: import('../../src/engine/model').Model,
 *   cache: import('../../src/engine/kvCache').KvCache, prefill: number[], decode: number[] }} Variant */

/** @param {number[]} numbers */
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
/** How many times as fast. @param {number[] | undefined} before @param {number[]} now */
const ratio = (before, now) => Number((median(before ?? []) / median(now)).toFixed(2));
/** @param {string} line */
const print = (line) => process.stdout.write(`${line}\n`);

/** @type {Variant[]} */
const variants = [];
const names = values.only?.split(',') ?? readdirSync(join(work, 'variants')).map((file) => file.replace('.onnx', ''));
for (const name of names) {
  const weights = join(work, 'variants', `${name}.onnx`);
  const model = await Model.load(readModelFolder(modelDir, weights), 'cpu');
  variants.push({ name, bytes: statSync(weights).size, model, cache: model.newCache(), prefill: [], decode: [] });
}
variants.sort((a, b) => b.bytes - a.bytes || a.name.localeCompare(b.name));

const tokenizer = new Tokenizer(readModelFolder(modelDir));
const prompt = tokenizer.encode(readFileSync(join(root, 'src/engine/protobuf.ts'), 'utf8').slice(0, PROMPT));

/** Runs ids after what the cache holds. @param {Variant} variant @param {number[]} ids @returns milliseconds */
async function time({ model, cache }, ids) {
  const start = performance.now();
  for (let at = 0; at < ids.length; at += model.chunk) await model.forward(ids.slice(at, at + model.chunk), cache);
  return performance.now() - start;
}

for (const variant of variants) await time(variant, prompt.slice(0, 50));
for (let round = 0; round < rounds; round++) {
  const inTurn = round % 2 === 0 ? variants : [...variants].reverse();
  for (const variant of inTurn) {
    variant.cache = variant.model.newCache();
    variant.prefill.push(await time(variant, prompt));
  }
  for (let slice = 0; slice < SLICES; slice++)
    for (const variant of inTurn)
      for (let token = 0; token < SLICE; token++) {
        const taken = await time(variant, prompt.slice(token, token + 1));
        if (token > 0) variant.decode.push(taken); // the first one fetches the weights from memory
      }
}
print('speed is measured');

/** @type {Record<string, string[]>} */
const heldOut = {};
for (const line of readFileSync(join(here, '../eval/heldout.jsonl'), 'utf8').trim().split('\n')) {
  const document = JSON.parse(line);
  if (document.split === 'heldout') (heldOut[document.language] ??= []).push(document.text.slice(0, CHARACTERS));
}
/** Spread over the packages, the same ones every time. @type {string[]} */
const texts = Object.values(heldOut).flatMap((all) =>
  all.filter(
    (_, i) => Math.floor((i * textsPerLanguage) / all.length) !== Math.floor(((i - 1) * textsPerLanguage) / all.length),
  ),
);
const rows = [];
const full = variants.find(({ name }) => name === 'fp32') ?? variants[0];
for (const { name, bytes, model, prefill, decode } of variants) {
  let [nats, size] = [0, 0];
  for (const written of texts) {
    const scored = await score(model, tokenizer, written);
    nats += scored.nll;
    size += scored.bytes;
  }
  rows.push({
    name,
    bytes,
    bitsPerByte: Number((nats / Math.LN2 / size).toFixed(4)),
    prefill: Math.round((prompt.length / median(prefill)) * 1000),
    prefillRatio: ratio(full?.prefill, prefill),
    decode: Math.round(1000 / median(decode)),
    decodeRatio: ratio(full?.decode, decode),
  });
  await model.dispose();
}
console.table(rows);
if (values.only !== undefined) process.exit();
const heldOutBytes = texts.reduce((sum, written) => sum + Buffer.byteLength(written), 0);
writeFileSync(
  join(here, 'measured/variants.json'),
  `${JSON.stringify({ rounds, texts: texts.length, heldOutBytes, rows }, null, 1)}\n`,
);
