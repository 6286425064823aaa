// @ts-check
// What transformers.js computes with model folders, in a process of its own: it brings its own ONNX Runtime, and two in one process disturb
// each other. Reads jobs as JSON from standard input and writes the answers as JSON.
//   node models/peers/greedy.mjs ROOT < jobs.json
import { readFileSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { loadTransformers } from './transformers.mjs';

/**
 * A model folder, how it is loaded (`file`: the graph's name without data type, where it is not `model`), and what is run: `ids` once for
 * their logits, and at most `tokens` greedy tokens after them.
 * @typedef {{ dir: string, dtype: string, file?: string, ids: number[], tokens: number }} Job
 * @typedef {{ tokens: number[], logits: number[] } | { error: string }} Answer
 */

const { AutoModelForCausalLM, Tensor, env } = loadTransformers(process.argv[2] ?? '');
/** @type {Job[]} */
const jobs = JSON.parse(readFileSync(0, 'utf8'));
/** @type {Answer[]} */
const answers = [];
for (const { dir, dtype, file, ids, tokens } of jobs) {
  env.localModelPath = dirname(dir);
  try {
    const named = file === undefined ? {} : { model_file_name: file };
    const model = await AutoModelForCausalLM.from_pretrained(basename(dir), { dtype, ...named });
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
// Its ONNX Runtime may fail while the process ends, after all is done: what was answered counts.
const output = Buffer.from(JSON.stringify(answers));
for (let at = 0; at < output.length;) at += writeSync(1, output, at);
