// The table of test/FAMILIES.md keeps its word: it has every family, form and data type that is tested, and every family that is offered.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DECODER_TYPES, ENCODER_DECODER_TYPES, familyOf } from '../../src/catalog/families';
import { FAMILIES, isRewritten, PEER_CANNOT } from '../families';
import { SEQ2SEQ_FORMS } from '../forms/seq2seq/folders';
import { assertNamed, rowsOf } from './namedTests';

const FILE = 'test/FAMILIES.md';
const rows = rowsOf(FILE);

/** The row of a form: what is run how, and what shows it, in float32 and in four other data types. */
function row(cells: string[], float32: string, others: string): string[] {
  return [...cells, float32, ...Array<string>(4).fill(others)];
}

const DECODERS = FAMILIES.flatMap(({ name, modelType, forms }) =>
  forms.map((form) => {
    const peer = PEER_CANNOT[`${name}, ${form}`] === undefined;
    const cells = [name, modelType, form, isRewritten(form) ? 'rewritten' : 'as it is'];
    return row(cells, peer ? 'T C' : 'C', peer ? 'T U' : 'U');
  }),
);
const ENCODER_DECODERS = SEQ2SEQ_FORMS.flatMap(({ name, modelType }) => {
  const shown = modelType === 'umt5' ? 'R' : 'T R';
  return [
    row([name, modelType, 'encoder, merged decoder', 'as it is'], shown, shown),
    row([name, modelType, 'encoder, two decoders', 'as it is'], 'R', '–'),
  ];
});

test('families: the table has a row for each family and form that is tested, in order', () => {
  assert.deepEqual(rows, [...DECODERS, ...ENCODER_DECODERS]);
  assert.equal(new Set(rows.map((cells) => `${cells[0]}, ${cells[2]}`)).size, rows.length);
});

test('families: what has a row is offered, and what is offered has a row', () => {
  for (const [, modelType = ''] of rows) assert.ok('name' in familyOf({ model_type: modelType }), modelType);
  const missing = [...DECODER_TYPES, ...ENCODER_DECODER_TYPES].filter((type) => !rows.some((cells) => cells[1] === type)); // prettier-ignore
  assert.deepEqual(missing, []);
});

test('families: the tests that are named exist', () => {
  const named = [...readFileSync(FILE, 'utf8').matchAll(/(`test\/unit\/\w+\.test\.ts`: .+)$/gm)].map(([, text]) => text as string); // prettier-ignore
  assert.ok(named.length >= 15, `${named.length}`);
  for (const tests of named) assertNamed(tests);
});

const REFUSED: [name: string, config: Record<string, unknown>, says: RegExp][] = [
  ['BART', { model_type: 'bart', is_encoder_decoder: true }, /encoder–decoder families, bart is not known/],
  ['Whisper', { model_type: 'whisper', is_encoder_decoder: true }, /whisper is not known/],
  ['Mamba', { model_type: 'mamba' }, /mamba keep no keys and values/],
  ['BERT', { model_type: 'bert', architectures: ['BertForMaskedLM'] }, /another task \(BertForMaskedLM\)/],
  ['a Llama that sorts texts', { model_type: 'llama', architectures: ['LlamaForSequenceClassification'] }, /another task/], // prettier-ignore
  ['a mixture of experts', { model_type: 'mixtral' }, /mixtral, is not known/],
  ['no family', {}, /names no model_type/],
];
for (const [name, config, says] of REFUSED)
  test(`refused by name, ${name}`, () => {
    const family = familyOf(config);
    assert.ok('unsupported' in family);
    assert.match(family.unsupported, says);
  });
