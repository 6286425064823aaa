// Tokenizers in the forms of model families: text becomes ids and text again, in one piece and streamed; the bytes of the tokens are the
// text's; and ids and text are those of transformers.js where that can be had.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { transformersOrWhyNot } from '../../models/peers/transformers.mjs';
import { EngineError } from '../../src/engine/errors';
import type { ModelFolder } from '../../src/engine/modelFolder';
import { framePrompt } from '../../src/engine/prompt';
import { TextStream } from '../../src/engine/textStream';
import { Tokenizer } from '../../src/engine/tokenizer';
import { TOKENIZERS, type TokenizerFamily } from '../tokenizers';
import type { CompletionRequest } from '../../src/protocol';
import { LOOKALIKES, TEXTS } from '../tokenizerTexts';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-tokenizers-'));
after(() => rmSync(scratch, { recursive: true }));

function tokenizerOf({ json, config }: Pick<TokenizerFamily, 'json' | 'config'>): Tokenizer {
  const folder = { dir: 'folder', tokenizerJson: json, tokenizerConfig: config, config: { eosIds: [] } };
  return new Tokenizer(folder as unknown as ModelFolder);
}

for (const family of TOKENIZERS) {
  test(`${family.name}: ids give the text, at once and streamed, and the tokens' bytes are its bytes`, () => {
    const tokenizer = tokenizerOf(family);
    const decode = (ids: number[]): string => tokenizer.decode(ids);
    for (const text of [...TEXTS, ...LOOKALIKES]) {
      const said = JSON.stringify(text);
      const ids = tokenizer.encodeText(text);
      assert.ok(
        ids.every((id) => Number.isInteger(id)),
        said,
      );
      const whole = decode(ids);
      const stream = new TextStream(decode);
      assert.equal(ids.map((id) => stream.push(id)).join('') + stream.end(), whole, `streamed ${said}`);
      if (family.gives === 'changed') continue;
      assert.ok(!ids.some((id) => tokenizer.specialIds.has(id)), `no special token in ${said}`);
      const blank = family.gives === 'blank first' && !text.startsWith(' ') ? ' ' : '';
      const written = asWritten(family, text);
      assert.equal(whole, blank + (family.gives === 'blank taken' ? written.replace(/^ /, '') : written), said);

      const inside = tokenizer.encodeText(text, 'inside');
      const bytes = inside.map((id) => tokenizer.texts?.of(id)).join('');
      const spelled = Buffer.from(bytes, 'latin1').toString();
      assert.equal(spelled, written, `the tokens' bytes of ${said}`);
      const going = new TextStream(decode, tokenizer.encodeText('x ='));
      const rest = inside.map((id) => going.push(id)).join('') + going.end();
      assert.equal(rest, spelled, `streamed inside a text ${said}`);
    }
  });

  if (family.gives !== 'changed')
    test(`${family.name}: a word half typed is taken back, and what is left is the text before it`, () => {
      const tokenizer = tokenizerOf(family);
      for (const [before, piece] of [
        ['const total =', ' val'],
        ['x =', ' 12'],
        ['def f():', '\n    '],
        ['über', ' größ'],
      ] as const) {
        const asked = { prefix: before + piece, suffix: '', maxTokens: 8 } as unknown as CompletionRequest;
        const { ids, typed } = framePrompt(tokenizer, asked, 512);
        assert.equal(typed?.characters, piece.length, JSON.stringify(before + piece));
        const begun = family.gives === 'blank first' ? ' ' : '';
        assert.equal(tokenizer.decode(ids), begun + before);
      }
    });

  test(`${family.name}: nothing is put after a text that is to go on`, () => {
    const tokenizer = tokenizerOf(family);
    const ids = tokenizer.encode('a b');
    assert.deepEqual(ids.slice(-1), tokenizer.encodeText('a b').slice(-1));
    assert.ok(!tokenizer.specialIds.has(ids.at(-1) as number));
  });
}

/** A text as a family can write it: some compose characters, and where ▁ is a blank there is no other ▁. */
function asWritten({ json }: TokenizerFamily, text: string): string {
  if (JSON.stringify(json['normalizer']).includes('NFC')) return text.normalize('NFC');
  return JSON.stringify(json['decoder']).includes('▁') ? text.replaceAll('▁', ' ') : text;
}

const REFUSED: { name: string; change: Record<string, unknown>; says: RegExp }[] = [
  {
    name: 'a normalizer that is not known',
    change: { normalizer: { type: 'Nmt' } },
    says: /tokenizer\.json cannot be used \(Unknown Normalizer type: Nmt\)/,
  },
  {
    name: 'a way of cutting words that is not known',
    change: { pre_tokenizer: { type: 'UnicodeScripts' } },
    says: /Unknown PreTokenizer type: UnicodeScripts/,
  },
  {
    name: 'text that is left out between words',
    change: { pre_tokenizer: { type: 'Split', pattern: { Regex: ',' }, behavior: 'Removed', invert: false } },
    says: /leaves out what matches \{"Regex":","\}/,
  },
  {
    name: 'a pattern that JavaScript cannot read',
    change: { pre_tokenizer: { type: 'Split', pattern: { Regex: '(?<a' }, behavior: 'Isolated', invert: false } },
    says: /tokenizer\.json cannot be used/,
  },
  {
    name: 'a group that never gives back what it took',
    change: { pre_tokenizer: { type: 'Split', pattern: { Regex: '(?>a|ab)c' }, behavior: 'Isolated', invert: false } },
    says: /tokenizer\.json cannot be used/,
  },
  { name: 'no model', change: { model: null }, says: /tokenizer\.json cannot be used \(it has no model\)/ },
  {
    name: 'a kind of vocabulary that is not known',
    change: { model: { type: 'WordLevel', vocab: { a: 0 } } },
    says: /Unknown TokenizerModel type: WordLevel/,
  },
  {
    name: 'a vocabulary without a word',
    change: { model: { type: 'BPE', vocab: {}, merges: [] } },
    says: /its vocabulary is empty/,
  },
  {
    name: 'an id that is no number',
    change: { model: { type: 'BPE', vocab: { a: 'x' }, merges: [] } },
    says: /an id of its vocabulary is no whole number/,
  },
  {
    name: 'a piece without a score',
    change: { model: { type: 'Unigram', unk_id: 0, vocab: ['a', 'b'] } },
    says: /a piece of its vocabulary has no score/,
  },
];
for (const { name, change, says } of REFUSED)
  test(`refused by name: ${name}`, () => {
    const [{ json, config }] = TOKENIZERS as [TokenizerFamily];
    assert.throws(
      () => tokenizerOf({ json: { ...json, ...change }, config }),
      (error) => error instanceof EngineError && error.code === 'tokenizer_damaged' && says.test(error.message),
    );
  });

test('a text that is nothing but the name of a token is text', () => {
  for (const family of TOKENIZERS) {
    const tokenizer = tokenizerOf(family);
    for (const name of tokenizer.specialNames) {
      const ids = tokenizer.encodeText(name, 'inside');
      assert.ok(!ids.some((id) => tokenizer.specialIds.has(id)), `${family.name}: ${name}`);
      const among = tokenizer.encodeText(`a ${name}b`, 'inside');
      assert.ok(!among.some((id) => tokenizer.specialIds.has(id)), `${family.name}: ${name} among words`);
      if (family.gives !== 'changed') assert.equal(ids.length > 1, true, `${family.name}: ${name}`);
    }
  }
});

test('a file that does not say which kind of vocabulary it has is read as one that does', () => {
  for (const { name, json, config } of TOKENIZERS) {
    const { type, ...model } = json['model'] as Record<string, unknown>;
    const [told, untold] = [tokenizerOf({ json, config }), tokenizerOf({ json: { ...json, model }, config })];
    for (const text of TEXTS)
      assert.deepEqual(untold.encode(text), told.encode(text), `${name}, ${String(type)}: ${text}`);
  }
});

test('an id that the tokenizer knows nothing of, as models have some to spare, gives no text', () => {
  for (const family of TOKENIZERS) {
    const tokenizer = tokenizerOf(family);
    const ids = tokenizer.encodeText('a b', 'inside');
    assert.equal(tokenizer.decode([...ids, 1_000_000]), tokenizer.decode(ids), family.name);
    assert.equal(tokenizer.decode([1_000_000]), '', family.name);
    assert.equal(tokenizer.label(1_000_000), '#1000000', family.name);
  }
});

interface Theirs {
  encode(text: string, options: { add_special_tokens: boolean }): number[];
  decode(ids: number[], options: Record<string, boolean>): string;
}

const { transformers, skip } = transformersOrWhyNot(process.cwd());
test('transformers.js gives the same ids and texts', { skip }, async () => {
  const { AutoTokenizer, env } = transformers as {
    env: { localModelPath: string };
    AutoTokenizer: { from_pretrained(name: string): Promise<Theirs> };
  };
  env.localModelPath = scratch;
  const wrong: string[] = [];
  for (const [i, family] of TOKENIZERS.entries()) {
    const dir = join(scratch, `family-${i}`);
    mkdirSync(dir);
    writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(family.json));
    writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify(family.config));
    writeFileSync(join(dir, 'config.json'), '{}');
    const theirs = await AutoTokenizer.from_pretrained(`family-${i}`);
    const ours = tokenizerOf(family);
    const same = (what: string, text: string, got: unknown, wanted: unknown): void => {
      if (JSON.stringify(got) !== JSON.stringify(wanted))
        wrong.push(
          `${family.name}, ${what}, ${JSON.stringify(text)}: ${JSON.stringify(got)} ≠ ${JSON.stringify(wanted)}`,
        );
    };
    for (const text of [...TEXTS, ...LOOKALIKES]) {
      const { after = [] } = family;
      const ids = theirs.encode(text, { add_special_tokens: true });
      const wanted = after.length > 0 ? ids.slice(0, -after.length) : ids;
      same('ids', text, ours.encode(text), wanted);
      same('whole', text, ours.encodeWhole(text), ids);
      const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
      const mere = theirs.encode(text, { add_special_tokens: false });
      if (TEXTS.includes(text)) {
        same('mere text', text, ours.encodeText(text), mere);
        // Theirs drops a byte order mark.
        const kept = mere.length > 0 && !text.startsWith('\ufeff');
        if (kept) same('text', text, ours.decode(mere), theirs.decode(mere, options));
      }
    }
  }
  assert.deepEqual(wrong, []);
});
