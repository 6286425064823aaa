// The table of test/VIEWERS.md keeps its word: each row has all columns, and what we say of ourselves names tests that exist.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNamed, rowsOf } from './namedTests';

const rows = rowsOf('test/VIEWERS.md');
/** The feature, ten others, ours, the tests. */
const COLUMNS = 13;

test('there are all features that any of the others has', () => assert.ok(rows.length >= 28, `${rows.length} rows`));

for (const [feature = '', ...cells] of rows)
  test(`viewers: ${feature}`, () => {
    assert.equal(cells.length + 1, COLUMNS);
    const [ours = '', tests = ''] = cells.slice(-2);
    for (const other of cells.slice(0, -2)) assert.match(other, /^[YP–]$/);
    if (ours.startsWith('No:')) return assert.equal(tests, '–');
    assert.match(ours, /^[YP]\b/);
    assertNamed(tests);
  });
