// Encoder–decoder models: what they write is what a slow pass over the same weights and transformers.js write; what goes wrong is said.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EngineError } from '../../src/engine/errors';
import { decoderOf, loadEngine } from '../../src/engine/loadEngine';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { Seq2SeqEngine } from '../../src/engine/seq2seq/engine';
import { Seq2Seq, type Seq2SeqFolder } from '../../src/engine/seq2seq/runner';
import { readingOf } from '../../src/engine/seq2seq/source';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { CompletionRequest } from '../../src/protocol';
import { DATA_TYPES, inDataType } from '../forms/dataTypes';
import { SEQ2SEQ_FORMS, writeSeq2Seq, type DecoderFiles, type Seq2SeqForm } from '../forms/seq2seq/folders';
import { askPeer, noPeer } from '../peers';
import { greedily, seq2seqForward } from '../seq2seqReference';
import type { Seq2SeqWeights } from '../forms/seq2seq/shape';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-seq2seq-'));
after(() => rmSync(scratch, { recursive: true }));

const TEXT = 'translate the a word';
const TOKENS = 16;
const GREEDY = { temperature: 0, topK: 0, topP: 1, seed: 1 };
/** How like the float32 model's the logits of another data type must be, as their cosine. */
const LIKENESS = 0.75;
const never = new AbortController().signal;

interface Written {
  form: Seq2SeqForm;
  files: DecoderFiles;
  dir: string;
  weights: Seq2SeqWeights;
}

const ALL: Written[] = SEQ2SEQ_FORMS.flatMap((form) =>
  (['merged', 'pair'] as const).map((files) => {
    const dir = join(scratch, `${form.name.replaceAll(' ', '-')}-${files}`);
    return { form, files, dir, weights: writeSeq2Seq(dir, form, files) };
  }),
);
const t5 = ALL[0] as Written;
const marian = ALL.find(({ form }) => form.modelType === 'marian') as Written;
const codeT5 = ALL.find(({ form }) => form.name === 'CodeT5') as Written;

const engineOf = async (dir: string): Promise<Seq2SeqEngine> => {
  const engine = await loadEngine({ modelDir: dir, device: 'cpu' });
  assert.ok(engine instanceof Seq2SeqEngine);
  return engine;
};
const asked = (more: Partial<CompletionRequest> = {}): CompletionRequest => ({
  prefix: TEXT,
  suffix: '',
  maxTokens: TOKENS,
  sampling: GREEDY,
  raw: true,
  ...more,
});
const openModel = (dir: string): Promise<Seq2Seq> =>
  Seq2Seq.open(readModelFolder(dir) as Seq2SeqFolder, 'cpu', { threads: 1 }, (why) => why);

for (const { form, files, dir, weights } of ALL) {
  test(`${form.name}, ${files}: the logits of every token are the reference's`, async () => {
    const model = await openModel(dir);
    try {
      const read = [3, 17, 250, 9, 40, 41, 42, 8, 8, 8, 100, 101, 5, 6, 7, 11, 12, 13, 14, 15, 16, 18, 19, form.eos];
      const written = [form.pad, 20, 21, 5, 99, 250, 4, 4, 30, 31, 32, 33];
      const cache = model.newCache(await model.read(read));
      const expected = seq2seqForward(weights, read, written);
      const rows = [
        ...chunked(await model.forward(written.slice(0, 3), cache, 'all'), weights.vocab),
        ...chunked(await model.forward(written.slice(3), cache, 'all'), weights.vocab),
      ];
      closeTo(rows, expected, form);
      // Cut back, another text is written about the same source.
      cache.truncate(2);
      const other = [...written.slice(0, 2), 77, 78];
      closeTo(
        chunked(await model.forward([77, 78], cache, 'all'), weights.vocab),
        seq2seqForward(weights, read, other).slice(2),
        form,
      );
      const branch = cache.branch();
      await model.forward([50], branch);
      assert.deepEqual([cache.length, branch.length], [4, 5]);
    } finally {
      await model.dispose();
    }
  });

  test(`${form.name}, ${files}: what is written greedily is what the reference writes`, async () => {
    const engine = await engineOf(dir);
    try {
      let streamed = '';
      const done = await engine.complete(asked(), { signal: never, onToken: (_, text) => void (streamed += text) });
      const read = new Tokenizer(readModelFolder(dir)).encodeWhole(TEXT);
      assert.deepEqual(done.tokens, greedily(weights, form, read, TOKENS));
      assert.ok(done.tokens.length > 3, `${done.tokens.length} tokens`);
      assert.ok(done.text.startsWith(streamed));
      assert.deepEqual(
        [engine.info.kind, done.stats.promptTokens, done.stats.reusedTokens],
        ['encoder-decoder', read.length, 0],
      );
      const again = await engine.complete(asked(), { signal: never });
      assert.deepEqual([again.tokens, again.stats.reusedTokens], [done.tokens, read.length], 'what was read is kept');
      const [best] = (await engine.beams(
        { prefix: TEXT, maxTokens: TOKENS, beams: 1, nBest: 1, lengthPenalty: 1 },
        never,
      ))!;
      assert.deepEqual(best?.tokens, done.tokens, 'one beam is greedy');
    } finally {
      await engine.dispose();
    }
  });
}

/** In other data types than float32: what the engine wrote. */
const converted: { name: string; dir: string; dtype: string; tokens: number[]; leads: number[]; tolerance: number }[] =
  [];
for (const form of SEQ2SEQ_FORMS)
  for (const type of DATA_TYPES.filter(({ name }) => ['fp16', 'q8', 'q4', 'q4f16'].includes(name)))
    test(`${form.name}, merged, ${type.name}: logits are like the float32 reference's, and text is written`, async () => {
      const name = `${form.name}, ${type.name}`;
      const dir = join(scratch, name.replace(/\W+/g, '-'));
      const suffix = type.file.slice('model'.length, -'.onnx'.length);
      const weights = writeSeq2Seq(dir, form, 'merged', suffix, (graph) => inDataType(graph, type));
      if (type.halfCache) edit(dir, 'config.json', { 'transformers.js_config': { kv_cache_dtype: { [type.dtype]: 'float16' } } }); // prettier-ignore
      assert.equal(readModelFolder(dir).weights, `onnx/decoder_model_merged${suffix}.onnx`);
      const model = await openModel(dir);
      const read = new Tokenizer(readModelFolder(dir)).encodeWhole(TEXT);
      const cache = model.newCache(await model.read(read));
      const ids = [form.pad];
      const leads: number[] = [];
      while (ids.length <= TOKENS) {
        const row = await model.forward(ids.slice(-1), cache);
        if (ids.length === 1) {
          const expected = seq2seqForward(weights, read, ids)[0] as number[];
          assert.ok(cosine(finite(row), expected) > LIKENESS, `like the reference: ${cosine(finite(row), expected)}`);
        }
        const [first = 0, second = 0] = [...row].sort((a, b) => b - a);
        const next = row.indexOf(first);
        if (next === form.eos) break;
        ids.push(next);
        leads.push(first - second);
      }
      await model.dispose();
      converted.push({ name, dir, dtype: type.dtype, tokens: ids.slice(1), leads, tolerance: type.tolerance });
    });

test('transformers.js writes the same in other data types', { skip: noPeer }, () => {
  const able = converted.filter(({ name }) => !name.startsWith('UMT5'));
  const jobs = able.map(({ dir, dtype }) => ({ dir, dtype, text: TEXT, tokens: TOKENS }));
  const answers = askPeer<{ tokens: number[]; error?: string }>(jobs, 'greedySeq2Seq.mjs');
  let same = 0;
  for (const [i, { name, tokens, leads, tolerance }] of able.entries()) {
    const answer = answers[i]!;
    assert.equal(answer.error, undefined, `${name}: ${answer.error}`);
    const other = tokens.findIndex((id, at) => id !== answer.tokens[at]);
    if (other === -1) same++;
    else assert.ok((leads[other] as number) < 2 * tolerance, `${name}: token ${other}`);
  }
  assert.ok(same >= 0.9 * able.length, `only ${same} of ${able.length} texts are the same`);
});

test('transformers.js reads and writes the same', { skip: noPeer }, async () => {
  // It does not know UMT5; the slow pass does.
  const merged = ALL.filter(({ form, files }) => files === 'merged' && form.modelType !== 'umt5');
  const jobs = merged.map(({ dir }) => ({ dir, dtype: 'fp32', text: TEXT, tokens: TOKENS }));
  const answers = askPeer<{ ids: number[]; tokens: number[]; text: string; error?: string }>(jobs, 'greedySeq2Seq.mjs');
  for (const [i, { form, dir }] of merged.entries()) {
    const answer = answers[i]!;
    assert.equal(answer.error, undefined, `${form.name}: ${answer.error}`);
    assert.deepEqual(new Tokenizer(readModelFolder(dir)).encodeWhole(TEXT), answer.ids, `${form.name} reads the same`);
    const engine = await engineOf(dir);
    const done = await engine.complete(asked(), { signal: never });
    await engine.dispose();
    assert.deepEqual(done.tokens, answer.tokens.slice(0, done.tokens.length), `${form.name} writes the same`);
    const [next] = answer.tokens.slice(done.tokens.length);
    assert.ok(next === undefined || next === form.eos);
    assert.equal(done.text.trim(), answer.text.replace(/\uFFFD+$/, '').trim(), form.name); // no half characters
  }
});

test('a hole between two texts is read where nothing else is given, and cut around the cursor', () => {
  const tokenizer = new Tokenizer(readModelFolder(codeT5.dir));
  const request = asked({ raw: false, prefix: 'ab', suffix: 'cd' });
  const bytes = (text: string): number[] => [...Buffer.from(text)];
  const [begin, end, hole, next] = [256, 257, 259, 260];
  assert.deepEqual(readingOf(tokenizer, request, 64), {
    ids: [begin, ...bytes('ab'), hole, ...bytes('cd'), end],
    ends: [next],
  });
  const long = asked({ raw: false, prefix: 'x'.repeat(500) + 'ab', suffix: 'cd' + 'y'.repeat(500) });
  const { ids } = readingOf(tokenizer, long, 40);
  assert.ok(ids.length <= 40 && ids.length > 20, `${ids.length} ids`);
  const at = ids.indexOf(hole);
  assert.deepEqual(ids.slice(at - 2, at + 3), [...bytes('ab'), hole, ...bytes('cd')]);
  assert.deepEqual([ids[0], ids.at(-1)], [begin, end]);
  // What looks like a hole in the text is none, in bytes and in pieces.
  const lookalike = { raw: false, prefix: 'a <extra_id_0>', suffix: '<extra_id_1> </s> b' };
  for (const { dir } of [codeT5, t5]) {
    const own = new Tokenizer(readModelFolder(dir));
    const read = readingOf(own, asked(lookalike), 256).ids;
    const named = read.map((id) => own.label(id)).filter((name) => /^<(extra_id_\d|\/?s)>$/.test(name));
    assert.deepEqual(
      named.filter((name) => name !== '<s>'),
      ['<extra_id_0>', '</s>'],
      dir,
    );
  }
  assert.deepEqual(readingOf(tokenizer, asked({ raw: false, source: 'hi' }), 64).ids, [begin, ...bytes('hi'), end]);
});

const REFUSED: [
  title: string,
  dir: () => string,
  request: Partial<CompletionRequest>,
  code: string,
  message: RegExp,
][] = [
  ['nothing to read', () => t5.dir, { prefix: ' \n' }, 'bad_request', /no text to read/],
  ['an empty source', () => t5.dir, { raw: false, source: '' }, 'bad_request', /no text to read/],
  ['a text that is too long', () => marian.dir, { prefix: 'a b '.repeat(60) }, 'prompt_too_long', /at most 64/],
  ['going on with a model that knows no holes', () => marian.dir, { raw: false }, 'model_unsupported', /cannot go on/],
];
for (const [title, dir, request, code, message] of REFUSED)
  test(`refused: ${title}`, async () => {
    const engine = await engineOf(dir());
    try {
      await assert.rejects(engine.complete(asked(request), { signal: never }), has(code, message));
      const next = await engine.complete(asked(), { signal: never });
      assert.ok(next.tokens.length > 0, 'and the next request is answered');
    } finally {
      await engine.dispose();
    }
  });

test('a cancel ends it between two tokens, and what had been cancelled before it began is empty', async () => {
  const engine = await engineOf(marian.dir);
  try {
    const abort = new AbortController();
    let tokens = 0;
    const onToken = (): void => void (++tokens === 2 && abort.abort());
    const done = await engine.complete(asked(), { signal: abort.signal, onToken });
    assert.deepEqual([done.finish, done.tokens.length], ['cancelled', 2]);
    assert.equal((await engine.complete(asked(), { signal: abort.signal })).finish, 'cancelled');
    const drawn = asked({ sampling: { ...GREEDY, temperature: 1.5, seed: 3 } });
    const [one, two] = [
      await engine.complete(drawn, { signal: never }),
      await engine.complete(drawn, { signal: never }),
    ];
    assert.deepEqual(one.tokens, two.tokens, 'the same seed, the same text');
    assert.ok(!one.tokens.includes(marian.form.pad), 'padding is never written');
  } finally {
    await engine.dispose();
  }
});

test('what only a decoder can do is refused by name', async () => {
  const engine = await engineOf(t5.dir);
  await engine.dispose();
  assert.throws(() => decoderOf(engine), has('model_unsupported', /T5-merged is an encoder–decoder model/));
  await assert.rejects(Model.load(readModelFolder(t5.dir), 'cpu'), has('model_unsupported', /Generate only/));
});

const DAMAGED: [title: string, damage: (dir: string) => void, code: string, message: RegExp][] = [
  [
    'no encoder',
    (dir) => rmSync(join(dir, 'onnx/encoder_model.onnx')),
    'model_missing',
    /decoder_model_merged\.onnx.*encoder_model\.onnx/,
  ],
  [
    'no decoder',
    (dir) => rmSync(join(dir, 'onnx/decoder_model_merged.onnx')),
    'model_missing',
    /decoder_model_merged\.onnx/,
  ],
  [
    'an encoder that is no graph',
    (dir) => writeFileSync(join(dir, 'onnx/encoder_model.onnx'), 'no graph'),
    'model_damaged',
    /encoder_model\.onnx/,
  ],
  [
    'a decoder in the place of the encoder',
    (dir) =>
      writeFileSync(join(dir, 'onnx/encoder_model.onnx'), readFileSync(join(dir, 'onnx/decoder_model_merged.onnx'))),
    'model_unsupported',
    /encoder_model\.onnx has an input/,
  ],
  [
    'an encoder in the place of the decoder',
    (dir) =>
      writeFileSync(join(dir, 'onnx/decoder_model_merged.onnx'), readFileSync(join(dir, 'onnx/encoder_model.onnx'))),
    'model_unsupported',
    /decoder_model_merged\.onnx/,
  ],
  ['another vocabulary', (dir) => edit(dir, 'config.json', { vocab_size: 400 }), 'model_damaged', /vocab_size is 400/],
  [
    'no token to begin with',
    (dir) => {
      edit(dir, 'config.json', { decoder_start_token_id: null, pad_token_id: null });
      writeFileSync(join(dir, 'generation_config.json'), '{}');
    },
    'model_damaged',
    /config\.json does not say .*decoder_start_token_id/,
  ],
  [
    'a token to begin with that the model lacks',
    (dir) => edit(dir, 'generation_config.json', { decoder_start_token_id: 5000 }),
    'model_damaged',
    /generation_config\.json names the token 5000 \(decoder_start_token_id\); the model has 300/,
  ],
  [
    'a first token that the model lacks',
    (dir) => edit(dir, 'config.json', { forced_bos_token_id: 300 }),
    'model_damaged',
    /[^_]config\.json names the token 300 \(forced_bos_token_id\); the model has 300/,
  ],
];
for (const [title, damage, code, message] of DAMAGED)
  test(`damaged: ${title}`, async () => {
    const dir = mkdtempSync(join(scratch, 'damaged-'));
    writeSeq2Seq(dir, t5.form);
    damage(dir);
    await assert.rejects(async () => engineOf(dir), has(code, message));
  });

test('a model that reads hardly anything is given hardly anything', () => {
  for (const { dir } of [codeT5, t5])
    for (const most of [1, 2, 3, 4]) {
      const { ids } = readingOf(
        new Tokenizer(readModelFolder(dir)),
        asked({ raw: false, prefix: 'abc', suffix: 'def' }),
        most,
      );
      assert.ok(ids.length <= Math.max(3, most), `${ids.length} of ${most}`);
    }
});

test('of several data types the small one is taken, and an encoder of another one where its own lacks', async () => {
  const dir = mkdtempSync(join(scratch, 'several-'));
  writeSeq2Seq(dir, t5.form);
  writeSeq2Seq(dir, t5.form, 'merged', '_quantized');
  assert.equal(readModelFolder(dir).weights, 'onnx/decoder_model_merged_quantized.onnx');
  assert.match(readModelFolder(dir).seq2seq!.encoderPath, /encoder_model_quantized\.onnx$/);
  assert.match(readModelFolder(dir, 'onnx/decoder_model_merged.onnx').seq2seq!.encoderPath, /encoder_model\.onnx$/);
  renameSync(join(dir, 'onnx/encoder_model_quantized.onnx'), join(dir, 'onnx/encoder_model_q4.onnx'));
  assert.equal(readModelFolder(dir).weights, 'onnx/decoder_model_merged.onnx', 'with its own encoder');
  const chosen = readModelFolder(dir, 'onnx/decoder_model_merged_quantized.onnx');
  assert.match(chosen.seq2seq!.encoderPath, /encoder_model_q4\.onnx$/);
  const engine = await loadEngine({ modelDir: dir, device: 'cpu', weights: chosen.weights });
  assert.ok((await engine.complete(asked(), { signal: never })).tokens.length > 0);
  await engine.dispose();
});

function has(code: string, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof EngineError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

function edit(dir: string, file: string, change: Record<string, unknown>): void {
  const path = join(dir, file);
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...change }));
}

function chunked(all: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: all.length / size }, (_, i) => all.subarray(i * size, (i + 1) * size));
}

/** Padding, which is never written, is not compared. */
function closeTo(rows: Float32Array[], expected: number[][], { modelType, pad }: Seq2SeqForm): void {
  assert.equal(rows.length, expected.length);
  for (const [i, row] of rows.entries())
    for (const [id, x] of row.entries()) {
      if (modelType === 'marian' && id === pad) assert.equal(x, -Infinity);
      else assert.ok(Math.abs(x - expected[i]![id]!) < 1e-3, `row ${i}, id ${id}: ${x}, not ${expected[i]![id]}`);
    }
}

/** What is never written counts for nothing. */
function finite(row: Float32Array): number[] {
  return [...row].map((x) => (Number.isFinite(x) ? x : 0));
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, value, i) => sum + value * (y[i] as number), 0); // prettier-ignore
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
