// Streamed pieces, joined, are the text of the whole, and no piece holds half a character.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextStream } from '../../src/engine/textStream';

/** A tokenizer whose ids are bytes. */
const bytes = (ids: number[]): string => new TextDecoder().decode(Uint8Array.from(ids));
/** One that, as SentencePiece does, drops the space at the start of what it decodes. Ids are character codes. */
const dropsLeadingSpace = (ids: number[]): string => String.fromCharCode(...ids).replace(/^ /, '');

function streamed(decode: (ids: number[]) => string, ids: number[]): string[] {
  const stream = new TextStream(decode);
  return [...ids.map((id) => stream.push(id)), stream.end()];
}

for (const text of ['plain', 'naïve – “quotes”', '🦊🏳️‍🌈 emoji', 'línea\r\nzwei\n', '漢字かな', '\u{1D54F}']) {
  test(`bytes of ${JSON.stringify(text)}`, () => {
    const pieces = streamed(bytes, [...Buffer.from(text)]);
    assert.equal(pieces.join(''), text);
    for (const piece of pieces) assert.ok(!piece.includes('\uFFFD') && piece.isWellFormed(), JSON.stringify(piece));
  });
}

test('an unfinished character at the end is dropped', () => {
  assert.equal(streamed(bytes, [...Buffer.from('ok 🦊').subarray(0, -1)]).join(''), 'ok ');
});

test('a byte that never was a character does not hold the rest back', () => {
  assert.equal(streamed(bytes, [0xff, ...Buffer.from('abc')]).join(''), '\uFFFDabc');
});

test('spaces between pieces survive a tokenizer that drops leading ones', () => {
  const ids = [...'a b  c'].map((char) => char.charCodeAt(0));
  assert.equal(streamed(dropsLeadingSpace, ids).join(''), 'a b  c');
});

test('the first piece keeps the space that separates it from the text it goes on with', () => {
  const codes = (text: string): number[] => [...text].map((char) => char.charCodeAt(0));
  const stream = new TextStream(dropsLeadingSpace, codes('a ='));
  assert.equal(
    codes(' b')
      .map((id) => stream.push(id))
      .join('') + stream.end(),
    ' b',
  );
});

test('a token that stands for no text takes no space with it', () => {
  const decode = (ids: number[]): string => dropsLeadingSpace(ids.filter((id) => id !== 0));
  const ids = [...'a\0 b\0\0 c'].map((char) => char.charCodeAt(0));
  assert.equal(streamed(decode, ids).join(''), 'a b c');
});
