// @ts-check
// What transformers.js computes with model folders, in a process of its own: it brings its own ONNX Runtime, and two in one process disturb
// each other. Reads jobs as JSON from standard input and writes the answers as JSON.
//   node models/peers/greedy.mjs ROOT < jobs.json
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { loadTransformers } from './transformers.mjs';

/**
 * A model folder, how it is loaded, and what is run: `ids` once for their logits, and `tokens` greedy tokens after them.
 * @typedef {{ dir: string, dtype: string, file?: string, ids: number[], tokens: number }} Job
 * @typedef {{ tokens: number[], logits: number[] } | { error: string }} Answer
 */

const { AutoModelForCausalLM, Tensor, env } = loadTransformers(process.argv[2] ?? '');
/** @type {Job[]} */
const jobs = JSON.parse(readFileSync(0, 'utf8'));
/** @type {Answer[]} */
const answers = [];
for (const { dir, dtype, ids, tokens } of jobs) {
  env.localModelPath = dirname(dir);
  try {
    const model = await AutoModelForCausalLM.from_pretrained(basename(dir), { dtype });
    /** @param {number[]} values */
    const row = (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
    const inputs = { input_ids: row(ids), attention_mask: row(ids.map(() => 1)) };
    const { logits } = await model(inputs);
    const vocab = logits.dims.at(-1);
    const last = [...logits.to('float32').data.slice(-vocab)];
    const output = await model.generate({ ...inputs, max_new_tokens: tokens, do_sample: false });
    answers.push({ tokens: output.tolist()[0].map(Number).slice(ids.length), logits: last });
    await model.dispose();
  } catch (error) {
    answers.push({ error: String(error instanceof Error ? error.message : error) });
  }
}
process.stdout.write(JSON.stringify(answers));
