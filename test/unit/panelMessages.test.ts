// What the page of the panel may send, the page itself, and small arithmetic of the panel's host side.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/engine/random';
import { readMessage } from '../../src/extension/panel/messages';
import { importLines, partAt, partsOf } from '../../src/extension/panel/outline';
import { attentionPage } from '../../src/extension/panel/page';
import { shareOf } from '../../src/extension/panel/shares';

const ask = (question: unknown, more: object = {}): unknown => ({
  type: 'ask',
  number: 1,
  sequence: 3,
  question,
  ...more,
});
const point = (more: object): unknown => ({ type: 'point', sequence: 3, position: 2, shares: new Uint8Array(3), reveal: false, ...more }); // prettier-ignore
const file = (more: object): unknown => ({ type: 'export', name: 'attention.png', data: new Uint8Array(9), ...more });
const effects = (spans: unknown, more: object = {}): unknown => ask({ ask: 'effects', position: 9, heads: true, spans, from: 0, within: 250, ...more }); // prettier-ignore

const TAKEN: unknown[] = [
  { type: 'ready' },
  ask({ ask: 'text', from: 0 }),
  ask({ ask: 'text', from: 0 }, { sequence: 'last' }),
  ask({ ask: 'overview', side: 64 }),
  ask({ ask: 'head', layer: 3, head: 0, from: 7 }),
  ask({ ask: 'row', query: 12 }),
  ask({ ask: 'drawn', from: 2 }),
  ask({ ask: 'rollout', query: 0 }),
  ask({ ask: 'logits', position: 5 }),
  effects([]),
  effects([
    [0, 1],
    [3, 9],
  ]),
  ask({ ask: 'lesson', layer: 0, head: 1, query: 4, key: 4 }),
  { type: 'shows', sequence: 'last' },
  point({}),
  point({ position: -1, shares: new Uint8Array() }),
  file({}),
  file({ name: 'attention (2) of basket.ts.json' }),
];
const DROPPED: unknown[] = [
  undefined,
  null,
  5,
  'ready',
  [],
  {},
  { type: 'Ready' },
  { type: 'toString' },
  ask(undefined),
  ask([]),
  ask({ ask: 'everything' }),
  ask({ ask: 'text' }),
  ask({ ask: 'text', from: -1 }),
  ask({ ask: 'text', from: 0.5 }),
  ask({ ask: 'text', from: '0' }),
  ask({ ask: 'text', from: 2 ** 30 }),
  ask({ ask: 'text', from: 0 }, { number: NaN }),
  ask({ ask: 'text', from: 0 }, { sequence: 'first' }),
  ask({ ask: 'text', from: 0 }, { sequence: -1 }),
  ask({ ask: 'overview', side: 7 }),
  ask({ ask: 'overview', side: 65 }),
  ask({ ask: 'head', layer: 3, head: 99999, from: 7 }),
  ask({ ask: 'head', layer: 3, from: 7 }),
  ask({ ask: 'row', query: Infinity }),
  ask({ ask: 'lesson', layer: 0, head: 1, query: 4, key: 5 }),
  effects(undefined),
  effects([[3, 3]]),
  effects([[3, 10]]),
  effects([[-1, 3]]),
  effects([[1, 2, 3]]),
  effects(Array(65).fill([0, 1])),
  effects([], { heads: 1 }),
  effects([], { from: -1 }),
  effects([], { within: 60_000 }),
  { type: 'shows' },
  point({ position: -2 }),
  point({ sequence: 'last' }),
  point({ shares: new Uint8Array(4) }),
  point({ shares: [0, 0, 0] }),
  point({ shares: new Float32Array(3) }),
  point({ reveal: 1 }),
  file({ name: '../attention.png' }),
  file({ name: 'a/b.png' }),
  file({ name: 'a\\b.png' }),
  file({ name: '.png' }),
  file({ name: 'noending' }),
  file({ name: `${'a'.repeat(200)}.png` }),
  file({ name: 7 }),
  file({ data: 'text' }),
  file({ data: undefined }),
];

for (const sent of TAKEN)
  test(`the host takes ${JSON.stringify(sent)}`, () => assert.deepEqual(readMessage(sent), sent));
for (const sent of DROPPED)
  test(`the host drops ${JSON.stringify(sent) as string | undefined}`, () =>
    assert.equal(readMessage(sent), undefined));

test('what does not belong in a message is left out', () => {
  assert.deepEqual(readMessage({ type: 'ready', more: 1 }), { type: 'ready' });
  const known = readMessage(ask({ ask: 'row', query: 1, layer: 2 }));
  assert.deepEqual(known, ask({ ask: 'row', query: 1 }));
});

test('the page allows one script, our styles and our images, and holds no style or script of its own', () => {
  const parts = { nonce: 'n0nce', cspSource: 'https://own', script: 's.js', style: 'p.css', language: 'zh-cn' };
  const strings = { Head: '头</script><script>alert(1)</script>' };
  const page = attentionPage({ ...parts, strings });
  assert.match(page, /content="default-src 'none'; script-src 'nonce-n0nce'; style-src https:\/\/own; img-src https:\/\/own blob: data:; base-uri 'none'; form-action 'none'"/); // prettier-ignore
  const [, data = ''] = /<script type="application\/json" id="strings">([^<]*)<\/script>/.exec(page) ?? [];
  assert.deepEqual(JSON.parse(data), strings);
  assert.doesNotMatch(page.replace(data, ''), /unsafe|style=|<style|\son\w+=|<script[^>]*>[^<]/);
  assert.match(page, /<html lang="zh-cn">/);
});

const IMPORTS: [what: string, text: string, lines: [number, number] | undefined][] = [
  ['TypeScript', "// a\n\nimport { a } from 'a';\nimport {\n  b,\n} from 'b';\n\nconst x = 1;", [2, 5]],
  ['Python', '"""Doc."""\nimport os\nfrom a.b import (\n    c,\n)\nx = 1', [1, 4]],
  ['C', '/* licence\n * goes on */\n#include <stdio.h>\n#include "a.h"\nint main() {}', [2, 3]],
  ['Rust', 'use std::io;\nuse a::{b, c};\n\nfn main() {}', [0, 1]],
  ['after a licence without stars', '/*\n words of a licence\n*/\nimport a from "a";\nf();', [3, 3]],
  ['after a docstring of lines', '#!/bin/x\n"""Doc\nstring.\n"""\nimport os\nx = 1', [4, 4]],
  ['PHP', '<?php\n\nuse A\\\\B;\nf();', [2, 2]],
  ['CommonJS', "'use strict';\nconst a = require('a');\na();", [1, 1]],
  ['Java', 'package a.b;\n\nimport java.util.List;\n\nclass A {}', [0, 2]],
  ['none', 'const x = 1;\nimport later from "x";', undefined],
  ['nothing', '', undefined],
];
for (const [what, text, lines] of IMPORTS)
  test(`imports at the beginning: ${what}`, () =>
    assert.deepEqual(importLines(text.split('\n')), lines && { first: lines[0], last: lines[1] }));

test('every line belongs to the innermost part that people have a name for', () => {
  const leaf = (name: string, holds: boolean, first: number, last: number): Parameters<typeof partsOf>[0][number] => ({ name, holds, first, last, children: [] }); // prettier-ignore
  const symbols = [
    {
      ...leaf('Basket', true, 2, 9),
      children: [
        leaf('items', false, 3, 3),
        { ...leaf('total', true, 4, 8), children: [leaf('items.reduce() callback', true, 5, 7)] },
      ],
    },
    leaf('LIMIT', false, 11, 11),
    leaf('TABLE', false, 12, 15),
  ];
  const lines = ["import 'a';", '', ...Array<string>(14).fill('x')];
  const parts = partsOf(symbols, lines, { imports: 'imports', rest: 'rest' });
  const named = lines.map((_, line) => parts[partAt(parts, line)]?.name);
  const expected = ['imports', 'rest', 'Basket', 'Basket', ...Array<string>(5).fill('Basket.total'), 'Basket', 'rest', 'rest', ...Array<string>(4).fill('TABLE')]; // prettier-ignore
  assert.deepEqual(named, expected);
  assert.equal(partAt(parts, 99), -1);
});

test('the share of a token is the mean of what the generated tokens drew from it, against adding up one by one', () => {
  const random = seededRandom(3);
  for (const [from, n] of [
    [1, 2],
    [3, 7],
    [5, 20],
  ] as const) {
    const rows: number[][] = [];
    for (let position = from; position < n; position++) rows.push(Array.from({ length: position }, () => random()));
    const weights = Float32Array.from(rows.flat());
    const shares = Array.from({ length: n - 1 }, (_, key) =>
      rows.reduce((sum, row) => sum + Math.fround(row[key] ?? 0), 0),
    );
    const counted = (key: number): boolean => key % 3 !== 0;
    for (let key = 0; key < n - 1; key++) {
      const found = shareOf({ answer: 'drawn', sequence: 1, from, n, weights }, key, counted);
      assert.ok(Math.abs((found?.share ?? NaN) - (shares[key] as number) / (n - from)) < 1e-6);
      const better = shares.filter((share, other) => share > (shares[key] as number) && counted(other));
      assert.equal(found?.rank, 1 + better.length);
    }
    assert.equal(shareOf({ answer: 'drawn', sequence: 1, from, n, weights }, n - 1, counted), undefined);
  }
  const none = { answer: 'drawn', sequence: 1, from: 4, n: 4, weights: new Float32Array() } as const;
  assert.equal(
    shareOf(none, 1, () => true),
    undefined,
  );
});
