// What is left of an offer where the document has gone on, and which offer the memory answers with. Tables of data, and a slow obvious
// reference over random typing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Offer, Spot, type Rest } from '../../src/completion/offer';
import { Offers } from '../../src/completion/offers';
import { seededRandom } from '../../src/engine/random';

function split(document: string): [prefix: string, suffix: string] {
  return document.split('‸') as [string, string];
}

function offer(asked: string, text: string, finished = true): Offer {
  const made = new Offer(new Spot(...split(asked)));
  made.append(text);
  if (finished) made.finish();
  return made;
}

const LONG = 'x'.repeat(20_000);

/** Name, document when asked, text so far, finished, document now, what is left and how many characters it takes the place of. */
const LEFT: [
  name: string,
  asked: string,
  text: string,
  finished: boolean,
  now: string,
  left?: string,
  over?: number,
][] = [
  ['nothing typed', 'a‸z', 'bc', true, 'a‸z', 'bc'],
  ['typed as offered', 'a‸z', 'bcd', true, 'ab‸z', 'cd'],
  ['typed to the end', 'a‸z', 'bc', true, 'abc‸z'],
  ['typed to the end of what may grow', 'a‸z', 'bc', false, 'abc‸z', ''],
  ['typed ahead of what may grow', 'a‸z', 'b', false, 'abc‸z', ''],
  ['typed far ahead of what may grow', 'a‸z', 'b', false, `ab${LONG}‸z`],
  ['typed something else', 'a‸z', 'bc', false, 'ax‸z'],
  ['deleted before it', 'ab‸z', 'cd', true, 'a‸z'],
  ['changed above', 'ab‸z', 'cd', true, 'xb‸z'],
  ['changed above, and something added', 'ab‸z', 'cd', true, 'xbc‸z'],
  ['changed below', 'a‸z', 'bc', true, 'a‸y'],
  ['added below', 'a‸z', 'bc', true, 'a‸zz'],
  ['changed above what it rests on', `a${LONG}‸z`, 'bc', true, `b${LONG}‸z`, 'bc'],
  ['changed below what it rests on', `a‸${LONG}a`, 'bc', true, `a‸${LONG}b`, 'bc'],
  ['only white space left', 'a‸z', 'b  ', true, 'ab‸z'],
  ['nothing offered', 'a‸z', '', true, 'a‸z', ''],
  ['nothing offered, and typed on', 'a‸z', '', true, 'ab‸z'],
  ['a bracket closed by the editor, at the end', 'f‸\n', '(x)', true, 'f(‸)\n', 'x'],
  ['… and more after it', 'f‸\n', '(x);', true, 'f(‸)\n', 'x);', 1],
  ['… before it comes', 'f‸\n', '(x', false, 'f(‸)\n', 'x'],
  ['… inside others', 'f(‸)\n', 'g(x).y', true, 'f(g(‸))\n', 'x).y', 1],
  ['… with brackets of its own', 'f‸\n', '(g(x), y)', true, 'f(‸)\n', 'g(x), y'],
  ['… which closes another one', 'f‸\n', '(x]', true, 'f(‸)\n'],
  ['a quote closed by the editor', 'f(‸)\n', '"a" + b', true, 'f("‸")\n', 'a" + b', 1],
  ['a bracket and a quote', 'f‸\n', '("a");', true, 'f("‸")\n', 'a");', 2],
  ['a brace closed on its own line', 'f ‸\n', '{\n  x;\n}', true, 'f {\n  ‸\n}\n', 'x;'],
  ['a word added after the cursor', 'f‸\n', '(x)', true, 'f(‸y)\n'],
];
for (const [name, asked, text, finished, now, left, over = 0] of LEFT) {
  test(`offer: ${name}`, () => {
    const expected: Rest | undefined = left === undefined ? undefined : { text: left, over };
    assert.deepEqual(offer(asked, text, finished).remaining(...split(now)), expected);
  });
}

/** Name, offers in the order in which they came, document now, what is shown. */
const REMEMBERED: [name: string, offers: [asked: string, text: string][], now: string, shown?: string][] = [
  [
    'the newer of two',
    [
      ['a‸', 'bcd'],
      ['ab‸', 'xy'],
    ],
    'ab‸',
    'xy',
  ],
  [
    'deleted back: the earlier one again',
    [
      ['a‸', 'bcd'],
      ['ab‸', 'xy'],
    ],
    'a‸',
    'bcd',
  ],
  [
    'deleted back and typed otherwise',
    [
      ['a‸', 'bcd'],
      ['ax‸', 'yz'],
    ],
    'ab‸',
    'cd',
  ],
  [
    'the cursor returns',
    [
      ['one(‸)\ntwo()', 'a'],
      ['one()\ntwo(‸)', 'b'],
    ],
    'one(‸)\ntwo()',
    'a',
  ],
  [
    'one with something left before one with nothing',
    [
      ['a‸', 'bcd'],
      ['ab‸', ''],
    ],
    'ab‸',
    'cd',
  ],
  ['known to have nothing', [['a‸', '']], 'a‸', ''],
  ['an edit above since', [['one\ntwo ‸', 'x']], 'ones\ntwo ‸'],
  ['nothing known', [], 'a‸'],
];
for (const [name, offers, now, shown] of REMEMBERED) {
  test(`memory: ${name}`, () => {
    const memory = new Offers<Offer>(10);
    for (const [asked, text] of offers) memory.add('document', offer(asked, text));
    assert.equal(memory.find('document', ...split(now))?.rest.text, shown);
    assert.equal(memory.find('another document', ...split(now)), undefined);
  });
}

test('memory: what is on show stays on show, though another one agrees as well', () => {
  const memory = new Offers<Offer>(10);
  memory.add('d', offer('a‸', 'bcd'));
  memory.add('d', offer('a‸', 'bce'));
  memory.add('d', offer('a‸', 'bcf'), 'never');
  assert.equal(memory.find('d', 'ab', '')?.rest.text, 'ce');
  memory.add('d', offer('z‸', 'x'));
  assert.equal(memory.find('d', 'abc', '')?.rest.text, 'e');
  assert.equal(memory.find('d', 'abcf', ''), undefined);
  assert.equal(memory.find('d', 'abcd', ''), undefined);
});

test('memory: dismissed, all that would answer there is forgotten', () => {
  const memory = new Offers<Offer>(10);
  for (const asked of ['a‸', 'ab‸', 'z‸']) memory.add('d', offer(asked, asked === 'a‸' ? 'bc' : 'c'));
  memory.dismiss('d', 'ab', '');
  assert.equal(memory.find('d', 'a', ''), undefined);
  assert.equal(memory.find('d', 'ab', ''), undefined);
  assert.equal(memory.find('d', 'z', '')?.rest.text, 'c');
});

test('memory: it is bounded, and the one that was used longest ago goes first', () => {
  const memory = new Offers<Offer>(3);
  for (const letter of 'abc') memory.add('d', offer(`${letter}‸`, '!'));
  memory.find('d', 'a', '');
  memory.add('d', offer('d‸', '!'));
  assert.equal(memory.size, 3);
  assert.deepEqual(
    [...'abcd'].filter((letter) => memory.find('d', letter, '') !== undefined),
    ['a', 'c', 'd'],
  );
});

test('memory: random typing, deleting and moving agrees with comparing whole documents', () => {
  const random = seededRandom(11);
  const pick = (text: string): string => text[Math.floor(random() * text.length)] as string;
  let hits = 0;
  for (let round = 0; round < 200; round++) {
    const memory = new Offers<Offer>(1000);
    const all: { prefix: string; suffix: string; text: string }[] = [];
    let prefix = '';
    let suffix = '';
    for (let step = 0; step < 60; step++) {
      const act = random();
      if (act < 0.5) prefix += pick('ab');
      else if (act < 0.7) prefix = prefix.slice(0, -1);
      else if (act < 0.8) [prefix, suffix] = [prefix.slice(0, -1), prefix.slice(-1) + suffix];
      else if (act < 0.9) [prefix, suffix] = [prefix + suffix.slice(0, 1), suffix.slice(1)];
      // What a person would find by hand: some offer whose text, in its document, begins as the document now does.
      const expected = all
        .filter((made) => made.suffix === suffix && (made.prefix + made.text).startsWith(prefix))
        .filter((made) => prefix.startsWith(made.prefix) && prefix.length < (made.prefix + made.text).length)
        .map((made) => (made.prefix + made.text).slice(prefix.length));
      const found = memory.find('d', prefix, suffix);
      if (expected.length > 0) hits++;
      if (found === undefined) assert.deepEqual(expected, []);
      else assert.ok(expected.includes(found.rest.text), `${found.rest.text} is not among ${expected.join()}`);
      if (random() < 0.3) {
        const text = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick('ab')).join('');
        all.push({ prefix, suffix, text });
        memory.add('d', offer(`${prefix}‸${suffix}`, text));
      }
    }
  }
  assert.ok(hits > 1000, `only ${hits} hits`);
});

test('memory: looking among 200 offers in a long document takes far less than a key', () => {
  const memory = new Offers<Offer>(200);
  const code = 'const value = compute(item, index);\n'.repeat(2000);
  for (let i = 0; i < 200; i++)
    memory.add('d', offer(`${code.slice(0, 60_000 + i)}‸${code.slice(-20_000)}`, 'value(item)'));
  const times = Array.from({ length: 50 }, (_, i) => {
    const start = performance.now();
    memory.find('d', code.slice(0, 60_000 + (i % 2 === 0 ? 300 : i)), code.slice(-20_000));
    return performance.now() - start;
  });
  const median = times.sort((a, b) => a - b)[25] as number;
  console.log(`a look-up takes ${median.toFixed(3)} ms`);
  assert.ok(median < 5, `${median} ms`);
});
