// The table of test/COMPLAINTS.md keeps its word: each row says whose complaint it is, what is done about it, and names tests that exist.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const ISSUE = /^[\w.-]+\/[\w.-]+#\d+$/;
/** `file`: name; … in a name stands for what is put in there, line by line of a table. */
const TEST = /^`([^`]+)`: (.+)$/;

const rows = readFileSync('test/COMPLAINTS.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  .slice(1)
  .map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  );

test('there are at least thirty complaints, most of them answered', () => {
  assert.ok(rows.length >= 30, `${rows.length} rows`);
  assert.ok(rows.filter(([, , answer]) => answer?.startsWith('No:')).length <= rows.length / 4);
});

for (const [complaint = '', issues = '', answer = '', tests = '', ...rest] of rows) {
  test(`complaint: ${complaint}`, () => {
    assert.deepEqual(rest, [], 'four columns');
    for (const issue of issues.split(', ')) assert.match(issue, ISSUE);
    if (answer.startsWith('No:')) return assert.equal(tests, '–');
    for (const named of tests.split('<br>')) {
      const [, file = '', name = ''] = TEST.exec(named) ?? assert.fail(`names no test: ${named}`);
      assert.ok(existsSync(file), file);
      assert.ok(hasTest(readFileSync(file, 'utf8'), name), `${file} has no test "${name}"`);
    }
  });
}

/** Whether a source has a string literal with this text. */
function hasTest(source: string, name: string): boolean {
  const parts = name.split('…').map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(['"\`])${parts.join('[^\\n]*?')}\\1`).test(source);
}

test('a name that is no test is found out', () => {
  const source = "test('one of two', () => {}); test(`${name} opens no connection`, () => {});";
  for (const name of ['one of two', '… opens no connection']) assert.ok(hasTest(source, name), name);
  for (const name of ['of', 'one of', 'two of', 'opens … two']) assert.ok(!hasTest(source, name), name);
});
