// Where suggestions end and why, by language; and that a growing text is never taken back. Tables of data, one checker.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cut } from '../../src/completion/cut';
import { shape, situationAt, type Ended, type Shape } from '../../src/completion/stop';
import { seededRandom } from '../../src/engine/random';
import { CASES, type Case } from './stopCases';
import { COMPLAINTS } from './stopComplaints';

for (const each of [...CASES, ...COMPLAINTS]) test(`stop: ${each.name}`, () => check(each));

function check({ path, document, written, ended = 'length', shown, cut }: Case): void {
  const [prefix, suffix] = document.split('‸') as [string, string];
  const situation = situationAt(prefix, suffix, path);
  const whole = shape(written, situation, ended);
  assert.equal(written.slice(0, whole.certain), shown);
  assert.equal(whole.cut, cut);
  grow(written, (text) => shape(text, situation, text === written ? ended : false), written.length, whole);
}

/** However the text arrives, what was let through stays, and a stop says the same as the whole. */
function grow(written: string, read: (text: string) => Shape, length: number, whole: Shape): void {
  let before = 0;
  for (let end = 0; end <= length; end++) {
    const { certain, stop, cut } = read(written.slice(0, end));
    const so = JSON.stringify(written.slice(0, end));
    assert.ok(certain >= before, `shrinks from ${before} to ${certain} at ${so}`);
    assert.ok(certain <= whole.certain, `lets ${certain} of ${whole.certain} through at ${so}`);
    if (stop)
      return assert.deepEqual({ certain, cut }, { certain: whole.certain, cut: whole.cut }, `stops otherwise at ${so}`);
    before = certain;
  }
}

const PIECES = [
  'foo',
  'bar(',
  ')',
  ' ',
  '\n',
  '\n  ',
  '\n    ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  ', ',
  ';',
  ':',
  '= ',
  '`',
  '${',
  '\\u',
  '12',
  '# ',
  '// ',
  '\t',
  'a.b',
  'return x;',
  'foo(bar)\n    return x\n    ',
  'foo(bar);\n  ',
  'sk-',
  'ghp_',
  'password = "',
  'q8Zk2vW9xL4t',
  'é',
  '中文',
  'ab, ab, ab, ',
  '-----BEGIN',
];
const DOCUMENTS: [path: string, document: string][] = [
  ['a.ts', 'if (a) {\n  ‸\n  foo(bar);\n}\n'],
  ['a.ts', 'foo(‸)\nbar;\n'],
  ['a.ts', 'x = "‸";\n'],
  ['a.ts', 'a = `${‸\n'],
  ['a.py', 'def f(x):\n    foo(bar)\n    return x\n    ‸\n'],
  ['a.py', '"""‸\n'],
  ['a.json', '{\n  "a": [‸\n  ]\n}\n'],
  ['a.md', '- foo\n- ‸\n- bar\n'],
  ['a.yml', 'a:\n  b: ‸ c\n'],
  ['', '‸'],
];

/** More by hand: `TEXTS=100000`. */
const TEXTS = Number(process.env.TEXTS ?? 3000);

test('stop: random texts never shrink while they grow, and end as the whole does', () => {
  const random = seededRandom(5);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const cuts = new Set<Cut | undefined>();
  for (let i = 0; i < TEXTS; i++) {
    const [path, document] = pick(DOCUMENTS);
    const [prefix, suffix] = document.split('‸') as [string, string];
    const situation = situationAt(prefix, suffix, path);
    const written = Array.from({ length: 1 + Math.floor(random() * 24) }, () => pick(PIECES)).join('');
    const ended = pick<Ended>([true, 'length', 'unsure']);
    const whole = shape(written, situation, ended);
    cuts.add(whole.cut);
    assert.ok(whole.stop);
    const shown = written.slice(0, whole.certain);
    assert.ok(shown === '' || shown.trim() !== '', 'white space alone');
    grow(written, (text) => shape(text, situation, false), written.length, whole);
  }
  const all: Cut[] = ['complete', 'repeats-below', 'repeats-above', 'loop', 'unbalanced', 'half-line', 'secret'];
  for (const cut of all) assert.ok(cuts.has(cut), `no text ended as ${cut}`);
});

test('stop: no line is begun in a text that has become improbable', () => {
  const situation = situationAt('{\n  ', '\n}\n', 'a.ts');
  const text = 'a();\n  b();\n  c';
  assert.deepEqual(shape(text, situation, false, 0.1), { certain: 11, stop: false });
  assert.deepEqual(shape(text, situation, false, 1e-6), { certain: 11, stop: true, cut: 'half-line' });
  assert.equal(shape('a(b', situation, false, 1e-6).stop, false, 'the first line is another matter');
});
