// The readers of ONNX files under damage: any bytes end in a graph, in a reason, or in a RangeError that says what is wrong with them; in
// bounded time and memory. Some of what is rewritten all the same is loaded and run.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exposeAttention } from '../../src/engine/attentionGraph';
import { graphForGpu } from '../../src/engine/graph/forGpu';
import { rewriteGraph } from '../../src/engine/graph/rewrite';
import { EngineError } from '../../src/engine/errors';
import { Model } from '../../src/engine/model';
import { readModelFolder, type ModelFolder } from '../../src/engine/modelFolder';
import { seededRandom } from '../../src/engine/random';
import { ABSURD } from '../absurdGraphs';
import { below, BYTES, FIELDS, pick } from '../graphDamage';
import { FORMS } from '../graphForms';

/** Forms that differ in what the rewriter reads of them. */
const NAMES = [
  'gqa, window',
  'mha, heads repeated',
  'optimum',
  'optimum, half',
  'gpt2',
  'attention 23, mask',
  'decomposed',
];
/** One with the fused operator and one without. */
const FEW = ['gqa, window', 'decomposed'];
/** Damaged files of each kind of damage, over all forms. */
const TIMES = 100;
/** No file takes more of the processor's time, in milliseconds: a sound one takes a few. */
const MOST_MS = 1000;
/** No file makes the heap larger by more, in MiB. */
const MOST_MIB = 256;
/** So many damaged files, of those that were rewritten, are loaded. */
const LOADED = 60;
/** Codes of errors that say what is wrong with a model. */
const NAMED = ['model_damaged', 'model_unsupported', 'inference_failed'];
/** What the readers say of bytes that are no ONNX file; JavaScript's own range errors are a lack of care. */
const DAMAGE = /^not (a protobuf message|an ONNX model): /;

const dir = mkdtempSync(join(tmpdir(), 'glassbox-fuzz-'));
after(() => rmSync(dir, { recursive: true }));

interface Sound {
  name: string;
  onnx: Uint8Array;
  known: { layers: number; heads: number; kvHeads: number; headDim: number };
}
const sound: Sound[] = [];

before(() => {
  for (const name of NAMES) {
    const form = FORMS.find((one) => one.name === name);
    assert.ok(form !== undefined, name);
    form.write(join(dir, name));
    const { weightsPath, config } = readModelFolder(join(dir, name));
    sound.push({ name, onnx: Uint8Array.from(readFileSync(weightsPath)), known: config });
    assert.equal(outcome(sound.at(-1)!, sound.at(-1)!.onnx, 'untouched', true), 'graph', name);
  }
});

type Outcome = 'graph' | 'reason' | 'damage';

/** What a reader makes of some bytes, in bounded time: nothing but a graph, a reason, or a RangeError that names the damage. */
function endOf(read: () => { bytes: Uint8Array } | { reason: string }, what: string): Outcome {
  const start = process.cpuUsage();
  let end: Outcome = 'damage';
  try {
    end = 'reason' in read() ? 'reason' : 'graph';
  } catch (error) {
    const told = error instanceof RangeError && DAMAGE.test(error.message);
    assert.ok(told, `${what}: ${error instanceof Error ? error.stack : String(error)}`);
  }
  const { user, system } = process.cpuUsage(start); // whatever else the machine does
  const ms = (user + system) / 1000;
  assert.ok(ms < MOST_MS, `${what}: ${ms.toFixed(0)} ms`);
  return end;
}

/** What the rewriter makes of some bytes; @param others whether the other readers are held to the same */
function outcome({ name, known }: Sound, onnx: Uint8Array, what: string, others: boolean): Outcome {
  if (others) {
    endOf(() => graphForGpu(onnx, 'model.onnx'), `${name}, ${what}, for the GPU`);
    endOf(
      () => exposeAttention(onnx, known.layers) ?? { reason: 'unknown' },
      `${name}, ${what}, exposing the attention`,
    );
  }
  return endOf(() => rewriteGraph(onnx, known, 'model.onnx'), `${name}, ${what}`);
}

/** Fails where memory grew; what is garbage by now counts, too. */
function assertBounded(before: NodeJS.MemoryUsage, what: string): void {
  const now = process.memoryUsage();
  const mib = (now.heapUsed + now.external - before.heapUsed - before.external) / 2 ** 20;
  assert.ok(mib < MOST_MIB, `${what}: ${mib.toFixed(0)} MiB`);
}

const counts: Record<Outcome, number> = { graph: 0, reason: 0, damage: 0 };
interface Damaged {
  of: Sound;
  onnx: Uint8Array;
  what: string;
}
/** Some of the damaged files that could be rewritten, each as likely as any other: reservoir sampling (Vitter 1985, algorithm R). */
const sample: Damaged[] = [];
let rewritten = 0;
const chance = seededRandom(4);

function consider(damaged: Damaged): void {
  const place = below(chance, ++rewritten);
  if (sample.length < LOADED) sample.push(damaged);
  else if (place < LOADED) sample[place] = damaged;
}

for (const [what, damage] of Object.entries({ ...BYTES, ...FIELDS })) {
  test(`${what}: a graph, a reason, or damage by name`, () => {
    const random = seededRandom(21);
    for (let i = 0; i < TIMES; i++) {
      const of = pick(random, sound);
      const onnx = damage(of.onnx, random);
      const end = outcome(of, onnx, `${what}, ${i}`, i % 4 === 0);
      counts[end]++;
      if (end === 'graph') consider({ of, onnx, what: `${what}, ${i}` });
    }
  });
}

test('the damage is neither too little nor too much', (t) => {
  t.diagnostic(JSON.stringify(counts));
  for (const [end, count] of Object.entries(counts)) assert.ok(count > 50, `${count} times ${end}`);
});

for (const { what, write, ends, large = false } of ABSURD) {
  test(`${what}: ${ends?.join(' or ') ?? 'whatever, but in bounds'}`, () => {
    for (const of of large ? sound.filter(({ name }) => FEW.includes(name)) : sound) {
      const memory = process.memoryUsage();
      const onnx = write(of.onnx);
      const end = outcome(of, onnx, what, true);
      assertBounded(memory, `${of.name}, ${what}`);
      assert.ok(ends?.includes(end) ?? true, `${of.name}: ${end}`);
      if (end === 'graph' && !large) consider({ of, onnx, what });
    }
  });
}

test('what was rewritten in spite of damage loads and runs, or an EngineError says why not', async (t) => {
  const ends: Record<string, number> = {};
  for (const { of, onnx, what } of sample) {
    const folder = readModelFolder(join(dir, of.name));
    writeFileSync(folder.weightsPath, onnx);
    const end = await fate(folder).catch((error: unknown) => {
      assert.ok(error instanceof EngineError, `${of.name}, ${what}: ${(error as Error).stack}`);
      assert.ok(NAMED.includes(error.code), `${of.name}, ${what}: ${error.code}, ${error.message}`);
      return error.code;
    });
    ends[end] = (ends[end] ?? 0) + 1;
  }
  t.diagnostic(JSON.stringify(ends));
  assert.ok((ends['works'] ?? 0) > 0 && Object.keys(ends).length > 1, JSON.stringify(ends));
});

/** Loads a folder and runs a few tokens, at once and one after another, and one layer's attention. */
async function fate(folder: ModelFolder): Promise<string> {
  const model = await Model.load(folder, 'cpu', { threads: 1 });
  try {
    const cache = model.newCache();
    for (const ids of [[256, 97, 98, 99], [100], [101]]) await model.forward(ids, cache);
    cache.truncate(2);
    await model.forward([102], cache, 'all');
    if (model.givesAttention) await model.attention([97, 98], model.newCache(), 0);
    return 'works';
  } finally {
    await model.dispose();
  }
}
