// The text decisions: what the model is shown, where a suggestion ends, what is left of it. Tables of data, one checker each.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shape, situationAt } from '../../src/completion/stop';
import { windowAround } from '../../src/completion/window';

/** Name, document with the cursor at ‸, what the model writes, what is shown. */
const STOPS: [name: string, document: string, written: string, shown: string][] = [
  ['a line ends at its end', 'const a = ‸', 'b + c;\nconst d = 1;', 'b + c;'],
  ['a line that was complete goes on with the next', 'foo();‸\n', '\nbar();\nbaz();', '\nbar();'],
  ['nothing follows in the middle of a line', 'call(‸, b);', 'a\n', 'a'],
  ['a bracket that stands after the cursor is not written again', 'foo(‸)', 'a, b)', 'a, b'],
  ['brackets of the suggestion’s own are', 'foo(‸)', 'bar(1), baz[2])', 'bar(1), baz[2]'],
  ['the rest of the line is not written again', 'function f(‸): string {', 'a: number): string {', 'a: number'],
  ['nor is a single sign', 'return ‸;', 'sum(a, b);', 'sum(a, b)'],
  ['a sign within brackets is another', 'x = [\n  ‸,\n', 'f(a, b), c', 'f(a, b)'],
  ['nor is a word that stands there', 'return ‸ === undefined;', 'value === undefined;', 'value'],
  ['a block ends with its bracket', 'if (a) {‸\n', '\n  b();\n}\nc();', '\n  b();\n}'],
  ['a bracket below is not written again', 'if (a) {‸\n}\n', '\n  b();\n}\n', '\n  b();'],
  [
    'a block ends where the text moves left',
    'def f(x):\n    ‸\n',
    'y = x\n    return y\nprint(1)\n',
    'y = x\n    return y',
  ],
  ['a Python block after its colon', 'def f(x):‸\n', '\n    return x\n\ndef g(): pass', '\n    return x'],
  ['a line that stands below ends the block', 'let a;\n‸\nlet b;\n', 'let c;\nlet b;\nlet d;', 'let c;'],
  ['a blank line ends the block', '{\n  ‸\n}\n', 'a();\n\n  b();', 'a();'],
  [
    'a body on a blank line ends before the bracket below',
    'class A {\n  ‸\n}\n',
    'b = 1;\n  c = 2;\n}\n',
    'b = 1;\n  c = 2;',
  ],
  ['a body on a blank line closes a bracket that is missing', 'f(() => {\n  ‸\n', 'b();\n});\nmore();', 'b();\n});'],
  ['tabs indent too', 'func f() {\n\t‸\n}\n', 'a()\n\tb()\n}\n', 'a()\n\tb()'],
  ['a block is at most twelve lines', '{\n‸', 'a\n'.repeat(20), Array(12).fill('a').join('\n')],
  ['white space at the end is not shown', 'let a = ‸', '1   ', '1'],
  ['white space alone is nothing', 'let a = 1;‸', '\n\n\n', ''],
];

for (const [name, document, written, shown] of STOPS) {
  test(`stop: ${name}`, () => {
    const [prefix, suffix] = document.split('‸') as [string, string];
    const situation = situationAt(prefix, suffix);
    const whole = shape(written, situation, true);
    assert.equal(written.slice(0, whole.certain), shown);
    // However the text arrives, what was let through stays, and a stop says the same as the whole.
    let before = 0;
    for (let length = 0; length <= written.length; length++) {
      const { certain, stop } = shape(written.slice(0, length), situation, false);
      assert.ok(
        certain >= before,
        `shrinks from ${before} to ${certain} at ${JSON.stringify(written.slice(0, length))}`,
      );
      assert.ok(
        shown.startsWith(written.slice(0, certain)),
        `lets ${JSON.stringify(written.slice(0, certain))} through`,
      );
      if (stop) {
        assert.equal(certain, whole.certain);
        break;
      }
      before = certain;
    }
  });
}

test('window: short documents are shown whole', () => {
  assert.deepEqual(windowAround('abc\n', 'def\n', 10, 10), { prefix: 'abc\n', suffix: 'def\n' });
});

test('window: long ones are cut at line ends and stay within the budget', () => {
  const lines = Array.from({ length: 500 }, (_, i) => `line ${i}\n`).join('');
  const { prefix, suffix } = windowAround(lines, lines, 400, 100);
  assert.ok(prefix.length <= 400 && prefix.length > 250 && lines.endsWith(prefix) && prefix.startsWith('line'));
  assert.ok(suffix.length <= 100 && suffix.length > 80 && lines.startsWith(suffix) && suffix.endsWith('\n'));
});

test('window: its start stays while a line is typed', () => {
  const lines = Array.from({ length: 500 }, (_, i) => `line ${i}\n`).join('');
  const starts = new Set<number>();
  for (let i = 0; i < 40; i++) {
    const text = lines + 'x'.repeat(i);
    starts.add(text.length - windowAround(text, '', 400, 100).prefix.length);
  }
  assert.ok(starts.size <= 2, `${starts.size} starts`);
});

test('window: one endless line is cut too', () => {
  const { prefix, suffix } = windowAround('x'.repeat(5000), 'y'.repeat(5000), 400, 100);
  assert.ok(prefix.length > 250 && prefix.length <= 400);
  assert.equal(suffix.length, 100);
});
