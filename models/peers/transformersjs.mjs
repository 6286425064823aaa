// @ts-check
// Does transformers.js read our folder as it is, and write what we write? Installs @huggingface/transformers into the ignored folder .peers on
// first use (the registry of npm is needed), then compares 32 greedy tokens after ten prompts.
//   npm run model:transformersjs [-- DIR]
import { spawnSync } from 'node:child_process';
import { basename, dirname, join, resolve } from 'node:path';
import { loadTransformers, VERSION } from './transformers.mjs';

const TOKENS = 32;
const root = join(import.meta.dirname, '../..');
const dir = resolve(process.argv[2] ?? join(root, 'models/glassbox-small'));
const PROMPTS = [
  'import { readFile } from',
  'export function add(a: number, b: number): number {\n  return',
  'const items = [];\nfor (let i = 0; i < items',
  'class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(',
  'def total(values):\n    result = 0\n    for value in',
  '{\n  "name": "example",\n  "version":',
  '# Example\n\n## Install\n\n```sh\nnpm',
  'export interface Options {\n  readonly path?:',
  "const assert = require('assert');\n\ndescribe('parse', function () {\n  it(",
  'if __name__ ==',
];

const { AutoModelForCausalLM, AutoTokenizer, env } = loadTransformers(root);
env.localModelPath = dirname(dir);
const ours = spawnSync('node', [join(root, 'dist/cli.js'), 'complete', '--model', dir], {
  input: PROMPTS.map((prefix) => JSON.stringify({ prefix, raw: true, temperature: 0, maxTokens: TOKENS })).join('\n'),
  encoding: 'utf8',
});
if (ours.status !== 0) throw new Error(`${ours.stderr}Build the command line first: npm run build`);
const answers = ours.stdout
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line).tokens);
const tokenizer = await AutoTokenizer.from_pretrained(basename(dir));
const model = await AutoModelForCausalLM.from_pretrained(basename(dir), { dtype: 'q8' });
let same = 0;
for (const [i, prompt] of PROMPTS.entries()) {
  const inputs = tokenizer(`<|endoftext|>${prompt}`, { add_special_tokens: false });
  const output = await model.generate({ ...inputs, max_new_tokens: TOKENS, do_sample: false });
  const written = output
    .tolist()[0]
    .map(Number)
    .slice(inputs.input_ids.dims[1])
    .filter((/** @type {number} */ id) => id !== 0);
  const agrees = JSON.stringify(written) === JSON.stringify(answers[i]);
  if (agrees) same++;
  console.log(`${agrees ? 'same' : 'not the same'}: ${JSON.stringify(prompt.slice(0, 50))}`);
  if (!agrees) console.log(`  ours   ${answers[i].join(' ')}\n  theirs ${written.join(' ')}`);
}
console.log(
  `${same} of ${PROMPTS.length} prompts give the same ${TOKENS} tokens in @huggingface/transformers ${VERSION}`,
);
process.exitCode = same === PROMPTS.length ? 0 : 1;
