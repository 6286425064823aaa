// The prompt keeps its budget and never loses the text before the cursor.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readModelFolder } from '../../src/engine/modelFolder';
import { framePrompt, mostTokens } from '../../src/engine/prompt';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { CompletionRequest } from '../../src/protocol';

const shipped = join(process.cwd(), 'models/glassbox-small');
const tokenizer = new Tokenizer(readModelFolder(shipped));
const CONTEXT = 1024;

const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
const line = 'const value = compute(first, second);\n';
const request = (fields: Partial<CompletionRequest>): CompletionRequest => ({
  prefix: 'let x = ',
  suffix: '',
  maxTokens: 48,
  sampling,
  raw: false,
  ...fields,
});

/** Name, request. */
const REQUESTS: [string, Partial<CompletionRequest>][] = [
  ['short', {}],
  ['a long document', { prefix: line.repeat(3000), suffix: line.repeat(3000), path: 'a.ts' }],
  ['a long suffix', { suffix: line.repeat(3000) }],
  ['a very long path', { path: 'folder/'.repeat(2000) + 'a.ts', suffix: ';\n' }],
  [
    'almost everything is to be generated',
    { prefix: line.repeat(50), suffix: line.repeat(50), path: 'a.ts', maxTokens: 1000 },
  ],
  ['more is to be generated than the model holds', { prefix: line.repeat(50), maxTokens: 4096 }],
  ['many files', { context: Array.from({ length: 50 }, (_, i) => ({ path: `${i}.ts`, text: line.repeat(20) })) }],
  ['a piece of many tokens', { prefix: '# Title\n\n' + '漢字かな'.repeat(6) }],
  ['one endless line', { prefix: 'x'.repeat(50_000), suffix: 'y'.repeat(50_000) }],
];
for (const [name, fields] of REQUESTS) {
  test(`prompt: ${name}`, () => {
    const asked = request(fields);
    const { ids, typed } = framePrompt(tokenizer, asked, CONTEXT);
    const taken = typed?.characters ?? 0;
    assert.ok(taken <= 32, `${taken} characters taken back`);
    assert.ok((typed?.tokens ?? 0) <= 8, `${typed?.tokens} tokens to write anew`);
    assert.ok(ids.length + (typed?.tokens ?? 0) + mostTokens(asked, CONTEXT) <= CONTEXT, `${ids.length} tokens`);
    const text = tokenizer.decode(ids.filter((id) => !tokenizer.specialIds.has(id)));
    assert.ok(
      text.includes(asked.prefix.slice(-20 - taken, asked.prefix.length - taken)),
      'the text before the cursor is there',
    );
    assert.equal(ids[0], tokenizer.bosId);
  });
}

test('a suffix that was shown before stands for the one at hand', () => {
  const shown = framePrompt(tokenizer, request({ suffix: ')\nnext();\n', shownSuffix: '\nnext();\n' }), CONTEXT);
  assert.deepEqual(shown, framePrompt(tokenizer, request({ suffix: '\nnext();\n' }), CONTEXT));
  assert.deepEqual(
    framePrompt(tokenizer, request({ suffix: ')\n', shownSuffix: '' }), CONTEXT),
    framePrompt(tokenizer, request({}), CONTEXT),
  );
});

test('without healing the whole prefix is in the prompt', () => {
  const { ids, typed } = framePrompt(tokenizer, request({ prefix: 'let total = cou' }), CONTEXT, false);
  assert.equal(typed, undefined);
  assert.ok(tokenizer.decode(ids).endsWith('let total = cou'));
});

/** A tokenizer of the shipped folder with some of its configuration changed. */
function tokenizerWith(
  name: string,
  change: (json: TokenizerJson, config: Record<string, unknown>) => void,
): Tokenizer {
  const folder = readModelFolder(shipped);
  const json = structuredClone(folder.tokenizerJson) as unknown as TokenizerJson;
  const config = { ...folder.tokenizerConfig };
  change(json, config);
  return new Tokenizer({
    ...folder,
    name,
    tokenizerJson: json as unknown as Record<string, unknown>,
    tokenizerConfig: config,
  });
}

interface TokenizerJson {
  added_tokens: { content: string; special: boolean }[];
  model: { merges: (string | string[])[] };
}

for (const order of ['suffix-first', undefined]) {
  test(`prompt: the frame in the order ${order ?? 'prefix, suffix, middle'}`, () => {
    const ordered = tokenizerWith('ordered', (_, config) => (config['fim_order'] = order));
    const { fim, bosId } = ordered;
    const text = (written: string): number[] => ordered.encodeText(written);
    const asked = request({ prefix: 'a = b', suffix: ';\n', path: 'a.js', context: [{ path: 'b.js', text: 'b\n' }] });
    const files = [bosId, fim!.fileSeparator, ...text('b.js\n'), ...text('b\n'), fim!.fileSeparator, ...text('a.js\n')];
    const [pre, suf, mid] = ['prefix', 'suffix', 'middle'].map((part) => ordered.addedId(`<|fim_${part}|>`));
    const frame =
      order === 'suffix-first'
        ? [pre, suf, ...text(';\n'), mid, ...text('a =')]
        : [pre, ...text('a ='), suf, ...text(';\n'), mid];
    assert.deepEqual(framePrompt(ordered, asked, CONTEXT).ids, [...files, ...frame]);
  });
}

test('tokens that control the model count as such even where the file does not mark them', () => {
  const unmarked = tokenizerWith('unmarked', (json) => {
    for (const token of json.added_tokens) if (/fim|repo/.test(token.content)) token.special = false;
  });
  const written = 'a <|fim_prefix|> b <|repo_name|>';
  assert.deepEqual(unmarked.encodeText(written), tokenizer.encodeText(written));
  assert.equal(unmarked.decode([...unmarked.encodeText('x'), unmarked.addedId('<|fim_prefix|>')!]), 'x');
});

test('merges written as pairs are read like merges written as text', () => {
  const pairs = tokenizerWith('pairs', (json) => {
    json.model.merges = json.model.merges.map((merge) => (typeof merge === 'string' ? merge.split(' ') : merge));
  });
  assert.deepEqual(pairs.encodeText(line), tokenizer.encodeText(line));
});
