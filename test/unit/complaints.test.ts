// The table of test/COMPLAINTS.md keeps its word: each row says whose complaint it is, what is done about it, and names tests that exist.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNamed, hasTest, rowsOf } from './namedTests';

const ISSUE = /^[\w.-]+\/[\w.-]+#\d+$/;

const rows = rowsOf('test/COMPLAINTS.md');

test('there are at least thirty complaints, most of them answered', () => {
  assert.ok(rows.length >= 30, `${rows.length} rows`);
  assert.ok(rows.filter(([, , answer]) => answer?.startsWith('No:')).length <= rows.length / 4);
});

for (const [complaint = '', issues = '', answer = '', tests = '', ...rest] of rows) {
  test(`complaint: ${complaint}`, () => {
    assert.deepEqual(rest, [], 'four columns');
    for (const issue of issues.split(', ')) assert.match(issue, ISSUE);
    if (answer.startsWith('No:')) return assert.equal(tests, '–');
    assertNamed(tests);
  });
}

test('a name that is no test is found out', () => {
  const source = "test('one of two', () => {}); test(`${name} opens no connection`, () => {});";
  for (const name of ['one of two', '… opens no connection']) assert.ok(hasTest(source, name), name);
  for (const name of ['of', 'one of', 'two of', 'opens … two']) assert.ok(!hasTest(source, name), name);
});
