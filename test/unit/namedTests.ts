// Tables in Markdown that name tests: `file`: name. … in a name stands for what is put in there, line by line of a table.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';

const TEST = /^`([^`]+)`: (.+)$/;

/** The cells of a file's table, without its head. */
export function rowsOf(file: string): string[][] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .slice(1)
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    );
}

/** Asserts that every test named in a cell exists. */
export function assertNamed(tests: string): void {
  for (const named of tests.split('<br>')) {
    const [, file = '', name = ''] = TEST.exec(named) ?? assert.fail(`names no test: ${named}`);
    assert.ok(existsSync(file), file);
    assert.ok(hasTest(readFileSync(file, 'utf8'), name), `${file} has no test "${name}"`);
  }
}

/** Whether a source has a string literal with this text. */
export function hasTest(source: string, name: string): boolean {
  const parts = name.split('…').map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(['"\`])${parts.join('[^\\n]*?')}\\1`).test(source);
}
