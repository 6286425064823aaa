// The n-gram baseline against a slow and obvious one, and the search for shared runs against comparing everything.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackOff, CONTEXT } from '../../models/eval/backOff';
import { DEPTH, sortedPositions } from '../../models/eval/corpus';
import { Ngram } from '../../models/eval/ngramOfferer';
import { RUN, sharesRun } from '../../models/eval/overlap';
import { Pieces } from '../../models/eval/pieces';
import { seededRandom } from '../../src/engine/random';

const VOCAB = 7;
const OPTIONS = { fileWeight: 3, unseen: 1 };

/** Ids that often repeat what came two before. */
function sequence(length: number, seed: number): number[] {
  const random = seededRandom(seed);
  const ids: number[] = [];
  for (let i = 0; i < length; i++)
    ids.push(i > 2 && random() < 0.5 ? (ids[i - 2] as number) : Math.floor(random() * VOCAB));
  return ids;
}

/** How often `id` follows `context` in `text`. */
function count(text: readonly number[], context: readonly number[], id: number): number {
  return text.filter(
    (other, at) => other === id && at >= context.length && context.every((c, i) => text[at - context.length + i] === c),
  ).length;
}

/** Scores of all ids by the definition; an id's order is that of the longest context it was seen after. */
function byDefinition(
  corpus: number[],
  text: number[],
  allowed: number[],
): { id: number; score: number; order: number }[] {
  const scores = new Map<number, { id: number; score: number; order: number }>();
  let factor = 1;
  for (let order = Math.min(CONTEXT, text.length); order >= 0; order--) {
    const context = text.slice(text.length - order);
    const counts = allowed.map((id) => count(corpus, context, id) + OPTIONS.fileWeight * count(text, context, id));
    const total = counts.reduce((a, b) => a + b, 0);
    for (const [i, id] of allowed.entries()) {
      const c = counts[i] as number;
      if (c > 0 && !scores.has(id)) scores.set(id, { id, score: (factor * c) / (total + OPTIONS.unseen), order });
    }
    if (total > 0) factor *= 0.4;
  }
  return [...scores.values()].sort((a, b) => b.score - a.score || b.order - a.order || a.id - b.id);
}

test('positions are sorted by what follows', () => {
  const tokens = Uint16Array.from(sequence(300, 1));
  const next = (at: number): string =>
    String.fromCharCode(...Array.from(tokens.subarray(at, at + DEPTH), (id) => id + 65));
  const order = Array.from(sortedPositions(tokens, VOCAB));
  const expected = order.map((_, i) => i).sort((a, b) => (next(a) < next(b) ? -1 : next(a) > next(b) ? 1 : a - b));
  assert.deepEqual(order, expected);
});

for (const [name, corpusLength, allowed] of [
  ['corpus and file', 400, undefined],
  ['the file alone', 0, undefined],
  ['only what is allowed', 400, [1, 4, 6]],
] as const) {
  test(`the best token is that of the definition: ${name}`, () => {
    const ids = sequence(corpusLength, 2);
    const tokens = Uint16Array.from(ids);
    const corpus = corpusLength === 0 ? undefined : { tokens, order: sortedPositions(tokens, VOCAB) };
    const model = new BackOff(corpus, VOCAB, OPTIONS);
    for (let seed = 0; seed < 200; seed++) {
      const text = sequence(seed % 40, seed);
      const expected = byDefinition(ids, text, [...(allowed ?? Array(VOCAB).keys())])[0];
      const best = model.best(text, allowed);
      assert.equal(best?.id, expected?.id, `seed ${seed}`);
      assert.ok(best === undefined || Math.abs(best.score - (expected?.score ?? NaN)) < 1e-12, `seed ${seed}`);
    }
  });
}

const pieces = new Pieces('models/glassbox-small');

test('a text’s pieces have the ids that the text has', () => {
  const text = 'export const a_b = `x${1 + 22333}`;\n\n\tif (a) return;  // é 漢\n';
  const bytes = pieces
    .encode(text)
    .map((id) => pieces.texts.of(id))
    .join('');
  assert.equal(Buffer.from(bytes, 'latin1').toString('utf8'), text);
});

/** Document with the cursor at ‸, what is offered from the file alone. */
const OFFERS: [name: string, document: string, offered: string][] = [
  ['the rest of the line', 'const total = count(items);\n'.repeat(4) + 'const‸', ' total = count(items);'],
  ['of a word half typed', 'const total = count(items);\n'.repeat(4) + 'const to‸', 'tal = count(items);'],
  ['from what stands after', 'const to‸' + '\nconst total = count(items);'.repeat(4), 'tal = count(items);'],
  ['nothing where nothing was seen', 'x‸', ''],
];

for (const [name, document, offered] of OFFERS) {
  test(`the n-gram model offers ${name}`, async () => {
    const [prefix, suffix] = document.split('‸') as [string, string];
    const ngram = new Ngram(pieces, new BackOff(undefined, pieces.vocab, { fileWeight: 32, unseen: 1 }), 0.1);
    assert.equal((await ngram.offerer(0.1).offer(prefix, suffix, 'a.ts')).text, offered);
    assert.equal((await ngram.offerer(0.9999).offer(prefix, suffix, 'a.ts')).text, '');
  });
}

test('files of one path do not get each other’s offers', async () => {
  const ngram = new Ngram(pieces, new BackOff(undefined, pieces.vocab, { fileWeight: 32, unseen: 1 }), 0.1).offerer(
    0.1,
  );
  const offered = async (word: string, suffix: string): Promise<string> => {
    const prefix = `const total = ${word}(items);\n`.repeat(4) + 'const';
    return (await ngram.offer(prefix, suffix, 'README.md')).text;
  };
  assert.equal(await offered('count', ''), ' total = count(items);');
  assert.equal(await offered('check', ''), ' total = check(items);');
  const after = (word: string): string => `\nconst total = ${word}(items);`.repeat(9);
  const rest = async (suffix: string): Promise<string> => (await ngram.offer('const to', suffix, 'README.md')).text;
  assert.equal(await rest(after('count')), 'tal = count(items);');
  assert.equal(await rest(after('check')), 'tal = check(items);');
});

test('texts that share a run with the corpus are found, others are not', () => {
  const random = seededRandom(9);
  const ids = (length: number): number[] => Array.from({ length }, () => Math.floor(random() * 8192));
  const corpus = ids(5000);
  const texts = [
    ids(300),
    [...ids(30), ...corpus.slice(777, 777 + RUN), ...ids(10)],
    [...ids(30), ...corpus.slice(777, 777 + RUN - 1), ...ids(10)],
    corpus.slice(0, RUN),
    corpus.slice(5000 - RUN),
    ids(3),
  ];
  assert.deepEqual(sharesRun(texts, Uint16Array.from(corpus)), [false, true, false, true, true, false]);
});
