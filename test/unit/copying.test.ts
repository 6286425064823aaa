// The mixture of model and text so far, against its definition written out slowly.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { CopyText, readCopyingWeights, type CopyingWeights } from '../../src/engine/copying';
import { EngineError } from '../../src/engine/errors';
import { LineTokens } from '../../src/engine/lineTokens';
import { readModelFolder } from '../../src/engine/modelFolder';
import { seededRandom } from '../../src/engine/random';
import { BREAK } from '../../src/engine/textIndex';
import { Tokenizer } from '../../src/engine/tokenizer';

const VOCAB = 12;
const WEIGHTS: CopyingWeights = {
  base: 4,
  longest: 3,
  one: { copy: [0, 0.1, 0.3, 0.5], word: [0.02, 0.03, 0.01, 0] },
  same: { copy: [0, 0.2, 0.6, 0.8], word: [0.05, 0.02, 0, 0.01] },
  mixed: { copy: [0, 0.15, 0.25, 0.4], word: [0, 0, 0.02, 0.03] },
};

/** [vocab] probabilities by the definition: every earlier place is compared with the end of the text, token by token. */
function reference(model: readonly number[], ids: readonly number[]): number[] {
  const places = ids.flatMap((id, at) => {
    if (id === BREAK) return [];
    let agreement = 0;
    while (
      agreement < Math.min(WEIGHTS.longest, at) &&
      ids[at - 1 - agreement] === ids[ids.length - 1 - agreement] &&
      ids[at - 1 - agreement] !== BREAK
    )
      agreement++;
    return [{ id, agreement }];
  });
  const agreeing = places.filter(({ agreement }) => agreement > 0);
  const longest = Math.max(0, ...agreeing.map(({ agreement }) => agreement));
  const best = agreeing.filter(({ agreement }) => agreement === longest).map(({ id }) => id);
  const kind = best.length <= 1 ? 'one' : new Set(best).size === 1 ? 'same' : 'mixed';
  const copy = WEIGHTS[kind].copy[longest] as number;
  const word = WEIGHTS[kind].word[longest] as number;
  const all = agreeing.reduce((sum, { agreement }) => sum + 4 ** agreement, 0);
  return model.map((own, id) => {
    const copied = agreeing.filter((p) => p.id === id).reduce((sum, p) => sum + 4 ** p.agreement, 0) / (all || 1);
    const frequency = places.filter((p) => p.id === id).length / (places.length || 1);
    // Where nothing stands in the text, there is nothing to give the shares to.
    return places.length === 0 ? own : (1 - copy - word) * own + copy * copied + word * frequency;
  });
}

const softmax = (logits: ArrayLike<number>): number[] => {
  const exps = Array.from(logits, Math.exp);
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
};

test('the mixture is the one of the definition, and a distribution', () => {
  const random = seededRandom(11);
  for (let round = 0; round < 300; round++) {
    const tokens = 2 + Math.floor(random() * 4); // few different ones: much agrees
    const ids = Array.from({ length: 1 + Math.floor(random() * 40) }, () =>
      random() < 0.1 ? BREAK : Math.floor(random() * tokens),
    );
    const logits = Float32Array.from({ length: VOCAB }, () => random() * 8 - 4);
    const grown = Math.floor(random() * ids.length); // some are there from the start, the rest is added
    const text = new CopyText(WEIGHTS, ids.slice(0, grown), VOCAB);
    for (const id of ids.slice(grown)) text.push(id);
    const mixed = softmax(text.mix(logits));
    const expected = reference(softmax(logits), ids);
    for (let id = 0; id < VOCAB; id++)
      assert.ok(Math.abs(mixed[id]! - expected[id]!) < 1e-6, `round ${round}, id ${id}: ${mixed[id]} ${expected[id]}`);
  }
});

test('a long text grows beyond the room it began with', () => {
  const text = new CopyText(WEIGHTS, [2], VOCAB);
  const ids = [2];
  for (let i = 0; i < 500; i++) {
    ids.push((i * 7) % 5);
    text.push((i * 7) % 5);
  }
  const logits = new Float32Array(VOCAB);
  const expected = reference(softmax(logits), ids);
  softmax(text.mix(logits)).forEach((share, id) => assert.ok(Math.abs(share - expected[id]!) < 1e-6));
});

test('a document tokenized line by line gives the ids of the whole, and only the end of an endless line', () => {
  const tokenizer = new Tokenizer(readModelFolder(join(process.cwd(), 'models/glassbox-small')));
  const lines = new LineTokens(tokenizer);
  for (const text of ['', 'a', '\n\n\n', 'if (x) {\n  return y;\n\n\n}\n', 'def f():\n\treturn 1\n', '漢字\n🙂\n'])
    for (const again of [1, 2]) assert.deepEqual(lines.encode(text), tokenizer.encodeText(text), `${text} ${again}`);
  assert.ok(lines.encode('let x = 1;\n' + 'word '.repeat(20_000)).length < 1100);
});

test('the shipped model carries weights', () => {
  assert.ok(readModelFolder(join(process.cwd(), 'models/glassbox-small')).copying);
});

/** What is wrong, the entry. */
const DAMAGED: [string, unknown][] = [
  ['not an object', 7],
  ['a kind is missing', { ...WEIGHTS, same: undefined }],
  ['lengths differ', { ...WEIGHTS, one: { copy: [0, 0.1], word: [0] } }],
  ['a share is negative', { ...WEIGHTS, one: { copy: [-0.1], word: [0] } }],
  ['the shares leave nothing to the model', { ...WEIGHTS, one: { copy: [0.6], word: [0.5] } }],
  ['no base', { ...WEIGHTS, base: 0 }],
  ['longest is no whole number', { ...WEIGHTS, longest: 1.5 }],
];
for (const [name, value] of DAMAGED) {
  test(`damaged weights are refused: ${name}`, () => {
    assert.throws(
      () => readCopyingWeights({ glassbox_copying: value }, '/models/x/generation_config.json'),
      (error: unknown) => error instanceof EngineError && error.message.includes('/models/x/generation_config.json'),
    );
  });
}

test('a model without weights does without', () => {
  assert.equal(readCopyingWeights({}, 'generation_config.json'), undefined);
});
