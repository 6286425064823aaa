// While a line is typed at the end of a document longer than the window, the prompt's front stays put and the cache holds: but for one
// keystroke in about a block of tokens, only what was typed is computed.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Engine } from '../../src/engine/engine';
import { readModelFolder } from '../../src/engine/modelFolder';
import { framePrompt } from '../../src/engine/prompt';
import { seededRandom } from '../../src/engine/random';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { CompletionRequest } from '../../src/protocol';

const shipped = join(process.cwd(), 'models/glassbox-small');
const tokenizer = new Tokenizer(readModelFolder(shipped));
/** What prompt.ts drops at the front at once. */
const BLOCK = 64;
/** More new tokens than a keystroke brings: the front has moved. */
const MANY = 16;
const KEYSTROKES = 300;
const TYPED_FROM = 9000;

let engine: Engine;
before(async () => (engine = await Engine.load({ modelDir: shipped, device: 'cpu', speculation: 'off' })));
after(() => engine.dispose());

/** Code of words of many lengths, so that a piece takes now one token, now several. */
const document = ((): string => {
  const random = seededRandom(7);
  const words = [
    'value',
    'x',
    'computeEverything',
    'items',
    'pqzx',
    'return',
    'naïveÜberschrift',
    'i',
    '3141592',
    'await',
  ];
  const word = (): string => words[Math.floor(random() * words.length)] as string;
  const lines = Array.from(
    { length: 400 },
    () => `${' '.repeat(2 * Math.floor(random() * 4))}${word()}.${word()}(${word()}, ${word()});`,
  );
  return lines.join('\n');
})();
const sparse = { path: 'sparse.txt', text: `${' '.repeat(60)}x\n`.repeat(12) };
const files = [{ path: 'other.ts', text: document.slice(-700) }, sparse];

const SITUATIONS: Record<string, Partial<CompletionRequest>> = {
  'at the end': {},
  'before other text': { suffix: `\n}\n${document.slice(0, 4000)}` },
  'with other files': { context: files },
  'with both': { suffix: '\n}\n', context: files },
};

const keystroke = (i: number, fields: Partial<CompletionRequest>): CompletionRequest => ({
  prefix: document.slice(0, TYPED_FROM + i),
  suffix: '',
  path: 'src/typed.ts',
  maxTokens: 1,
  sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
  raw: false,
  ...fields,
});
/** Blocks that the tokens of all keystrokes fill, one begun before them, and one step of the window in characters. */
const MOST_MOVES =
  Math.ceil(tokenizer.encodeText(document.slice(TYPED_FROM, TYPED_FROM + KEYSTROKES)).length / BLOCK) + 1;

for (const [name, fields] of Object.entries(SITUATIONS)) {
  for (const contextLength of [256, 512, 1024]) {
    test(`typing ${name}, context ${contextLength}: the prompt begins as the one before`, () => {
      let held: readonly number[] = [];
      let moves = 0;
      for (let i = 0; i < KEYSTROKES; i++) {
        const { ids } = framePrompt(tokenizer, { ...keystroke(i, fields), maxTokens: 48 }, contextLength);
        const differs = ids.findIndex((id, position) => held[position] !== id);
        if (i > 0 && differs >= 0 && ids.length - differs > MANY) moves++;
        held = ids;
      }
      // The window's step in characters is about as long as a block where the context is short.
      assert.ok(moves <= MOST_MOVES + (contextLength < 1024 ? 2 : 0), `${moves} moves, ${MOST_MOVES} expected at most`);
    });
  }
}

test('typing through the engine computes only what is new, but for one keystroke in about a block', async () => {
  let moves = 0;
  let computed = 0;
  for (let i = 0; i < KEYSTROKES; i++) {
    const request = keystroke(i, SITUATIONS['with both']!);
    const { stats } = await engine.complete(request, { signal: new AbortController().signal });
    assert.ok(stats.promptTokens > 850, `${stats.promptTokens} tokens`);
    if (i === 0) continue;
    const anew = stats.promptTokens - stats.reusedTokens;
    if (anew > MANY) moves++;
    else computed += anew;
  }
  assert.ok(moves <= MOST_MOVES, `${moves} moves, ${MOST_MOVES} expected at most`);
  assert.ok(computed <= 3 * KEYSTROKES, `${computed} tokens computed besides`);
});
