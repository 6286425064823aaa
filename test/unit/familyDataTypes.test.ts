// Every family of decoders in every form of graph and every data type that the hub has it in: logits and greedy text through the cache are
// those of the untouched graph, and of transformers.js with the same folder.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { FAMILIES, isRewritten, PEER_CANNOT, weightsFile } from '../families';
import { convertFolder, DATA_TYPES, type DataType } from '../forms/dataTypes';
import { askPeer, noPeer } from '../peers';
import { farthest } from '../reference';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-family-types-'));
after(() => rmSync(scratch, { recursive: true }));

const PROMPT = [256, ...Buffer.from('let total =')];
const TOKENS = 8;
/** One of each; their variants are tried with other forms of graph (dataTypes.test.ts). */
const TYPES = ['fp16', 'q8', 'q4', 'q4f16'].map((name) => DATA_TYPES.find((type) => type.name === name) as DataType);

/** How like the float32 model's the logits must be, as their cosine: random weights suffer more from rounding than trained ones. */
const LIKENESS = 0.75;

/** What the engine wrote, for comparing it with others. */
interface Written {
  name: string;
  dir: string;
  type: DataType;
  file: string;
  tokens: number[];
  /** After the prompt. */
  logits: Float32Array;
  /** By how much each token was ahead of the next best. */
  leads: number[];
}
const written: Written[] = [];
const counts = { tokens: 0, clear: 0 };

for (const family of FAMILIES)
  for (const form of family.forms)
    for (const type of TYPES) {
      const name = `${family.name}, ${form}, ${type.name}`;
      test(`${name}: logits and text are those of the untouched graph`, async () => {
        const dir = join(scratch, name.replace(/\W+/g, '-'));
        family.write(dir, form);
        const exact = await last(dir);
        convertFolder(dir, type, weightsFile(form));
        const one = await check(dir, type, isRewritten(form), exact);
        written.push({ name, dir, type, file: weightsFile(form), ...one });
        counts.tokens += one.tokens.length;
        counts.clear += one.clear;
      });
    }

test('most tokens are so far ahead of the next best that they prove something', () => {
  assert.ok(counts.clear > 0.6 * counts.tokens, `${counts.clear} of ${counts.tokens}`);
});

test('transformers.js computes and writes the same with the same folders', { skip: noPeer }, () => {
  const able = written.filter(({ name, type }) => PEER_CANNOT[name.slice(0, -type.name.length - 2)] === undefined);
  const answers = askPeer(able.map(({ dir, type, file }) => ({ dir, dtype: type.dtype, file, ids: PROMPT, tokens: TOKENS }))); // prettier-ignore
  const wrong: string[] = [];
  let same = 0;
  for (const [i, answer] of answers.entries()) {
    const { name, type, tokens, logits, leads } = able[i] as Written;
    if ('error' in answer) {
      wrong.push(`${name}: ${answer.error}`);
      continue;
    }
    const distance = farthest(logits, answer.logits);
    if (!(distance < type.tolerance)) wrong.push(`${name}: logits ${distance} apart`);
    const other = tokens.findIndex((id, at) => id !== answer.tokens[at] && answer.tokens[at] !== undefined);
    if (other === -1) same++;
    else if (!((leads[other] as number) < 2 * type.tolerance)) wrong.push(`${name}: token ${other}`);
  }
  assert.deepEqual(wrong, []);
  assert.equal(answers.length, able.length);
  assert.ok(same >= 0.9 * answers.length, `only ${same} of ${answers.length} texts are the same`);
});

/** Logits after the prompt, of the untouched graph. */
async function last(dir: string): Promise<Float32Array> {
  const plain = await Model.load(readModelFolder(dir), 'cpu', { plain: true, threads: 1 });
  const logits = await plain.forward(PROMPT, plain.newCache());
  await plain.dispose();
  return logits;
}

async function check(
  dir: string,
  type: DataType,
  rewritten: boolean,
  exact: Float32Array,
): Promise<Pick<Written, 'tokens' | 'logits' | 'leads'> & { clear: number }> {
  const folder = readModelFolder(dir);
  const model = await Model.load(folder, 'cpu', { threads: 1 });
  const plain = await Model.load(folder, 'cpu', { plain: true, threads: 1 });
  try {
    assert.equal(model.graphNote.startsWith('rewritten'), rewritten, model.graphNote);
    const cache = model.newCache();
    let logits = await model.forward(PROMPT, cache);
    const first = Float32Array.from(logits);
    const likeness = cosine(await plain.forward(PROMPT, plain.newCache()), exact);
    assert.ok(likeness > LIKENESS, `like the float32 model: ${likeness}`);
    const plainCache = plain.newCache();
    let added = PROMPT;
    const ids = [...PROMPT];
    const leads: number[] = [];
    let clear = 0;
    for (let i = 0; i < TOKENS; i++) {
      const ours = best(logits);
      // With 8-bit activations, what a run rounds to depends on which tokens are in it: there the same pieces are run.
      const pieces = await plain.forward(added, plainCache);
      const theirs = type.apart > type.tolerance ? pieces : await plain.forward(ids, plain.newCache());
      const distance = farthest(logits, theirs);
      assert.ok(distance < type.tolerance, `token ${i}: logits ${distance} apart`);
      if (lead(theirs) > 2 * type.tolerance) {
        assert.equal(ours, best(theirs), `token ${i}`);
        clear++;
      }
      leads.push(lead(logits));
      ids.push(ours);
      added = [ours];
      logits = await model.forward([ours], cache);
    }
    return { tokens: ids.slice(PROMPT.length), logits: first, leads, clear };
  } finally {
    await model.dispose();
    await plain.dispose();
  }
}

function best(logits: Float32Array): number {
  return logits.reduce((top, x, id) => (x > (logits[top] as number) ? id : top), 0);
}

function lead(logits: Float32Array): number {
  const [a = 0, b = 0] = Array.from(logits).sort((x, y) => y - x);
  return a - b;
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number =>
    x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
