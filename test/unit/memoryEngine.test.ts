// The workspace memory in the shipped model's engine: what stands in another file becomes likelier, and is guessed ahead.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Engine } from '../../src/engine/engine';
import type { Completion, CompletionRequest } from '../../src/protocol';

const dir = join(process.cwd(), 'models', 'glassbox-small');
const other = {
  path: 'lib/quokka.ts',
  stamp: '1',
  text: 'export function countQuokkas(island: Island): number {\n  return island.quokkas.filter((quokka) => quokka.awake && !quokka.hidden).length;\n}\n',
};
const LINE = 'island.quokkas.filter((quokka) => quokka.awake && !quokka.hidden).length;';

let engine: Engine;
before(async () => {
  engine = await Engine.load({ modelDir: dir, device: 'cpu' });
});
after(() => engine.dispose());

function complete(fields: Partial<CompletionRequest> = {}): Promise<Completion> {
  const request: CompletionRequest = {
    prefix: 'import { Island } from "./island";\n\nconst shown = island.quokkas.filter(',
    suffix: '',
    path: 'lib/shown.ts',
    maxTokens: 24,
    sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
    raw: false,
    ...fields,
  };
  return engine.complete(request, { signal: new AbortController().signal });
}

test('a text that was seen in another file is completed, and only while it may have a say', async () => {
  const wanted = LINE.slice(LINE.indexOf('(') + 1, -1);
  const seen = async (fields?: Partial<CompletionRequest>): Promise<boolean> =>
    (await complete(fields)).text.startsWith(wanted);
  assert.equal(await seen(), false);
  await engine.remember([other], []);
  assert.equal(await seen(), true);
  assert.equal(await seen({ memory: false }), false);
  assert.equal(await seen({ path: other.path }), false, 'of the document itself only the text at hand counts');
  assert.equal(await seen({ raw: true }), false);
  await engine.eraseMemory();
  assert.equal(await seen(), false);
});

test('a word that is half typed is healed with it', async () => {
  await engine.remember([other], []);
  const { text } = await complete({ prefix: 'const shown = island.quok' });
  assert.ok(text.startsWith('kas.filter('), text);
  await engine.eraseMemory();
});

test('log-probabilities stay the model’s own', async () => {
  const request = { prefix: 'for (let i = 0; i < ', maxTokens: 1 };
  const alone = await complete(request);
  await engine.remember([{ ...other, text: 'for (let i = 0; i < zebras.length; i++) {}\n' }], []);
  const { tokens, logprobs, text } = await complete(request);
  await engine.eraseMemory();
  if (text === alone.text) assert.deepEqual([tokens, logprobs], [alone.tokens, alone.logprobs]);
  else assert.ok((logprobs[0] as number) < (alone.logprobs[0] as number), 'the model itself had another first');
});

test('a part of another file is shown to the model only where the memory has no say', async () => {
  const part = (path: string): Partial<CompletionRequest> => ({ context: [{ path, text: 'const island = 1;\n' }] });
  const shown = async (fields: Partial<CompletionRequest>): Promise<boolean> =>
    (await complete({ ...fields, maxTokens: 1 })).stats.promptTokens > alone;
  const alone = (await complete({ maxTokens: 1 })).stats.promptTokens;
  assert.equal(await shown(part(other.path)), true, 'nothing is remembered yet');
  await engine.remember([other], []);
  assert.equal(await shown(part(other.path)), false);
  assert.equal(await shown(part('lib/unknown.ts')), true);
  assert.equal(await shown({ ...part(other.path), memory: false }), true);
  await engine.eraseMemory();
});
