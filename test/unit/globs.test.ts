// Patterns of the setting glassbox.exclude, and that none of them takes long.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesGlob } from '../../src/completion/globs';

const CASES: [glob: string, matched: string[], others: string[]][] = [
  ['*.pem', ['a.pem', 'x/y/a.pem', 'A.PEM'], ['a.pem.ts', 'pem']],
  ['**/secret/**', ['secret/a', 'x/secret/y/z'], ['secrets/a', 'a/secret.ts']],
  ['secret', ['secret', 'secret/a/b', 'x/secret/a'], ['secrets', 'a.secret']],
  ['secret/', ['secret/a', 'x/secret/a'], ['secrets/a']],
  ['src/*.ts', ['src/a.ts'], ['src/a/b.ts', 'x/src/a.ts', 'src/a.tsx']],
  ['/src/*.ts', ['src/a.ts'], ['x/src/a.ts']],
  ['./src/**', ['src/a', 'src/b/c'], ['x/src/a']],
  ['**/*.{key,crt}', ['a.key', 'b/c.crt'], ['a.key.md', 'a.{key,crt}']],
  ['{a,b/{c,d}}/x', ['a/x', 'b/c/x', 'b/d/x'], ['b/x', 'a,b/x']],
  ['a/**/b', ['a/b', 'a/x/b/file', 'a/x/y/b'], ['b', 'x/a/b']],
  ['file[0-9].txt', ['file1.txt', 'd/file9.txt'], ['file.txt', 'filex.txt']],
  ['[slug', ['[slug', 'a/[slug'], ['s']],
  ['src\\gen\\**', ['src/gen/a'], ['src/a']],
  ['**', ['a', 'a/b'], []],
  ['', [], ['a']],
  ['/', [], ['a']],
  ['{', ['{'], ['a']],
  ['?.ts', ['a.ts', '日.ts'], ['ab.ts', '.ts']],
  [`*.{${Array.from({ length: 500 }, (_, i) => `e${i}`).join(',')}}`, ['a.e0', 'x/a.e499'], ['a.e500', 'e1']],
  ['{a,b}'.repeat(8), ['aaaaaaaa', 'bbbbbbbb', 'abababab'], ['a', 'aaaaaaac']],
  ['{a,b}'.repeat(60), ['a', 'x/y'], []], // too many to look at: better nothing is read than a file that was meant
];

for (const [glob, matched, others] of CASES) {
  test(`the pattern ${JSON.stringify(glob)}`, () => {
    for (const path of matched) assert.ok(matchesGlob(glob, path), path);
    for (const path of others) assert.ok(!matchesGlob(glob, path), path);
  });
}

test('patterns made to take long do not', () => {
  const start = performance.now();
  const long = `${'a'.repeat(2000)}b`;
  for (const glob of [
    `${'*a'.repeat(200)}c`,
    `${'**/'.repeat(300)}c`,
    `${'{'.repeat(3000)}`,
    `${'a/**/'.repeat(100)}c`,
  ])
    assert.equal(matchesGlob(glob, `${'a/'.repeat(100)}${long}`), false);
  assert.ok(performance.now() - start < 2000, `${performance.now() - start} ms`);
});
