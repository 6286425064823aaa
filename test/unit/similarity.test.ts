// The likeness of parts of other files: the sliding window against a slow, obvious reference; and what files import.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionAt, isHandwritten } from '../../src/completion/excerpt';
import { importedPaths } from '../../src/completion/imports';
import { identifiersOf, rankBySimilarity, type RankedPart } from '../../src/completion/similarity';
import { seededRandom } from '../../src/engine/random';
import { choose, type Part } from '../../src/extension/context/parts';

/** Every window of a text by itself. */
function slowBest(around: string, path: string, text: string, size: number): RankedPart | undefined {
  const lines = text.split('\n');
  let best: RankedPart | undefined;
  for (let line = 0; line === 0 || line + size <= lines.length; line++) {
    const part = lines.slice(line, line + size).join('\n');
    const [wanted, there] = [new Set(identifiersOf(around)), new Set(identifiersOf(part))];
    const common = [...there].filter((word) => wanted.has(word)).length;
    const score = common / new Set([...wanted, ...there]).size;
    if (score > 0 && score >= (best?.score ?? 0)) best = { path, text: part, score, line };
  }
  return best;
}

test('the sliding window finds what a look at every window finds', () => {
  const random = seededRandom(3);
  const words = ['alpha', 'beta', 'gamma', 'delta', 'const', 'return', 'x1', '_y', 'größe', '=', '(', '1'];
  const textOf = (lines: number): string =>
    Array.from({ length: lines }, () =>
      Array.from({ length: Math.floor(random() * 5) }, () => words[Math.floor(random() * words.length)]).join(' '),
    ).join('\n');
  for (let round = 0; round < 300; round++) {
    const around = textOf(1 + Math.floor(random() * 4));
    const size = 1 + Math.floor(random() * 8);
    const candidates = Array.from({ length: 4 }, (_, i) => ({ path: `${i}`, text: textOf(Math.floor(random() * 20)) }));
    const expected = candidates
      .map(({ path, text }) => slowBest(around, path, text, size))
      .filter((part) => part !== undefined)
      .sort((a, b) => b.score - a.score);
    assert.deepEqual(rankBySimilarity(around, candidates, size), expected);
  }
});

test('words that are everywhere make nothing alike', () => {
  assert.deepEqual(rankBySimilarity('const self = return', [{ path: 'a', text: 'const self = return' }]), []);
  assert.deepEqual(rankBySimilarity('', [{ path: 'a', text: 'basket' }]), []);
});

const IMPORTS: [path: string, text: string, existing: string[], found: string[]][] = [
  [
    'src/a/b.ts',
    "import { x } from './c';\nimport y from '../d.js';",
    ['src/a/c.ts', 'src/d.ts'],
    ['src/a/c.ts', 'src/d.ts'],
  ],
  [
    'src/a.ts',
    "export * from './dir';\nimport './side';",
    ['src/dir/index.ts', 'src/side.js'],
    ['src/dir/index.ts', 'src/side.js'],
  ],
  ['a.js', "const b = require('./b');\nawait import('./c.mjs');", ['b.js', 'c.mjs'], ['b.js', 'c.mjs']],
  ['a.ts', "import fs from 'node:fs';\nimport x from '../outside';", ['outside.ts'], []],
  [
    'pkg/m.py',
    'from .other import a\nfrom . import b\nimport pkg.deep.x\nfrom ..up import z',
    ['pkg/other.py', 'pkg/deep/x.py', 'up.py'],
    ['pkg/other.py', 'pkg/deep/x.py', 'up.py'],
  ],
  ['pkg/m.py', 'import os\nfrom top import x', ['src/top/__init__.py'], ['src/top/__init__.py']],
  [
    'src/a.c',
    '#include "a.h"\n#include <stdio.h>\n#include "lib/b.h"',
    ['src/a.h', 'include/lib/b.h'],
    ['src/a.h', 'include/lib/b.h'],
  ],
  [
    'src/main.rs',
    'mod scan;\nuse crate::net::tcp;',
    ['src/scan.rs', 'src/net/tcp.rs'],
    ['src/scan.rs', 'src/net/tcp.rs'],
  ],
  ['lib/a.rb', "require_relative 'b/c'", ['lib/b/c.rb'], ['lib/b/c.rb']],
  ['a.md', "import x from './b'", ['b.ts'], []],
];
for (const [path, text, existing, found] of IMPORTS) {
  test(`imports of ${path}: ${text.split('\n')[0]}`, () => {
    const resolved = importedPaths(path, text).map((paths) => paths.find((one) => existing.includes(one)));
    assert.deepEqual(
      resolved.filter((one) => one !== undefined),
      found,
    );
  });
}

test('a definition ends where the indentation returns', () => {
  const text = 'a\nfunction f(\n  x,\n) {\n  y();\n\n  z();\n}\nb\ndef g():\n    return 1\n\n\nc = 2\n';
  assert.equal(definitionAt(text, 9, 20), 'def g():\n    return 1');
  assert.equal(definitionAt(text, 1, 20), 'function f(\n  x,\n) {\n  y();\n\n  z();\n}');
  assert.equal(definitionAt(text, 8, 20), 'b');
  assert.equal(definitionAt('class A {\n  b = 1;\n\n  c() {}\n}\nd', 0, 20), 'class A {\n  b = 1;\n\n  c() {}\n}');
  assert.equal(definitionAt('class A {\n  b = 1;\n  c = 2;\n}', 0, 2), 'class A {\n  b = 1;');
  assert.equal(definitionAt('a', 5, 20), '');
});

test('what people did not write is told by its look', () => {
  assert.ok(isHandwritten('const a = 1;\n'));
  for (const text of ['', 'a\0b', 'x'.repeat(5000)]) assert.ok(!isHandwritten(text));
});

test('parts: the best last, none twice, and no more than there is room for', () => {
  const part = (path: string, score: number, more: Partial<Part> = {}): Part => ({
    path,
    score,
    kind: 'open',
    line: 0,
    text: `${path}\n`.repeat(10),
    ...more,
  });
  const chosen = choose([
    part('b', 0.2),
    part('a', 0.3),
    part('a', 0.1, { line: 5 }), // overlaps
    part('defined', 0.01, { kind: 'definition' }),
    part('blank', 0.9, { text: ' \n' }),
    part('long', 0.9, { text: 'x'.repeat(100_000) }),
  ]);
  assert.deepEqual(
    chosen.map(({ path }) => path),
    ['b', 'a', 'defined'],
  );
  assert.equal(choose(Array.from({ length: 50 }, (_, i) => part(`${i}`, 0.5))).length, 3);
});
