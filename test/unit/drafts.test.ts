// Guesses are what followed the longest earlier occurrence of the last tokens, found by a look at every place.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { DraftPolicy, LONGEST_AGREEMENT } from '../../src/engine/draftPolicy';
import { Drafts, textOfPrompt } from '../../src/engine/drafts';
import type { Fim } from '../../src/engine/fim';
import { typedPiece, type Typed } from '../../src/engine/healing';
import { MemoryIndex } from '../../src/engine/memory/memoryIndex';
import { MemoryVoice } from '../../src/engine/memory/voice';
import { readModelFolder } from '../../src/engine/modelFolder';
import { seededRandom } from '../../src/engine/random';
import { Speculation } from '../../src/engine/speculation';
import { BREAK, TextIndex } from '../../src/engine/textIndex';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { TokenTexts } from '../../src/engine/tokenTexts';

const VOCAB = 10;

/** Every place that something follows, with the tokens before it that agree with the end of `tail`; the longest and latest. */
function slowest(text: readonly number[], tail: readonly number[], fits: (id: number) => boolean) {
  let best = { at: -1, agreement: 0 };
  text.forEach((id, at) => {
    if (id === BREAK || !fits(id)) return;
    let agreement = 0;
    while (agreement < Math.min(at, tail.length) && text[at - 1 - agreement] === tail.at(-1 - agreement)) agreement++;
    if (agreement >= Math.max(1, best.agreement)) best = { at, agreement };
  });
  return best.agreement === 0 ? undefined : best;
}

test('the continuation is that of a look at every place', () => {
  const random = seededRandom(8);
  for (let round = 0; round < 2000; round++) {
    const tokens = 2 + Math.floor(random() * 4);
    const draw = (): number => (random() < 0.1 ? BREAK : Math.floor(random() * tokens));
    const text = Array.from({ length: Math.floor(random() * 60) }, draw);
    const index = new TextIndex(text.slice(0, 20), VOCAB);
    for (const id of text.slice(20)) index.push(id);
    const own = round % 2 === 0;
    const tail = own
      ? index.tail(1 + Math.floor(random() * 6))
      : Array.from({ length: 1 + Math.floor(random() * 6) }, () => Math.floor(random() * tokens));
    const fits = round % 3 === 0 ? (id: number): boolean => id % 2 === 0 : undefined;
    const expected = tail.length === 0 ? undefined : slowest(text, tail, fits ?? (() => true));
    assert.deepEqual(index.continuation(tail, fits), expected, JSON.stringify({ text, tail }));
  }
});

test('the tail and what stands from a place on end at a break', () => {
  const index = new TextIndex([1, 2, BREAK, 3, 4, 5], VOCAB);
  assert.deepEqual(index.tail(2), [4, 5]);
  assert.deepEqual(index.tail(9), [3, 4, 5]);
  assert.deepEqual(index.from(0, 9), [1, 2]);
  assert.deepEqual(index.from(4, 9), [4, 5]);
  assert.deepEqual(index.from(3, 2), [3, 4]);
});

test('another file is followed where it agrees longer than the text at hand', () => {
  const index = new MemoryIndex(VOCAB, 8 << 20);
  index.add('other.ts', '', [1, 2, 3, 4, 5]);
  const memory = new MemoryVoice(index, undefined, []);
  const draft = (text: number[]): unknown =>
    new Drafts(new DraftPolicy(), new TextIndex(text, VOCAB), { memory }).draft(2);
  assert.deepEqual(draft([7, 3, 9, BREAK, 1, 2, 3]), { ids: [4, 5], kinds: ['memory 3', 'memory 4'] });
  assert.deepEqual(draft([8, 1, 2, 3, 9, BREAK, 8, 1, 2, 3]), { ids: [9], kinds: ['text 4'] });
  assert.deepEqual(draft([1, 2, 3, 9, BREAK, 1, 2, 3]), { ids: [9], kinds: ['text 3'] });
});

/** Text, offers, guesses, what they rest on. */
const GUESSES: [string, number[], number[], number[], string[]][] = [
  [
    'the text goes on as before, and then again',
    [1, 2, 3, 4, 1, 2],
    [],
    [3, 4, 1, 2, 3],
    ['text 2', 'text 3', 'text 4', 'text 5', 'text 6'],
  ],
  [
    'an offer is preferred to the text where both agree as long',
    [1, 2, 3, 2],
    [2, 5, 6],
    [5, 6],
    ['offer 1', 'offer 2'],
  ],
  [
    'the longer agreement decides',
    [1, 2, 3, 1, 2],
    [9, 2, 5],
    [3, 1, 2, 3, 1],
    ['text 2', 'text 3', 'text 4', 'text 5', 'text 6'],
  ],
  [
    'of equal ones the latest',
    [1, 2, 1, 3, 1],
    [],
    [3, 1, 3, 1, 3],
    ['text 1', 'text 2', 'text 3', 'text 4', 'text 5'],
  ],
  ['another text ends where it ends', [1, 2, 3, BREAK, 1, 2], [], [3], ['text 2']],
  ['nothing agrees', [1, 2, 3], [4, 5], [], []],
  ['no text', [], [4, 5], [], []],
];
for (const [name, text, offers, ids, kinds] of GUESSES) {
  test(`guesses: ${name}`, () => {
    const index = new TextIndex(offers, VOCAB);
    const drafts = new Drafts(new DraftPolicy(), new TextIndex(text, VOCAB), { offers: index });
    assert.deepEqual(drafts.draft(5), { ids, kinds });
    assert.deepEqual(drafts.draft(1).ids, ids.slice(0, 1));
    assert.deepEqual(drafts.draft(0).ids, []);
  });
}

test('what is pushed counts as text, unless somebody else lets the text grow', () => {
  for (const shared of [false, true]) {
    const drafts = new Drafts(new DraftPolicy(), new TextIndex([1, 2, 3], VOCAB), { shared });
    drafts.push(1);
    assert.deepEqual(drafts.draft(8).ids, shared ? [] : [2, 3, 1, 2, 3, 1, 2, 3]);
    assert.deepEqual(drafts.written, [1]);
  }
});

const tokenizer = new Tokenizer(readModelFolder(join(process.cwd(), 'models/glassbox-small')));
/** Text before the cursor, what is typed of the next word, what is guessed. */
const TYPED: [string, string, string][] = [
  ['return items;\nreturn other;\nreturn', ' it', ' items;\nreturn'],
  ['return items;\nreturn other;\nreturn', ' items', ' items;\nreturn'],
  ['return items;\nreturn other;\nreturn', ' un', ''],
  ['return zzqqv;\nreturn', ' zzqq', ' zzqqv;\nreturn'],
];
/** Takes a token where it may come. */
function takes(typed: Typed, id: number): boolean {
  if (!typed.allowed().includes(id)) return false;
  typed.take(id);
  return true;
}
for (const [before, piece, expected] of TYPED) {
  test(`guesses agree with what is typed: ${JSON.stringify(piece)}`, () => {
    const path = tokenizer.encodeText(piece);
    const typed = typedPiece(tokenizer.texts as TokenTexts, piece, path)!;
    const text = new TextIndex(tokenizer.encodeText(before), tokenizer.wordIds);
    const { ids, kinds } = new Drafts(new DraftPolicy(), text, {}).draft(16, typed);
    const guessed = tokenizer.decode(ids);
    assert.ok(guessed.startsWith(expected), guessed);
    if (expected === '') assert.equal(ids.length, path.length - 1);
    assert.deepEqual(
      kinds.slice(0, path.length - 1),
      path.slice(1).map(() => 'typed'),
    );
    for (const id of ids.slice(0, path.length)) if (!typed.done) assert.ok(takes(typed, id));
  });
}

test('what was written before is guessed again', () => {
  const speculation = new Speculation({ specialIds: new Set([0]), fim: undefined }, VOCAB);
  const first = speculation.drafts([0, 1, 2, 3], undefined);
  assert.deepEqual(first.draft(8).ids, []);
  for (const id of [4, 5, 6]) first.push(id);
  speculation.remember(first);
  assert.deepEqual(speculation.drafts([0, 1, 2, 3], undefined).draft(8), {
    ids: [4, 5, 6],
    kinds: ['offer 3', 'offer 4', 'offer 5'],
  });
  for (let other = 0; other < 4; other++) {
    const next = speculation.drafts([0, 7, 8], undefined);
    next.push(9);
    speculation.remember(next);
  }
  assert.deepEqual(speculation.drafts([0, 1, 2, 3], undefined).draft(8).ids, [], 'and forgotten after others');
});

const around = { name: 'x', fileSeparator: 6, pathInside: false };
const FIM: Fim = { ...around, frame: [7, 'prefix', 8, 'suffix', 9] };
const MASKED: Fim = { ...around, frame: ['prefix', 7, 'suffix', 8, 9, 7] };
/** Prompt, what the frame is, the text that guesses are looked up in. */
const PROMPTS: [string, number[], Fim | undefined, number[]][] = [
  ['plain', [1, 2, 3], undefined, [1, 2, 3]],
  ['prefix first', [5, 7, 1, 2, 8, 3, 4, 9], FIM, [5, BREAK, 3, 4, BREAK, BREAK, 1, 2]],
  [
    'suffix first',
    [7, 8, 3, 4, 9, 1, 2],
    { ...FIM, frame: [7, 8, 'suffix', 9, 'prefix'] },
    [BREAK, BREAK, 3, 4, BREAK, 1, 2],
  ],
  ['the prefix last', [8, 3, 4, 7, 1, 2], { ...FIM, frame: [8, 'suffix', 7, 'prefix'] }, [BREAK, 3, 4, BREAK, 1, 2]],
  [
    'the prefix last, and a token behind it',
    [5, 8, 3, 4, 7, 1, 2, 9],
    { ...FIM, frame: [8, 'suffix', 7, 'prefix', 9] },
    [BREAK, 5, BREAK, 3, 4, BREAK, 1, 2],
  ],
  ['a mask', [5, 1, 2, 7, 3, 4, 8, 9, 7], MASKED, [BREAK, 3, 4, BREAK, BREAK, BREAK, 5, 1, 2]],
  ['no frame, a mask', [5, 1, 2], MASKED, [5, 1, 2]],
  ['no frame', [6, 1, 2], FIM, [BREAK, 1, 2]],
  ['a frame that is not whole', [6, 1, 9], FIM, [BREAK, 1, BREAK]],
];
for (const [name, prompt, fim, expected] of PROMPTS) {
  test(`the text of a prompt ends at the cursor: ${name}`, () => {
    assert.deepEqual(textOfPrompt(prompt, new Set([6, 7, 8, 9]), fim), expected);
  });
}

test('an agreement is no longer than what is looked for', () => {
  const once = Array.from({ length: 30 }, (_, i) => i % 9);
  const text = new TextIndex([...once, BREAK, ...once.slice(0, 20)], VOCAB);
  const { kinds } = new Drafts(new DraftPolicy(), text, {}).draft(1);
  assert.deepEqual(kinds, [`text ${LONGEST_AGREEMENT}`]);
});
