// Names that tell files apart.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileNames } from '../../src/extension/panel/fileNames';

// [paths, their names]
const CASES: [paths: string[], names: string[]][] = [
  [[], []],
  [['/src/cart.ts'], ['cart.ts']],
  [
    ['/src/cart.ts', '/src/prices.ts'],
    ['cart.ts', 'prices.ts'],
  ],
  [
    ['/src/a/index.ts', '/src/b/index.ts', '/src/b/cart.ts'],
    ['a/index.ts', 'b/index.ts', 'cart.ts'],
  ],
  [
    ['/x/a/b/index.ts', '/y/a/b/index.ts'],
    ['x/a/b/index.ts', 'y/a/b/index.ts'],
  ],
  [
    ['/index.ts', '/a/index.ts'],
    ['index.ts', 'a/index.ts'],
  ],
  [
    ['/a/index.ts', '/a/index.ts'],
    ['index.ts', 'index.ts'],
  ],
  [
    ['Untitled-1', '/'],
    ['Untitled-1', ''],
  ],
];
for (const [paths, names] of CASES)
  test(`names of ${paths.join(', ') || 'nothing'}`, () => {
    const found = fileNames(paths);
    assert.deepEqual(paths.map((path) => found.get(path)), names); // prettier-ignore
  });
