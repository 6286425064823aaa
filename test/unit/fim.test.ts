// Each way of filling holes that model families were taught: the ids of a prompt, in order, against a text that spells the frame out; what
// ends the middle; and servers are told the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CODELLAMA,
  DIALECTS,
  GLASSBOX,
  PLAIN_TOKENS,
  tokensOf,
  type FimDialect,
} from '../../src/completion/fimDialects';
import type { ModelFolder } from '../../src/engine/modelFolder';
import { framePrompt } from '../../src/engine/prompt';
import { Tokenizer } from '../../src/engine/tokenizer';
import { endings } from '../../src/engine/writing';
import type { CompletionRequest } from '../../src/protocol';
import { endsOf, frame } from '../../src/server/families';
import { byteTokenizer } from '../tinyModel';
import { sentencePieceTokenizer } from '../chatFamilies';

interface Case {
  dialect: FimDialect;
  order?: string;
  /** The model's folder, where its name counts. */
  dir?: string;
  /** With the document a.js, `P` before the cursor and `S` behind it, and the file b.js. */
  framed: string;
  /** The same where nothing stands after the cursor. */
  open: string;
}
const by = (name: string): FimDialect => DIALECTS.find((dialect) => dialect.name === name) ?? assert.fail(name);

/** Files without a token of their own stand before all, one line end behind each. */
const CASES: Case[] = [
  {
    dialect: by('Qwen Coder'),
    framed: '<|file_sep|>b.js\nf<|file_sep|>a.js\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>',
    open: '<|file_sep|>b.js\nf<|file_sep|>a.js\nP',
  },
  {
    dialect: by('Qwen Coder'),
    order: 'suffix-first',
    framed: '<|file_sep|>b.js\nf<|file_sep|>a.js\n<|fim_prefix|><|fim_suffix|>S<|fim_middle|>P',
    open: '<|file_sep|>b.js\nf<|file_sep|>a.js\nP',
  },
  {
    dialect: by('CodeGemma'),
    framed: '<|file_separator|>b.js\nf<|file_separator|>a.js\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>',
    open: '<|file_separator|>b.js\nf<|file_separator|>a.js\nP',
  },
  { dialect: by('tokens of Qwen Coder'), framed: 'f\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>', open: 'f\nP' },
  {
    dialect: by('StarCoder2'),
    framed: '<file_sep>b.js\nf<file_sep><fim_prefix>a.js\nP<fim_suffix>S<fim_middle>',
    open: '<file_sep>b.js\nf<file_sep>a.js\nP',
  },
  {
    dialect: by('StarCoder'),
    framed: '<filename>b.js\nf<filename>a.js\n<fim_prefix>P<fim_suffix>S<fim_middle>',
    open: '<filename>b.js\nf<filename>a.js\nP',
  },
  {
    dialect: by('Mellum'),
    framed: '<filename>b.js\nf<filename>a.js\n<fim_suffix>S<fim_prefix>P<fim_middle>',
    open: '<filename>b.js\nf<filename>a.js\nP',
    dir: 'models/JetBrains--Mellum-4b-base',
  },
  { dialect: by('Seed-Coder'), framed: 'f\n<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>', open: 'f\nP' },
  {
    dialect: PLAIN_TOKENS,
    framed: 'f\n<fim_prefix>P<fim_suffix>S<fim_middle>',
    open: 'f\nP',
  },
  { dialect: by('SantaCoder'), framed: 'f\n<fim-prefix>P<fim-suffix>S<fim-middle>', open: 'f\nP' },
  { dialect: by('DeepSeek Coder'), framed: 'f\n<｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>', open: 'f\nP' },
  { dialect: by('Code Llama'), framed: 'f\n▁<PRE>P▁<SUF>S▁<MID>', open: 'f\nP' },
  { dialect: by('Codestral'), framed: 'f\n[SUFFIX]S[PREFIX]P', open: 'f\nP' },
  { dialect: by('CodeGen2'), framed: 'f\nP<mask_1>S<|endoftext|><sep><mask_1>', open: 'f\nP' },
  { dialect: by('InCoder'), framed: 'f\nP<|mask:0|>S<|mask:1|><|mask:0|>', open: 'f\nP' },
];

/** Bytes, and a dialect's tokens; none of them is marked as special, for some files do not. */
function tokenizerFor(names: readonly string[], order?: string, dir = 'models/Codestral-22B'): Tokenizer {
  const json = byteTokenizer() as { added_tokens: object[] };
  const more = names.map((content, i) => ({ id: 259 + i, content, special: false, normalized: false }));
  const folder = {
    dir,
    tokenizerJson: { ...json, added_tokens: [...json.added_tokens, ...more] },
    tokenizerConfig: { tokenizer_class: 'GPT2Tokenizer', ...(order !== undefined && { fim_order: order }) },
    config: { eosIds: [257] },
  };
  return new Tokenizer(folder as unknown as ModelFolder);
}

/** Names of tokens as their ids, all else as bytes. */
function spelled(text: string, names: readonly string[]): number[] {
  const ids: number[] = [];
  for (let rest = text; rest !== '';) {
    const found = names.findIndex((name) => rest.startsWith(name));
    const taken = found < 0 ? (rest[0] as string) : (names[found] as string);
    ids.push(...(found < 0 ? Buffer.from(taken) : [259 + found]));
    rest = rest.slice(taken.length);
  }
  return ids;
}

const request = (change: Partial<CompletionRequest>): CompletionRequest =>
  ({
    ...{ prefix: 'P', suffix: 'S', path: 'a.js', maxTokens: 8, temperature: 0, topK: 0, topP: 1, minP: 0 },
    ...{ context: [{ path: 'b.js', text: 'f' }], ...change },
  }) as unknown as CompletionRequest;

for (const { dialect, order, dir, framed, open } of CASES) {
  const name = `${dialect.name}${order === undefined ? '' : `, ${order}`}${dialect.file === undefined ? '' : ', files'}`;
  // What only ends texts is in every vocabulary; the frame must be told without it.
  const names = tokensOf(dialect).filter((token) => token !== '</s>');
  const idsOf = (change: Partial<CompletionRequest>): number[] =>
    framePrompt(tokenizerFor(names, order, dir), request(change), 512, false).ids;

  test(`${name}: the ids of the frame are those of the text that spells it out`, () => {
    assert.deepEqual(idsOf({}), [256, ...spelled(framed, names)]);
  });

  test(`${name}: at the end of a file there is no frame`, () => {
    assert.deepEqual(idsOf({ suffix: '\n' }), [256, ...spelled(open, names)]);
  });

  test(`${name}: text that looks like a token of the frame is none`, () => {
    const count = (ids: number[]): number => ids.filter((id) => id >= 259).length;
    const plain = new Set(names.filter((token) => !tokenizerFor(names).specialNames.includes(token)));
    const own = names.filter((token) => !plain.has(token)).join('x');
    assert.ok(own !== '');
    assert.equal(count(idsOf({ prefix: own, suffix: own, context: [{ path: own, text: own }] })), count(idsOf({})));
  });

  test(`${name}: its tokens end the middle`, () => {
    const tokenizer = tokenizerFor(names, order, dir);
    const ends = endings(tokenizer);
    const others = ['<|endoftext|>', '<|im_end|>', '<eos>', '<end_of_turn>', '<sep>']; // a file marks these as special
    for (const token of names)
      assert.ok(others.includes(token) || ends.has(tokenizer.addedId(token) as number), `${token} ends the middle`);
    assert.ok(ends.has(257));
  });

  if (order === undefined && dialect.written === undefined)
    test(`${name}: servers are told the same`, () => {
      const context = dialect.file === undefined ? [] : [{ path: 'b.js', text: 'f' }];
      const text = { prefix: 'P', suffix: 'S', path: 'a.js', context };
      const files = dialect.file === undefined ? 'f\n' : '';
      assert.equal(files + frame(dialect, text), framed);
      // names leave out what only ends texts: a server does so by itself, and </s> may stand in HTML
      assert.deepEqual([...endsOf(dialect)].sort(), [...names].sort());
    });
}

test('Code Llama: servers are told words with blanks', () => {
  const text = { prefix: 'P', suffix: 'S', path: 'a.js', context: [] };
  assert.equal(frame(CODELLAMA, text), '<PRE> P <SUF>S <MID>');
  assert.deepEqual(endsOf(CODELLAMA), ['<EOT>', '<PRE>', '<SUF>', '<MID>']);
});

test('Glassbox: servers are told the suffix first', () => {
  const text = { prefix: 'P', suffix: 'S', context: [] };
  assert.equal(frame(GLASSBOX, text), '<|fim_prefix|><|fim_suffix|>S<|fim_middle|>P');
});

test('Code Llama: a blank stands before the prefix, which begins the text, and none before the suffix', () => {
  const names = ['▁<PRE>', '▁<SUF>', '▁<MID>', '▁<EOT>'];
  const json = sentencePieceTokenizer({ tokens: names.map((content) => ({ content })) }, 'normalizer');
  const folder = { dir: 'folder', tokenizerJson: json, tokenizerConfig: {}, config: { eosIds: [] } };
  const tokenizer = new Tokenizer(folder as unknown as ModelFolder);
  const { ids } = framePrompt(tokenizer, request({ context: [] }), 512, false);
  const vocab = (json['model'] as { vocab: Record<string, number> }).vocab;
  const expected = ['▁<PRE>', '▁', 'P', '▁<SUF>', 'S', '▁<MID>'].map((name) => vocab[name]);
  assert.deepEqual(ids.slice(-expected.length), expected);
});

test('a vocabulary without all tokens of a frame has none', () => {
  for (const { dialect } of CASES) {
    const frame = tokensOf({ ...dialect, ends: [] }).filter((token) =>
      dialect.frame.some((p) => 'token' in p && p.token === token),
    );
    for (const missing of frame) assert.equal(tokenizerFor(frame.filter((token) => token !== missing)).fim, undefined);
  }
});

test('tokens that other models have, too, are a frame only for a model of the name', () => {
  const names = ['[SUFFIX]', '[PREFIX]', '[MIDDLE]'];
  assert.equal(tokenizerFor(names).fim?.name, 'Codestral');
  assert.equal(tokenizerFor(names, undefined, 'models/Mistral-7B-Instruct').fim, undefined);
});
