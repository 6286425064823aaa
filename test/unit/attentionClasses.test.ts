// What kind of head one is: the keys of each class, the scores, the thresholds; and how tokens are grouped.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figures } from '../../src/attention/figures';
import { grouping } from '../../src/attention/grouping';
import { chanceLevels, classify, HEAD_CLASSES, THRESHOLDS, type HeadClass } from '../../src/attention/headClasses';
import { keysOf, PATTERN_CLASSES, patterns, type HeadToken, type PatternClass } from '../../src/attention/patterns';
import { seededRandom, type Random } from '../../src/engine/random';
import { at, randomLayers, spreadReference, sum, triangleOf, type Matrix } from './attentionReference';

/** Tokens between bars; `<…>` is special. Equal texts have equal ids. */
function tokens(text: string): HeadToken[] {
  const ids = new Map<string, number>();
  return text.split('|').map((token) => {
    if (!ids.has(token)) ids.set(token, ids.size);
    return { text: token, id: ids.get(token) as number, special: /^<.*>$/s.test(token) };
  });
}

interface Case {
  text: string;
  of: PatternClass;
  /** Query → keys; of other queries: none. */
  keys: Record<number, number[]>;
}

const CASES: Record<string, Case> = {
  'the token before': { text: '<s>|a|b|c', of: 'previous', keys: { 2: [1], 3: [2] } },
  'the first token': { text: '<s>|a|b', of: 'first', keys: { 1: [0], 2: [0] } },
  'the token itself': { text: '<s>|a|b', of: 'self', keys: { 1: [1], 2: [2] } },
  'eight tokens': { text: '<s>|1|2|3', of: 'local', keys: { 2: [1], 3: [1, 2] } },
  'the same token': { text: '<s>|a|b|a|b|a', of: 'duplicate', keys: { 3: [1], 4: [2], 5: [1, 3] } },
  'after the same token': { text: '<s>|a|b|c|a|a', of: 'induction', keys: { 4: [2], 5: [2] } },
  'the bracket that is closed': {
    text: '<s>|f(|[|1|]|)|;',
    of: 'bracket',
    keys: { 2: [1], 3: [2], 4: [2], 5: [1] },
  },
  'several brackets in one token': {
    text: '<s>|f|(|{|[|1|]})|+',
    of: 'bracket',
    keys: { 3: [2], 4: [3], 5: [4], 6: [2, 3, 4] },
  },
  'brackets in strings and comments': {
    text: `<s>|(|"|)|"| '(' |// )|\n|# (|\n|/* ) */|)`,
    of: 'bracket',
    keys: Object.fromEntries([2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((q) => [q, [1]])),
  },
  'an apostrophe, an address and an unfinished string': {
    text: `<s>|(|don't| |http://x|)| |(|"|)`,
    of: 'bracket',
    keys: { 2: [1], 3: [1], 4: [1], 5: [1], 8: [7], 9: [7] },
  },
  'a bracket that nothing opened, and one that nothing closed': {
    text: '<s>|)|(|[|)|x',
    of: 'bracket',
    keys: { 3: [2], 4: [2] },
  },
  'after the middle the prefix goes on': {
    text: '<fim_prefix>|(|a|<fim_suffix>|[|b|<fim_middle>|)',
    of: 'bracket',
    keys: { 2: [1], 5: [4], 7: [1] },
  },
  'after another mark nothing is open': { text: '<s>|(|<file_sep>|)', of: 'bracket', keys: {} },
  'a name of several tokens': {
    text: '<s>|parse|Args| =| parse|Args|(|parse|)',
    of: 'identifier',
    keys: { 4: [1, 2], 5: [1, 2] },
  },
  'words of the language are no names': { text: '<s>|return| x|;|return| x', of: 'identifier', keys: { 5: [2] } },
  'names that share a token': { text: '<s>|a|.|b|;|a.b', of: 'identifier', keys: { 5: [1, 3] } },
  'lines that are indented alike': {
    text: '<s>|if|:|\n  |a|\n    |b|\n|\n|  c|\nd',
    of: 'indentation',
    keys: { 9: [4], 10: [1] },
  },
  'the middle begins no line': {
    text: '<fim_prefix>|a|\n|b|<fim_suffix>|c|\n|d|<fim_middle>|e',
    of: 'indentation',
    keys: { 3: [1], 7: [1, 3] },
  },
};
for (const [name, { text, of, keys }] of Object.entries(CASES)) {
  test(`${of}: ${name}`, () => {
    const all = tokens(text);
    const set = patterns(all)[of];
    assert.deepEqual(
      all.map((_, q) => [...keysOf(set, q)]),
      all.map((_, q) => keys[q] ?? []),
    );
  });
}

/** Code-like text, cut into tokens anywhere. */
function randomTokens(random: Random, pieces: number): HeadToken[] {
  const from = [
    'foo',
    'Bar',
    'x1',
    '(',
    ')',
    '[',
    ']',
    ' ',
    '\n',
    '\n  ',
    '.',
    'return',
    '"',
    '+',
    'é',
    '😀',
    '',
    '<m>',
  ];
  const draw = (): string => from[Math.floor(random() * from.length)] as string;
  const texts = Array.from({ length: pieces }, () =>
    random() < 0.3 ? (draw() + draw()).replaceAll('<m>', '=') : draw(),
  );
  return tokens(['<s>', ...texts].join('|'));
}

test('patterns of random texts are those of their definitions; keys rise and lie between the first token and the query', () => {
  const random = seededRandom(3);
  for (let round = 0; round < 60; round++) {
    const all = randomTokens(random, 40);
    const found = patterns(all);
    const starts = all.map((_, i) => sum(all.slice(0, i).map(({ text, special }) => (special ? 1 : text.length))));
    const text = all.map((token) => (token.special ? '\0' : token.text)).join('');
    const names = [...text.matchAll(/[\p{L}_$][\p{L}\p{N}\p{M}_$]*/gu)].filter(([name]) => name !== 'return');
    const touches = (token: number, { index, 0: name }: RegExpExecArray): boolean =>
      (starts[token] as number) < index + name.length &&
      index < (starts[token] as number) + (all[token]?.special === true ? 1 : (all[token]?.text.length ?? 0));
    const isSameName = (q: number, k: number): boolean =>
      names.some(
        (one, i) =>
          touches(q, one) &&
          names.slice(0, i).some((other) => other[0] === one[0] && touches(k, other)) &&
          all.findIndex((_, token) => touches(token, one)) > k,
      );
    const id = (position: number): number | undefined => all[position]?.id;
    const rules: Partial<Record<PatternClass, (q: number, k: number) => boolean>> = {
      duplicate: (q, k) => id(k) === id(q),
      induction: (q, k) => id(k - 1) === id(q),
      identifier: isSameName,
      local: (q, k) => q - k <= 8,
      previous: (q, k) => q - k === 1,
    };
    for (const [name, rule] of Object.entries(rules))
      all.forEach((_, q) =>
        assert.deepEqual(
          [...keysOf(found[name as PatternClass], q)],
          all.flatMap((__, k) => (k >= 1 && k < q && rule(q, k) ? [k] : [])),
          `${name} of ${q} in ${JSON.stringify(all.map(({ text }) => text))}`,
        ),
      );
    for (const name of PATTERN_CLASSES.filter((one) => one !== 'first'))
      all.forEach((_, q) => {
        const keys = [...keysOf(found[name], q)];
        assert.ok(
          keys.every((key, i) => key >= 1 && key <= q && (i === 0 || key > (keys[i - 1] as number))),
          name,
        );
      });
  }
});

test('brackets of random texts in which all are closed are matched by depth', () => {
  const random = seededRandom(5);
  for (let round = 0; round < 50; round++) {
    const open: string[] = [];
    const signs = Array.from({ length: 60 }, () => {
      const draw = random();
      if (draw < 0.4)
        return open.push(')]}'[Math.floor(random() * 3)] as string) && '([{'[')]}'.indexOf(open.at(-1) as string)];
      return (draw < 0.8 ? open.pop() : undefined) ?? 'x';
    });
    const all = tokens(['<s>', ...signs, ...open.reverse()].join('|'));
    const depth = all.map((_, q) =>
      sum(all.slice(0, q).map(({ text }) => (/[([{]/.test(text) ? 1 : /[)\]}]/.test(text) ? -1 : 0))),
    );
    const set = patterns(all).bracket;
    // A closing bracket's partner, and what is open before any other token, is the last opener one level further out.
    all.forEach((_, q) => {
      const opener = all.findLastIndex(
        ({ text }, k) => k < q && /[([{]/.test(text) && depth[k] === (depth[q] as number) - 1,
      );
      assert.deepEqual(
        [...keysOf(set, q)],
        opener < 0 ? [] : [opener],
        `${q} of ${all.map(({ text }) => text).join('')}`,
      );
    });
  }
});

/** Σ on the pattern / Σ beside the first token, over the queries that have keys. */
function scoreReference(head: Matrix, keys: (q: number) => number[]): number {
  const queries = head.map((_, q) => q).filter((q) => q > 0 && keys(q).length > 0);
  const whole = sum(queries.map((q) => sum((head[q] as number[]).slice(1))));
  const onKeys = sum(queries.map((q) => sum(keys(q).map((k) => at(head, q, k)))));
  return queries.length === 0 ? 0 : onKeys / Math.max(whole, 0.1 * queries.length);
}

test('scores of random heads are those of the formula', () => {
  const random = seededRandom(8);
  const all = randomTokens(random, 90);
  const { kept, plain } = randomLayers(2, 3, all.length, 4);
  const found = patterns(all);
  const result = figures(kept, all.length, all);
  plain.flat().forEach((head, h) =>
    HEAD_CLASSES.forEach((name, index) => {
      const expected =
        name === 'first'
          ? sum(head.slice(1).map((row) => (row[0] as number) / sum(row))) / (head.length - 1)
          : name === 'broad'
            ? spreadReference(head)
            : scoreReference(head, (q) => [...keysOf(found[name], q)]);
      const score = result.classes[h * HEAD_CLASSES.length + index] as number;
      assert.ok(Math.abs(score - expected) < 1e-5, `${name} of head ${h}: ${score}, not ${expected}`);
    }),
  );
});

const CODE = tokens(
  '<s>|def| load|Items|(|path|,| limit|)|:|\n|    |items| =| []|\n|    |for| line| in| open|(|path|)|:|\n|        |row| =| parse|Row|(|line|)|\n|        |' +
    'if| row| is| None|:|\n|            |continue|\n|        |items|.|append|(|row|)|\n|        |if| len|(|items|)| >=| limit|:|\n|            |break|\n|    |return| items|\n|\n|' +
    'print|(|load|Items|(|"a|.txt|"|,| 3|)|)|\n|print|(|parse|Row|(|"|1|;|2|"|)|)|\n|def| save|Items|(|path|,| items|)|:|\n|    |for| row| in| items|:|\n|        |write|Row|(|path|,| row|)',
);

/** A head that does one thing where it can, and rests on the first token with what is left. */
function headOf(keys: (q: number) => number[], rest = 0.4): Matrix {
  return CODE.map((_, q) => {
    const mine = keys(q);
    const row = Array.from({ length: q + 1 }, () => 0);
    for (const key of mine) row[key] = (1 - rest) / mine.length;
    row[0] = mine.length === 0 ? 1 : (row[0] as number) + rest;
    return row;
  });
}

const found = patterns(CODE);
const chance = chanceLevels(found);
for (const name of HEAD_CLASSES) {
  test(`a head that does nothing but "${name}" is of that class`, () => {
    const head =
      name === 'broad'
        ? headOf((q) => Array.from({ length: q }, (_, i) => i + 1))
        : name === 'first'
          ? headOf((q) => [q], 0.98)
          : headOf((q) => [...keysOf(found[name], q)]);
    const { classes } = figures([[triangleOf(head), triangleOf(head)]], CODE.length, CODE);
    assert.equal(classify(classes, 0, chance), name satisfies HeadClass);
    assert.equal(classify(classes, HEAD_CLASSES.length), name, 'of the second head, without chance');
  });
}

test('a head that looks anywhere at random is of no class but broad, and scores what chance says', () => {
  const head = headOf((q) => Array.from({ length: q }, (_, i) => i + 1), 0);
  const { classes } = figures([[triangleOf(head)]], CODE.length, CODE);
  HEAD_CLASSES.forEach((name, index) => {
    if (name === 'first') return; // it gives nothing to the first token
    assert.ok(
      Math.abs((classes[index] as number) - (chance[index] as number)) < 0.02,
      `${name}: ${classes[index]}, chance ${chance[index]}`,
    );
    assert.ok(name === 'broad' || (chance[index] as number) < THRESHOLDS[name] / 2, name);
  });
});

test('nothing stands out: no class', () => {
  assert.equal(classify(HEAD_CLASSES.map((name) => THRESHOLDS[name] * 0.99)), undefined);
  // In a short text everything is near: what looks everywhere alike would score as much.
  const local = HEAD_CLASSES.map((name) => (name === 'local' ? 0.7 : 0));
  assert.equal(classify(local), 'local');
  assert.equal(
    classify(
      local,
      0,
      HEAD_CLASSES.map(() => 0.4),
    ),
    undefined,
  );
});

test('no tokens, or one, have figures', () => {
  for (const n of [0, 1]) {
    const { classes, entropy } = figures([[new Uint16Array(n).fill(65535)]], n, CODE.slice(0, n));
    assert.deepEqual([...classes, ...entropy], new Array(HEAD_CLASSES.length + 1).fill(0));
  }
});

const GROUPS: [text: string, words: string, lines: string][] = [
  ['parse|Args|(|x|)', '0 0 1 2 3', '0 0 0 0 0'],
  ['a| b|\n|  |c', '0 1 2 3 4', '0 0 0 1 1'],
  ['<s>|a|\n\n|b|<x>|c', '0 1 2 3 4 5', '0 1 1 2 3 4'],
  [' foo|_|1|.b|ar|12|3', '0 0 0 1 1 1 1', '0 0 0 0 0 0 0'],
  ['é|́|!|', '0 0 1 2', '0 0 0 0'],
  ['\n', '0', '0'],
];
for (const [text, words, lines] of GROUPS) {
  test(`words and lines of ${JSON.stringify(text)}`, () => {
    const groups = grouping(tokens(text));
    assert.equal(groups.wordOf.join(' '), words);
    assert.equal(groups.lineOf.join(' '), lines);
    assert.equal(groups.words, 1 + Math.max(...groups.wordOf));
    assert.equal(groups.lines, 1 + Math.max(...groups.lineOf));
  });
}
test('no tokens have no groups', () =>
  assert.deepEqual(grouping([]), { wordOf: new Int32Array(0), words: 0, lineOf: new Int32Array(0), lines: 0 }));
