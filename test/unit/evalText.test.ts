// The text side of the evaluation of a model: similarity, holes, windows, typing, the words of a document. Tables of data, one checker each.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spread } from '../../models/eval/draw';
import { compressionRow } from '../../models/eval/compression';
import type { EvalFile } from '../../models/eval/files';
import { linesRight } from '../../models/eval/fill';
import { blocks, lineEnds } from '../../models/eval/holes';
import { differenceInterval, interval } from '../../models/eval/interval';
import { table } from '../../models/eval/table';
import { keystrokesSaved, NO_OFFER, replay, sumOf, type Offerer, type Typing } from '../../models/eval/replay';
import { editDistance, editSimilarity } from '../../models/eval/similarity';
import { windows } from '../../models/eval/windows';
import { wordOfferer } from '../../models/eval/wordOfferer';

const SIMILARITIES: [a: string, b: string, distance: number, similarity: number][] = [
  ['', '', 0, 1],
  ['abc', 'abc', 0, 1],
  ['', 'abcd', 4, 0],
  ['kitten', 'sitting', 3, 1 - 3 / 7],
  ['flaw', 'lawn', 2, 0.5],
  ['abc', 'xyz', 3, 0],
];

for (const [a, b, distance, similarity] of SIMILARITIES) {
  test(`similarity of "${a}" and "${b}"`, () => {
    assert.equal(editDistance(a, b), distance);
    assert.equal(editDistance(b, a), distance);
    assert.ok(Math.abs(editSimilarity(a, b) - similarity) < 1e-12);
  });
}

/** Text, the rests of lines that may be cut out. */
const LINE_ENDS: [name: string, text: string, rests: string[]][] = [
  [
    'after a word or a sign, never inside a word',
    'let a = foo(bar);',
    [' a = foo(bar);', 'a = foo(bar);', ' = foo(bar);', '= foo(bar);', ' foo(bar);', 'foo(bar);', '(bar);', 'bar);'],
  ],
  ['not in the indentation', '    return x;', [' x;'].slice(1).concat(['return x;'].slice(1))],
  ['nothing in short lines', 'a;\n}\n', []],
];

for (const [name, text, rests] of LINE_ENDS) {
  test(`rests of lines: ${name}`, () =>
    assert.deepEqual(
      lineEnds(text).map(([start, end]) => text.slice(start, end)),
      rests,
    ));
}

/** Text, the blocks in it. */
const BLOCKS: [name: string, text: string, found: string[]][] = [
  ['a body, without its indentation', 'f() {\n  a();\n  b();\n}\n', ['a();\n  b();']],
  ['a body within a body', 'if a:\n  if b:\n    c\n    d\n  e\nf', ['if b:\n    c\n    d\n  e', 'c\n    d']],
  ['not one line', 'f() {\n  a();\n}\n', []],
  ['not seven', `f() {\n${'  a();\n'.repeat(7)}}\n`, []],
  ['six', `f() {\n${'  a();\n'.repeat(6)}}\n`, [`a();\n${'  a();\n'.repeat(5)}`.trimEnd()]],
  ['not across a blank line', 'f() {\n  a();\n  b();\n\n  c();\n  d();\n}\n', []],
  ['not at the end of the file, which says nothing of where they end', 'def f():\n  a()\n  b()', []],
];

for (const [name, text, found] of BLOCKS) {
  test(`blocks: ${name}`, () =>
    assert.deepEqual(
      blocks(text).map(([start, end]) => text.slice(start, end)),
      found,
    ));
}

test('places are drawn from each file in turn, the same for the same seed', () => {
  const lists = [[1, 2, 3], [], [10], [20, 21]];
  const drawn = spread(lists, 5, 3);
  assert.deepEqual(drawn, spread(lists, 5, 3));
  assert.equal(new Set(drawn.slice(0, 3).map((item) => Math.floor(item / 10))).size, 3);
  assert.equal(new Set(drawn).size, 5);
  assert.equal(spread(lists, 100, 3).length, 6);
});

test('lines count until the first wrong one', () => {
  assert.equal(linesRight(['a', 'b', 'x'], ['a', 'b', 'c', 'd']), 2);
  assert.equal(linesRight(['a', 'b', 'c'], ['a', 'b']), 2);
  assert.equal(linesRight(['x', 'b'], ['a', 'b']), 0);
});

test('windows are whole lines of 400 to 600 characters, every second one inside its file', () => {
  const text = Array.from({ length: 800 }, (_, i) => `  line(${i});`).join('\n');
  const drawn = windows([{ language: 'javascript', path: 'a.js', text }], 8);
  assert.equal(drawn.length, 8);
  assert.equal(drawn.filter(({ inside }) => inside).length, 4);
  for (const { start, end, inside } of drawn) {
    assert.ok(end - start >= 400 && end - start <= 600);
    assert.equal(text[start - 1], '\n');
    assert.ok(end === text.length || text[end] === '\n');
    assert.ok(!inside || end < text.length);
  }
});

test('windows do not overlap', () => {
  const text = Array.from({ length: 150 }, (_, i) => `  line(${i});`).join('\n');
  const files = ['README.md', 'README.md'].map((path): EvalFile => ({ language: 'markdown', path, text }));
  const drawn = windows(files, 8);
  for (const [i, a] of drawn.entries())
    for (const b of drawn.slice(0, i)) assert.ok(a.file !== b.file || a.end <= b.start || b.end <= a.start);
  assert.deepEqual(windows(files, 8), drawn);
  assert.equal(windows([{ language: 'markdown', path: 'a.md', text: text.slice(0, 900) }], 8).length, 1);
});

const typing = (keys: number): Typing => ({ characters: 100, keys, shown: 0, accepted: 0, acceptedCharacters: 0 });

test('the interval of a difference is of pairs: what both have in common does not widen it', () => {
  const shifted = Array.from({ length: 20 }, (_, i): [Typing, Typing] => [typing(30 + 2 * i), typing(40 + 2 * i)]);
  const [low, high] = differenceInterval(shifted);
  assert.ok(Math.abs(low - 0.1) < 1e-9 && Math.abs(high - 0.1) < 1e-9, `${low} to ${high}`);
  const mixed = shifted.map(([a, b], i): [Typing, Typing] => (i % 2 === 0 ? [a, b] : [b, a]));
  const [below, above] = differenceInterval(mixed);
  assert.ok(below < -0.02 && above > 0.02 && below > -0.1 && above < 0.1, `${below} to ${above}`);
});

test('the interval is that of the windows drawn anew within their languages', () => {
  const window = (ours: number, words: number, ngram: number) => ({
    ours: typing(ours),
    words: typing(words),
    ngram: typing(ngram),
  });
  // One window a language: no other draw than this one.
  const { saved, ratio } = interval([[window(40, 80, 70)], [window(60, 70, 90)]]);
  assert.ok(saved.every((figure) => Math.abs(figure - 0.5) < 1e-12));
  assert.ok(ratio.every((figure) => Math.abs(figure - 2) < 1e-12));
  // Twenty windows that save all or nothing: 0.5 ± 1.96 · √(0.25 / 20), the baseline being as good as ours is.
  const mixed = [Array.from({ length: 20 }, (_, i) => window(100 * (i % 2), 100 * (i % 2), 100))];
  const wide = interval(mixed);
  assert.ok(Math.abs(wide.saved[0] - 0.28) < 0.06 && Math.abs(wide.saved[1] - 0.72) < 0.06, wide.saved.join(' '));
  assert.deepEqual(wide.ratio, [1, 1]);
  assert.deepEqual(interval(mixed), wide);
});

const TYPED = 'first line\n  let x = 1;\n\n\treturn x;';
const file: EvalFile = { language: 'typescript', path: 'a.ts', text: `before;\n${TYPED}\nafter;` };
const start = 'before;\n'.length;
const window = { file, start, end: start + TYPED.length, inside: true };
/** Without the white space at the front of lines. */
const CHARACTERS = 'first line\nlet x = 1;\n\nreturn x;'.length;

/** Knows the rest of the line. */
const oracle: Offerer = {
  offer: (prefix) => ({ text: file.text.slice(prefix.length).split('\n', 1)[0] as string }),
};
/** Says the same wherever it is asked. */
const parrot = (text: string, word = false): Offerer => ({ offer: () => ({ text, word }) });

const REPLAYS: [name: string, offerer: Offerer, typing: Partial<Typing>][] = [
  ['no offer saves nothing', { offer: () => NO_OFFER }, { keys: CHARACTERS, shown: 0, accepted: 0 }],
  // One key for each of three lines, one for each of three line breaks.
  ['an oracle takes a key a line', oracle, { keys: 6, shown: 3, accepted: 3, acceptedCharacters: CHARACTERS - 3 }],
  [
    'an offer may be answered later',
    { offer: (prefix, suffix, path) => Promise.resolve(oracle.offer(prefix, suffix, path)) },
    { keys: 6, accepted: 3 },
  ],
  // "first", then " line" and so on are no beginnings of "first line!": it is shown once and typed along to the "!", then at every key.
  [
    'an offer that typing goes along with is shown once',
    parrot('first line!'),
    { keys: CHARACTERS, shown: 1 + CHARACTERS - 11, accepted: 0 },
  ],
  ['a single character is no offer', parrot('f'), { keys: CHARACTERS, shown: 0, accepted: 0 }],
  // Asked at every key; accepted at "fi".
  ['a part of a word is right', parrot('fi'), { keys: CHARACTERS - 1, accepted: 1, acceptedCharacters: 2 }],
  ['but not where it is to be a word', parrot('fi', true), { keys: CHARACTERS, accepted: 0 }],
  ['a word is', parrot('first', true), { keys: CHARACTERS - 4, accepted: 1, acceptedCharacters: 5 }],
];

for (const [name, offerer, expected] of REPLAYS) {
  test(`typing: ${name}`, async () => {
    const typing = await replay(window, offerer);
    assert.equal(typing.characters, CHARACTERS);
    for (const [key, value] of Object.entries(expected)) assert.equal(typing[key as keyof Typing], value, key);
  });
}

test('the text after the window is there only inside a file', async () => {
  const seen = new Set<string>();
  const spy: Offerer = { offer: (_, suffix) => (seen.add(suffix), NO_OFFER) };
  await replay(window, spy);
  assert.deepEqual([...seen], ['\nafter;']);
  seen.clear();
  await replay({ ...window, inside: false }, spy);
  assert.deepEqual([...seen], ['']);
});

test('keystrokes saved are 1 − keys / characters, over all windows', () => {
  const one = { characters: 100, keys: 75, shown: 10, accepted: 5, acceptedCharacters: 30 };
  assert.equal(keystrokesSaved(one), 0.25);
  assert.equal(keystrokesSaved(sumOf([one, { ...one, keys: 25 }])), 0.5);
  assert.equal(keystrokesSaved(sumOf([])), 0);
});

/** Document with the cursor at ‸, what is offered. */
const WORDS: [name: string, document: string, offered: string][] = [
  ['nothing before a word', 'alpha alpha ‸', ''],
  ['the most frequent', 'about alpha alpha a‸', 'lpha'],
  ['of equals the nearest before the cursor', 'alpha about a‸ abba', 'bout'],
  ['before what stands after', 'alpha a‸ about', 'lpha'],
  ['both sides count', 'alpha a‸ about about', 'bout'],
  ['not the word itself', 'alp‸', ''],
  ['upper case is another', 'Alpha a‸', ''],
  ['dollars and digits are parts of words', '$el1 $e‸', 'l1'],
  ['a number is no word', 'alpha 1a‸', ''],
];

for (const [name, document, offered] of WORDS) {
  test(`words: ${name}`, async () => {
    const [prefix, suffix] = document.split('‸') as [string, string];
    assert.equal((await wordOfferer.offer(prefix, suffix, '')).text, offered);
  });
}

test('the ratio to xz is bits by bits', () => {
  const nats = 100 * Math.LN2; // 100 bits in 50 bytes
  const row = compressionRow('json', { files: 2, bytes: 50, nats, xzBytes: 25, xzTogetherBytes: 10 });
  assert.ok(Math.abs(row.bitsPerByte - 2) < 1e-12);
  assert.equal(row.xz, 4);
  assert.ok(Math.abs(row.ratio - 0.5) < 1e-12);
  assert.ok(Math.abs(row.ratioTogether - 2 / 1.6) < 1e-12);
});

test('tables have columns of one width each', () =>
  assert.equal(
    table(
      ['', 'n'],
      [
        ['json', '5'],
        ['a', '100'],
      ],
    ),
    '        n\njson    5\na     100\n',
  ));
