// @ts-check
// What transformers.js writes with folders of encoder–decoder models, in a process of its own: it brings its own ONNX Runtime, and two in
// one process disturb each other. Reads jobs as JSON from standard input and writes the answers as JSON.
//   node models/peers/greedySeq2Seq.mjs ROOT < jobs.json
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { loadTransformers } from './transformers.mjs';

/**
 * A model folder, how it is loaded, and the text that is read.
 * @typedef {{ dir: string, dtype: string, text: string, tokens: number }} Job
 * @typedef {{ ids: number[], tokens: number[], text: string } | { error: string }} Answer
 */

const { AutoModelForSeq2SeqLM, AutoTokenizer, env } = loadTransformers(process.argv[2] ?? '');
/** @type {Job[]} */
const jobs = JSON.parse(readFileSync(0, 'utf8'));
/** @type {Answer[]} */
const answers = [];
for (const { dir, dtype, text, tokens } of jobs) {
  env.localModelPath = dirname(dir);
  try {
    const tokenizer = await AutoTokenizer.from_pretrained(basename(dir));
    const model = await AutoModelForSeq2SeqLM.from_pretrained(basename(dir), { dtype });
    const inputs = await tokenizer(text);
    const output = await model.generate({ ...inputs, max_new_tokens: tokens, do_sample: false });
    const written = output.tolist()[0].map(Number).slice(1);
    answers.push({
      ids: inputs.input_ids.tolist()[0].map(Number),
      tokens: written,
      text: tokenizer.decode(written, { skip_special_tokens: true }),
    });
    await model.dispose();
  } catch (error) {
    answers.push({ error: String(error instanceof Error ? error.stack : error) });
  }
}
process.stdout.write(JSON.stringify(answers));
