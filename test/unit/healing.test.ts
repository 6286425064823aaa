// The piece before the cursor is taken back and written anew: the text always goes on from what was typed.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Engine } from '../../src/engine/engine';
import { splitLastPiece, typedPiece } from '../../src/engine/healing';
import { readModelFolder } from '../../src/engine/modelFolder';
import { Tokenizer } from '../../src/engine/tokenizer';
import { textsOf, TokenTexts } from '../../src/engine/tokenTexts';
import type { CompletionRequest } from '../../src/protocol';

const shipped = join(process.cwd(), 'models/glassbox-small');
const tokenizer = new Tokenizer(readModelFolder(shipped));
const texts = tokenizer.texts as TokenTexts;
let engine: Engine;
before(async () => {
  engine = await Engine.load({ modelDir: shipped, device: 'cpu' });
});
after(() => engine.dispose());

/** Text before the cursor, the piece that is taken back. */
const PIECES: [string, string][] = [
  ['const x = docum', ' docum'],
  ['console.lo', 'lo'],
  ['foo(', '('],
  ['foo (', ' ('],
  ['if (x) {\n    ', '\n    '],
  ['a\r\n\r\n\t', '\r\n\r\n\t'],
  ['a = ', ' '],
  ['a = 12345', ' 12345'],
  ['snake_ca', 'ca'],
  ['größ', 'größ'],
  ['', ''],
  ['x = ' + 'a'.repeat(40), ''],
  ['-'.repeat(500), ''],
];
for (const [text, expected] of PIECES) {
  test(`the last piece of ${JSON.stringify(text.slice(0, 20))}`, () => {
    const { before: kept, piece } = splitLastPiece(text);
    assert.equal(piece, expected);
    assert.equal(kept + piece, text);
  });
}

test('the tokens that begin with some bytes are those that a look at every token finds', () => {
  const vocabulary = Array.from({ length: tokenizer.wordIds }, (_, id) => texts.of(id));
  for (const bytes of [' ret', '(', '\n', '\n  ', 'Ã¶', 'zzzz', ' docum', '\xff']) {
    const slow = vocabulary.flatMap((text, id) => (text !== '' && text.startsWith(bytes) ? [id] : []));
    assert.deepEqual(
      [...texts.startingWith(bytes)].sort((a, b) => a - b),
      slow,
      JSON.stringify(bytes),
    );
  }
});

test('the bytes of a vocabulary are those that decoding its ids gives', () => {
  for (const text of ['let größe = "naïve — 漢字 🙂";\n\t', 'return items.map((x) => x * 2);\r\n']) {
    const bytes = tokenizer.encodeText(text).map((id) => texts.of(id));
    assert.equal(Buffer.from(bytes.join(''), 'latin1').toString('utf8'), text);
  }
  assert.deepEqual(textsOf(['<s>', '▁a', '<0x0A>', 'é'], new Set([0]), false), ['', ' a', '\n', 'Ã©']);
});

test('a piece whose tokens do not spell it stays in the prompt', () => {
  const spaced = new TokenTexts([' a', 'a', 'b']);
  assert.equal(typedPiece(spaced, 'ab', [0, 2]), undefined);
  assert.equal(typedPiece(spaced, 'ab', [1, 2])?.characters, 2);
});

const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
const request = (prefix: string, fields: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prefix,
  suffix: '\n}\n',
  path: 'a.ts',
  maxTokens: 12,
  sampling,
  raw: false,
  unbounded: true,
  ...fields,
});
const complete = (asked: CompletionRequest): ReturnType<Engine['complete']> =>
  engine.complete(asked, { signal: new AbortController().signal });

for (const temperature of [0, 1.5]) {
  test(`what is written begins with what was typed, at temperature ${temperature}`, async () => {
    for (const [i, [prefix]] of PIECES.entries()) {
      if (prefix === '') continue;
      const { text, tokens } = await complete(request(prefix, { sampling: { ...sampling, temperature, seed: i } }));
      const { piece } = splitLastPiece(prefix);
      const written = tokenizer.decode(tokens).replace(/\uFFFD+$/, ''); // an unfinished character is not shown
      assert.ok(written.startsWith(piece), `${JSON.stringify(written)} after ${JSON.stringify(prefix)}`);
      assert.equal(text, written.slice(piece.length).replaceAll('\r', ''));
      assert.ok(text.length > 0);
    }
  });
}

test('while a word is typed, the prompt stays the same and nothing of it runs again', async () => {
  const prefix = 'export function readLines(path: string) {\n  const text = readF';
  const first = await complete(request(prefix));
  const second = await complete(request(prefix + 'i'));
  assert.equal(second.stats.promptTokens, first.stats.promptTokens);
  assert.equal(second.stats.reusedTokens, first.stats.promptTokens - 1);
});

test('a text ends before the token that makes it too improbable', async () => {
  const prefix = 'for (let i = 0; i < items.le';
  await complete(request(prefix)); // from here on all runs find the same cache: 8-bit products of one token and of many differ in the last digits
  const whole = await complete(request(prefix));
  for (const minProbability of [0.9, 0.5, 0.1, 0.01]) {
    const { text, finish, tokens, logprobs } = await complete(request(prefix, { minProbability }));
    assert.ok(whole.text.startsWith(text));
    // The token that writes the typed piece anew counts with its share among those that begin so, all others with their probability.
    const sum = logprobs.slice(1).reduce((total, logprob) => total + logprob, 0);
    assert.ok(tokens.length === 0 || Math.exp(sum) >= minProbability);
    if (finish !== 'unsure') assert.equal(text, whole.text);
  }
  const careful = await complete(request(prefix, { minProbability: 0.9 }));
  const eager = await complete(request(prefix, { minProbability: 0.01 }));
  assert.ok(careful.text.length < eager.text.length);
});
