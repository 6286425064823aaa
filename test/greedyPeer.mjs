// @ts-check
// Greedy tokens of model folders by transformers.js, in a process of its own: it brings an ONNX Runtime of its own.
//   node test/greedyPeer.mjs < JOBS > ANSWERS
// A job: { dir, file, ids, count }; its answer: { tokens } or { failed }. Where the package cannot be had, the answer to all is { skip }.
import { readFileSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { transformersOrWhyNot } from '../models/peers/transformers.mjs';

/** @type {{ dir: string, file: string, ids: number[], count: number }[]} */
const jobs = JSON.parse(readFileSync(0, 'utf8'));
const { transformers, skip } = transformersOrWhyNot(join(import.meta.dirname, '..'));

/** @param {typeof jobs[number]} job @returns {Promise<{ tokens: number[] } | { failed: string }>} */
async function answer({ dir, file, ids, count }) {
  const { AutoModelForCausalLM, Tensor, env } = /** @type {any} */ (transformers);
  env.localModelPath = dirname(dir);
  try {
    const model = await AutoModelForCausalLM.from_pretrained(basename(dir), { dtype: 'fp32', model_file_name: file });
    const dims = [1, ids.length];
    const input_ids = new Tensor('int64', BigInt64Array.from(ids, BigInt), dims);
    const attention_mask = new Tensor('int64', new BigInt64Array(ids.length).fill(1n), dims);
    const output = await model.generate({ input_ids, attention_mask, max_new_tokens: count, do_sample: false });
    await model.dispose();
    return { tokens: output.tolist()[0].map(Number).slice(ids.length) };
  } catch (error) {
    return { failed: String(error) };
  }
}

const answers = [];
if (skip === false) for (const job of jobs) answers.push(await answer(job));
// Its ONNX Runtime may fail while the process ends, after all is done: what was answered counts.
writeSync(1, JSON.stringify(skip === false ? { answers } : { skip }));
