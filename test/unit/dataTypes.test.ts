// Models in the data types in which the hub has them: greedy text through the cache is that of the whole text run anew for each token through
// the untouched graph, and that of transformers.js with the same folder where that can be had. Which file of a folder is loaded.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LOCK_FILE, weightsChoices } from '../../src/catalog/weights';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { DATA_TYPES, convertFolder, type DataType } from '../forms/dataTypes';
import { edited, nodeOf, type EditableGraph, type EditableNode } from '../forms/editable';
import { FORMS, type Form } from '../graphForms';
import { TYPES } from '../onnxTensors';
import { askPeer, noPeer } from '../peers';
import { farthest } from '../reference';
import { writeTinyModel } from '../tinyModel';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-types-'));
after(() => rmSync(scratch, { recursive: true }));

const TOKENS = 12;
const PROMPT = [256, ...Buffer.from('for (const a of b) a.c += 1;')];
/** Of these, so many must be ahead of the next best by more than the tolerance: else the text would prove nothing. */
const CLEAR = 5;

/** Forms of graph, every one of which is rewritten in every data type. */
const CHOSEN = [
  'gqa',
  'decomposed',
  'optimum',
  'optimum, scaled_dot_product_attention',
  'mha, cache inside',
  'gpt2',
  'attention 23, mask',
].map((name) => FORMS.find((form) => form.name === name) as Form);

/** What the engine wrote, for comparing it with others. */
interface Written {
  dir: string;
  type: DataType;
  name: string;
  tokens: number[];
  /** After the prompt. */
  logits: Float32Array;
  /** By how much each token was ahead of the next best. */
  leads: number[];
}
const written: Written[] = [];

for (const form of CHOSEN)
  for (const type of DATA_TYPES)
    test(`${form.name}, ${type.name}: is rewritten, and text and logits are those of the untouched graph`, () =>
      check(form, type));

async function check(form: Form, type: DataType): Promise<void> {
  const name = `${form.name}, ${type.name}`;
  const dir = join(scratch, name.replaceAll(/\W+/g, '-'));
  const reference = form.write(dir);
  convertFolder(dir, type);
  const folder = readModelFolder(dir);
  assert.equal(folder.weights, `onnx/${type.file}`);
  const model = await Model.load(folder, 'cpu');
  const plain = await Model.load(folder, 'cpu', { plain: true });
  assert.match(model.graphNote, /^rewritten from /);

  const exact = reference(PROMPT).logits.at(-1) ?? [];
  const likeness = cosine(await plain.forward(PROMPT, plain.newCache()), exact);
  assert.ok(likeness > type.likeness, `like the float32 model: ${likeness}`);

  const [cache, plainCache] = [model.newCache(), plain.newCache()];
  let added = PROMPT;
  let logits = await model.forward(PROMPT, cache);
  const first = Float32Array.from(logits);
  const ids = [...PROMPT];
  const leads: number[] = [];
  let clear = 0;
  for (let i = 0; i < TOKENS; i++) {
    const ours = best(logits);
    const anew = await plain.forward(ids, plain.newCache());
    const together = await plain.forward(added, plainCache);
    for (const [theirs, tolerance] of [[together, type.tolerance] as const, [anew, type.apart] as const]) {
      const distance = farthest(logits, theirs);
      assert.ok(distance < tolerance, `token ${i}: ${distance}`);
      // Two that lie nearer than the tolerance may change places.
      if (lead(theirs) > 2 * tolerance) assert.equal(ours, best(theirs), `token ${i}`);
      if (lead(theirs) > 2 * tolerance && theirs === together) clear++;
    }
    leads.push(lead(logits));
    added = [ours];
    ids.push(ours);
    logits = await model.forward(added, cache);
  }
  assert.ok(clear >= CLEAR, `only ${clear} tokens are clear`);
  written.push({ dir, type, name, tokens: ids.slice(PROMPT.length), logits: first, leads });
  await Promise.all([model.dispose(), plain.dispose()]);
}

/** The types that change a graph in the most different ways. */
const FAR_APART = DATA_TYPES.filter(({ name }) => ['fp16, edges float32', 'q8', 'q4f16'].includes(name));
for (const form of FORMS.filter((each) => !CHOSEN.includes(each) && !/half/.test(each.name)))
  test(`${form.name}, ${FAR_APART.map(({ name }) => name).join('; ')}: is rewritten where its float32 form is, and gives the untouched graph's logits`, async () => {
    for (const type of FAR_APART) {
      const dir = join(scratch, `${form.name}, ${type.name}`.replaceAll(/\W+/g, '-'));
      const reference = form.write(dir);
      convertFolder(dir, type);
      const model = await Model.load(readModelFolder(dir), 'cpu');
      const plain = await Model.load(readModelFolder(dir), 'cpu', { plain: true });
      assert.equal(model.graphNote.startsWith('rewritten'), form.rewritable, `${type.name}: ${model.graphNote}`);
      const wanted = await plain.forward(PROMPT, plain.newCache(), 'all');
      const distance = farthest(await model.forward(PROMPT, model.newCache(), 'all'), wanted);
      assert.ok(distance < type.tolerance, `${type.name}: ${distance}`);
      const exact = reference(PROMPT).logits.flatMap((row) => [...row]);
      assert.ok(cosine(wanted, exact) > type.likeness, type.name);
      await Promise.all([model.dispose(), plain.dispose()]);
    }
  });

/** Puts a product into both branches of an If, as merged decoders have whole decoders. */
function branched(graph: EditableGraph): void {
  const at = graph.nodes.findIndex(({ outputs }) => outputs.includes('logits'));
  const product = graph.nodes[at] as EditableNode;
  const branch = (name: string): EditableGraph => {
    const node = { ...product, inputs: [...product.inputs], name, outputs: [name] };
    const outputs = [{ name, type: TYPES.float32, shape: undefined }];
    return { nodes: [node], tensors: new Map(), inputs: [], outputs };
  };
  graph.tensors.set('always', { type: TYPES.bool, dims: [], raw: Uint8Array.of(1) });
  const choice = nodeOf('If', ['always'], ['logits']);
  choice.attributes.set('then_branch', branch('then')).set('else_branch', branch('else'));
  graph.nodes[at] = choice;
}

for (const type of DATA_TYPES)
  test(`${type.name}: what stands in a branch is converted as it is outside`, async () => {
    const rows: Float32Array[] = [];
    for (const inside of [false, true]) {
      const dir = join(scratch, `branch-${type.name.replaceAll(/\W+/g, '-')}-${inside}`);
      const { write } = FORMS.find(({ name }) => name === 'gqa') as Form;
      write(dir);
      const path = join(dir, 'onnx', 'model.onnx');
      if (inside) writeFileSync(path, edited(readFileSync(path), branched));
      convertFolder(dir, type);
      const model = await Model.load(readModelFolder(dir), 'cpu', { plain: true });
      rows.push(await model.forward(PROMPT, model.newCache()));
      await model.dispose();
    }
    assert.ok(farthest(rows[0] as Float32Array, rows[1] as Float32Array) < 1e-2);
  });

/** Scales the keys in double precision, which no exporter does: the rewritten graph multiplies float32 by it, and that is refused. */
function inDouble(graph: EditableGraph): void {
  graph.nodes = graph.nodes.flatMap((node): EditableNode[] => {
    const [a = '', b = ''] = node.inputs;
    const [output = ''] = node.outputs;
    const keys = node.op === 'Mul' && graph.nodes.some((each) => each.op === 'MatMul' && each.inputs[1] === output);
    if (!keys) return [node];
    const [first, second, product] = ['first', 'second', 'product'].map((part) => `${output}.${part}`) as [
      string,
      string,
      string,
    ];
    return [
      nodeOf('Cast', [a], [first], { to: 11 }),
      nodeOf('Cast', [b], [second], { to: 11 }),
      { ...node, inputs: [first, second], outputs: [product] },
      nodeOf('Cast', [product], [output], { to: TYPES.float32 }),
    ];
  });
}

test('where ONNX Runtime refuses the rewritten graph, the untouched one is run', async () => {
  const dir = join(scratch, 'double');
  const { write, tolerance } = FORMS.find(({ name }) => name === 'optimum, scaled_dot_product_attention') as Form;
  const reference = write(dir);
  const path = join(dir, 'onnx', 'model.onnx');
  writeFileSync(path, edited(readFileSync(path), inDouble));
  const model = await Model.load(readModelFolder(dir), 'cpu');
  assert.match(model.graphNote, /^as it is: the rewritten graph is refused: .*different types/);
  const logits = await model.forward(PROMPT, model.newCache());
  assert.ok(farthest(logits, reference(PROMPT).logits.at(-1) ?? []) < tolerance);
  await model.dispose();
});

test('transformers.js writes the same text with the same folders', { skip: noPeer }, () => {
  const answers = askPeer(written.map(({ dir, type: { dtype } }) => ({ dir, dtype, ids: PROMPT, tokens: TOKENS })));
  assert.equal(answers.length, CHOSEN.length * DATA_TYPES.length);
  let same = 0;
  for (const [i, answer] of answers.entries()) {
    const { name, type, tokens, logits, leads } = written[i] as Written;
    if ('error' in answer) assert.fail(`${name}: ${answer.error}`);
    const distance = farthest(logits, answer.logits);
    assert.ok(distance < type.tolerance, `${name}: ${distance}`);
    const other = tokens.findIndex((id, at) => id !== answer.tokens[at]);
    if (other === -1 || answer.tokens[other] === undefined) same++;
    else assert.ok((leads[other] as number) < 2 * type.tolerance, `${name}: token ${other}`);
  }
  assert.ok(same >= 0.9 * answers.length, `only ${same} of ${answers.length} texts are the same`);
});

function best(logits: ArrayLike<number>): number {
  return Array.from(logits).reduce((top, x, id) => (x > (logits[top] as number) ? id : top), 0);
}

function lead(logits: ArrayLike<number>): number {
  const [a = 0, b = 0] = Array.from(logits).sort((x, y) => y - x);
  return a - b;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
    Array.from(x).reduce((sum, value, i) => sum + value * (y[i] as number), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** What a folder or repository holds, and which is loaded; undefined: none. */
const FOLDERS: { files: string[]; loaded: string }[] = [
  { files: ['onnx/model.onnx'], loaded: 'onnx/model.onnx' },
  { files: ['model.onnx'], loaded: 'model.onnx' },
  { files: ['model.onnx', 'onnx/model.onnx'], loaded: 'onnx/model.onnx' },
  { files: ['onnx/model.onnx', 'onnx/model_quantized.onnx'], loaded: 'onnx/model_quantized.onnx' },
  { files: ['onnx/model_int8.onnx', 'onnx/model_uint8.onnx'], loaded: 'onnx/model_int8.onnx' },
  { files: ['onnx/model_q8.onnx', 'onnx/model_int8.onnx'], loaded: 'onnx/model_q8.onnx' },
  { files: ['onnx/model_q4f16.onnx', 'onnx/model_q4.onnx', 'onnx/model_fp16.onnx'], loaded: 'onnx/model_q4.onnx' },
  { files: ['onnx/model_fp16.onnx', 'onnx/model_q4f16.onnx'], loaded: 'onnx/model_q4f16.onnx' },
  { files: ['onnx/model.onnx', 'onnx/model_fp16.onnx'], loaded: 'onnx/model_fp16.onnx' },
  { files: ['onnx/model_bnb4.onnx', 'onnx/model.onnx'], loaded: 'onnx/model.onnx' },
  { files: ['onnx/model_bnb4.onnx'], loaded: 'onnx/model_bnb4.onnx' },
  { files: ['onnx/model_q4.onnx', 'model_quantized.onnx'], loaded: 'model_quantized.onnx' },
  {
    files: ['onnx/decoder_model_merged_quantized.onnx', 'onnx/model_fp16.onnx'],
    loaded: 'onnx/model_fp16.onnx',
  },
  {
    files: ['onnx/decoder_model_merged.onnx', 'onnx/decoder_model_merged_q4.onnx'],
    loaded: 'onnx/decoder_model_merged_q4.onnx',
  },
];
for (const [i, { files, loaded }] of FOLDERS.entries())
  test(`of ${files.join(', ')} the engine loads ${loaded}, which is what the catalog offers first`, () => {
    const dir = join(scratch, `folder-${i}`);
    writeTinyModel(dir);
    rmSync(join(dir, 'onnx'), { recursive: true });
    mkdirSync(join(dir, 'onnx'));
    for (const file of files) writeFileSync(join(dir, file), '');
    assert.equal(readModelFolder(dir).weights, loaded);
    assert.equal(weightsChoices(files.map((path) => ({ path, size: 1 })))[0]?.id, loaded);
  });

const NAMES: [locked: string, name: string][] = [
  ['{"name": "owner/Some-Coder-0.5B"}', 'Some-Coder-0.5B'],
  ['{"name": 5}', 'abcdef123456'],
  ['no JSON', 'abcdef123456'],
];
for (const [locked, name] of NAMES)
  test(`a folder with ${locked} in its lock file is called ${name}`, () => {
    const dir = join(scratch, 'owner--Some-Coder-0.5B', 'abcdef123456');
    writeTinyModel(dir);
    assert.equal(readModelFolder(dir).name, 'abcdef123456');
    writeFileSync(join(dir, LOCK_FILE), locked);
    assert.equal(readModelFolder(dir).name, name);
    rmSync(join(dir, LOCK_FILE));
  });
