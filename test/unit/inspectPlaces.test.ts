// Tokens that are hard to show: halves of characters, markup, tabs, both kinds of line ends, lone surrogates, nothing at all. Their texts and
// places, as the engine tells them.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Engine } from '../../src/engine/engine';
import { placesOf } from '../../src/engine/inspect/places';
import { readModelFolder } from '../../src/engine/modelFolder';
import { seededRandom } from '../../src/engine/random';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { TextAnswer, TokenFacts } from '../../src/inspectionProtocol';
import type { CompletionRequest } from '../../src/protocol';
import { writeTinyModel } from '../tinyModel';
import { ask } from './inspection';

const shipped = join(process.cwd(), 'models/glassbox-small');
const bytes = mkdtempSync(join(tmpdir(), 'glassbox-inspect-places-'));
const never = new AbortController().signal;
const engines = new Map<string, Engine>();
/** Merges that hold several characters, and a token for each byte. */
const FOLDERS = [
  { name: 'the shipped model', dir: shipped },
  { name: 'a model of bytes', dir: bytes },
];
before(async () => {
  writeTinyModel(bytes);
  for (const { dir } of FOLDERS) engines.set(dir, await Engine.load({ modelDir: dir, device: 'cpu', threads: 1 }));
});
after(async () => {
  for (const engine of engines.values()) await engine.dispose();
  rmSync(bytes, { recursive: true });
});

interface Case {
  name: string;
  prefix: string;
  suffix?: string;
}

const CASES: readonly Case[] = [
  { name: 'emoji of four bytes', prefix: 'a = "😀😀"; b = ' },
  { name: 'an emoji of several', prefix: '// 👨‍👩‍👧‍👦 family 🏳️‍🌈\nx = ' },
  { name: 'two bytes and three', prefix: 'naïve = "日本語"; é = ' },
  { name: 'markup', prefix: 'html = "<b>bold</b><img src=x onerror=alert(1)>&amp;"; y = ' },
  { name: 'what looks like special tokens', prefix: 's = "<|endoftext|></s><|fim_prefix|>"; z = ' },
  { name: 'tabs', prefix: '\tif x:\n\t\treturn\t1\n\t', suffix: '\n\tend\n' },
  { name: 'CRLF', prefix: 'a = 1\r\nb = 2\r\n', suffix: '\r\nc = 3\r\n' },
  { name: 'CR alone, NUL and other controls', prefix: 'a\rb\0c\u0007d\u001b[0m\u2028e = ' },
  { name: 'a byte order mark', prefix: '\uFEFFimport x\nx.' },
  { name: 'marks that combine', prefix: 'e\u0301 = a\u0308\u0323; ' },
  { name: 'lone surrogates', prefix: 'a = "\uD83D"; b = "\uDE00x"; c\uDC00 = ', suffix: ' \uD800 end' },
  { name: 'nothing before', prefix: '', suffix: 'after();\n' },
  { name: 'white space alone', prefix: '   ', suffix: '  \n' },
];

const request = ({ prefix, suffix = '' }: Case, raw: boolean): CompletionRequest => ({
  prefix,
  suffix: raw ? '' : suffix,
  maxTokens: 6,
  sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
  raw,
  minProbability: 0,
});

/** The text at a token's place, of the document and of what was written. */
function textAt({ place }: TokenFacts, { prefix, suffix = '' }: Case, written: string, retyped: number): string {
  if (place.in === 'document') return (prefix + suffix).slice(prefix.length + place.start, prefix.length + place.end);
  if (place.in === 'generated') return written.slice(place.start + retyped, place.end + retyped);
  return '';
}

/** Fails unless each token says what stands at its place, and the places of the document come one after another. */
function checkPlaces(facts: TextAnswer, asked: Case, tokenizer: Tokenizer): void {
  const written = tokenizer.decode(facts.tokens.slice(facts.promptTokens).map(({ id }) => id));
  const starts = facts.tokens.map(({ place }) => (place.in === 'generated' ? place.start : 0));
  const retyped = -Math.min(0, ...starts);
  // As UTF-8 has it: a lone surrogate becomes U+FFFD, one unit for one.
  const inBytes = {
    ...asked,
    prefix: Buffer.from(asked.prefix).toString(),
    suffix: Buffer.from(asked.suffix ?? '').toString(),
  };
  assert.equal(inBytes.prefix.length, asked.prefix.length);
  let placed = 0;
  for (const token of facts.tokens) {
    if (token.special || token.place.in === 'frame') continue;
    placed++;
    const there = textAt(token, inBytes, written, retyped);
    const own = tokenizer.texts?.of(token.id) ?? '';
    const around = Buffer.from(there).toString('latin1');
    // Of what the model wrote, bytes that never became a character are lost: that U+FFFD stands there.
    if (there.includes('\uFFFD') && token.place.in === 'generated') continue;
    assert.ok(around.includes(own), `${JSON.stringify(there)} does not hold ${JSON.stringify(own)}`);
    assert.ok(around.length - own.length <= 6, `${JSON.stringify(there)} is more than ${JSON.stringify(own)}`);
    // Whole characters are shown as they are; of others, at least what is whole.
    if (around === own) assert.equal(token.text, there);
    else assert.ok(token.text.includes('\uFFFD'), JSON.stringify(token.text));
  }
  const document = facts.tokens.flatMap(({ place }) =>
    place.in === 'document' || (place.in === 'generated' && place.start < 0)
      ? [{ start: place.start, end: place.in === 'document' ? place.end : Math.min(0, place.end) }]
      : [],
  );
  // What is shown of the document is whole, with what the model wrote anew before the cursor: no unit is left out.
  const units = new Set(document.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)));
  const [first, last] = [Math.min(...units), Math.max(...units)];
  const count = document.length === 0 ? 0 : last - first + 1;
  assert.equal(units.size, count);
  if (asked.prefix.trim() !== '') assert.ok(placed > 3, `${placed} tokens have a place`);
}

for (const { name, dir } of FOLDERS)
  for (const one of CASES)
    test(`${name}, ${one.name}: texts and places are right`, async () => {
      const engine = engines.get(dir)!;
      const tokenizer = new Tokenizer(readModelFolder(dir));
      for (const raw of one.prefix === '' ? [false] : [true, false]) {
        await engine.complete(request(one, raw), { signal: never, id: 1 });
        const facts = await ask(engine.inspector, { ask: 'text', from: 0 });
        checkPlaces(facts, one, tokenizer);
        for (const token of facts.tokens) assert.ok(token.text !== '', `a token without a text: ${token.id}`);
        // The end by itself is the end of the whole.
        const from = Math.max(0, facts.tokens.length - 3);
        const tail = await ask(engine.inspector, { ask: 'text', from });
        assert.deepEqual(tail.tokens, facts.tokens.slice(from));
      }
    });

test('the halves of an emoji share its place, and each says that it is no character', async () => {
  const engine = engines.get(bytes)!;
  await engine.complete(request({ name: '', prefix: 'a😀b' }, true), { signal: never, id: 1 });
  const { tokens, promptTokens } = await ask(engine.inspector, { ask: 'text', from: 0 });
  const document = tokens.slice(promptTokens - 6, promptTokens);
  assert.deepEqual(
    document.map(({ text, place }) => [text, place.in === 'document' && [place.start, place.end]]),
    [['a', [-4, -3]], ...Array.from({ length: 4 }, () => ['\uFFFD', [-3, -1]]), ['b', [-1, 0]]],
  );
});

test('no text at all: the begin token alone, in the frame', async () => {
  const engine = engines.get(bytes)!;
  await engine.complete(request({ name: '', prefix: '' }, true), { signal: never, id: 1 });
  const { tokens, promptTokens } = await ask(engine.inspector, { ask: 'text', from: 0 });
  assert.deepEqual(
    [promptTokens, tokens[0]?.special, tokens[0]?.place, tokens[0]?.text],
    [1, true, { in: 'frame' }, '<s>'],
  );
  const { n, weights } = await ask(engine.inspector, { ask: 'head', layer: 0, head: 0, from: 0 });
  assert.deepEqual([n, weights[0]], [tokens.length, 65535]);
});

test('bytes that are no characters take the places that a decoder gives them', () => {
  const { texts } = new Tokenizer(readModelFolder(bytes));
  const random = seededRandom(3);
  const pieces = ['a', 'é', '日', '😀', '\u07FF', '\uFFFD', '\u{10FFFF}'].map((text) => [...Buffer.from(text)]);
  let broken = 0;
  for (let i = 0; i < 400; i++) {
    const ids = Array.from({ length: 8 }, () => {
      const piece = pieces[Math.floor(random() * pieces.length)] as number[];
      const cut = random() < 0.4 ? piece.slice(0, Math.ceil(random() * piece.length)) : piece;
      return random() < 0.2 ? [Math.floor(random() * 256)] : cut;
    }).flat();
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(ids));
    const places = placesOf(texts, ids, [], 0);
    const together = new Map<string, number[]>();
    let reached = 0;
    for (const [position, place] of places.entries()) {
      assert.ok(place.in === 'generated' && place.start <= reached && place.end >= reached);
      reached = place.end;
      const key = `${place.start} ${place.end}`;
      together.set(key, [...(together.get(key) ?? []), ids[position] as number]);
    }
    assert.equal(reached, text.length);
    for (const [key, own] of together) {
      const [start, end] = key.split(' ').map(Number) as [number, number];
      const slice = text.slice(start, end);
      assert.equal(new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(own)), slice);
      if (slice === '\uFFFD') broken++;
    }
  }
  assert.ok(broken > 300, `${broken} broken characters`);
});

test('nothing has no places', () => {
  const { texts } = new Tokenizer(readModelFolder(bytes));
  assert.deepEqual(placesOf(texts, [], [], 0), []);
  assert.deepEqual(placesOf(undefined, [1, 2], [{ ids: 2 }], 0), [{ in: 'frame' }, { in: 'frame' }]);
});
