// The table of test/FAMILIES.md keeps its word: it has every family and form that is tested, and every family that is offered.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DECODER_TYPES, familyOf } from '../../src/catalog/families';
import { FAMILIES, isRewritten } from '../families';
import type { FormName } from '../forms/families/family';
import { assertNamed, rowsOf } from './namedTests';

const FILE = 'test/FAMILIES.md';
const rows = rowsOf(FILE).filter((cells) => cells.length === 5);

test('families: the table has a row for each family and form that is tested, in order', () => {
  const tested = FAMILIES.flatMap(({ name, modelType, forms }) => forms.map((form) => [name, modelType, form]));
  assert.deepEqual(rows.map((cells) => cells.slice(0, 3)), tested); // prettier-ignore
  const names = tested.map(([name, , form]) => `${name}, ${form}`);
  assert.equal(new Set(names).size, names.length);
});

for (const [family = '', modelType = '', form = '', run = '', tests = ''] of rows)
  test(`families: ${family}, ${form}`, () => {
    assert.equal(run, isRewritten(form as FormName) ? 'rewritten' : 'as it is');
    assertNamed(tests);
    assert.ok('name' in familyOf({ model_type: modelType }), `${modelType} is not offered`);
  });

test('families: what is offered has a row', () => {
  assert.deepEqual(
    DECODER_TYPES.filter((type) => !rows.some(([, modelType]) => modelType === type)),
    [],
  );
});

test('families: tests named beside the table exist', () => {
  const named = [...readFileSync(FILE, 'utf8').matchAll(/(`test\/unit\/\w+\.test\.ts`: .+)$/gm)]
    .map(([, text]) => text as string)
    .filter((text) => !text.endsWith('|'));
  assert.ok(named.length >= 6, `${named.length}`);
  for (const tests of named) assertNamed(tests);
});
