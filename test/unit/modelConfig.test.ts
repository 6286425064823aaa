// config.json in the names of each family, and the cache inputs of graphs in every layout; what is none of ours is refused by name.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheInputs, emptyPasts, liesAsUsual } from '../../src/engine/cacheInputs';
import { EngineError } from '../../src/engine/errors';
import { readConfig, type ModelConfig } from '../../src/engine/modelConfig';
import type { ModelFolder } from '../../src/engine/modelFolder';
import { PlainRunner } from '../../src/engine/plainRunner';
import { checkInputs } from '../../src/engine/runner';
import { Tensor, type Session } from '../../src/engine/session';

/** [layers, heads, kvHeads, headDim, vocab, contextLength] */
type Numbers = [number, number, number, number, number, number];

const CONFIGS: { name: string; config: Record<string, unknown>; read: Numbers }[] = [
  {
    name: 'Llama',
    config: { model_type: 'llama', num_hidden_layers: 16, num_attention_heads: 32, num_key_value_heads: 8, hidden_size: 2048, head_dim: 64, vocab_size: 128256, max_position_embeddings: 131072 }, // prettier-ignore
    read: [16, 32, 8, 64, 128256, 131072],
  },
  {
    name: 'GPT-2',
    config: { model_type: 'gpt2', n_layer: 12, n_head: 12, n_embd: 768, n_ctx: 1024, n_positions: 1024, vocab_size: 50257 }, // prettier-ignore
    read: [12, 12, 12, 64, 50257, 1024],
  },
  {
    name: 'GPT-Neo',
    config: { model_type: 'gpt_neo', num_layers: 12, num_heads: 12, hidden_size: 768, vocab_size: 50257, max_position_embeddings: 2048, window_size: 256 }, // prettier-ignore
    read: [12, 12, 12, 64, 50257, 2048],
  },
  {
    name: 'CodeGen',
    config: { model_type: 'codegen', n_layer: 20, n_head: 16, n_embd: 1024, n_ctx: 2048, n_positions: 2048, rotary_dim: 32, vocab_size: 51200 }, // prettier-ignore
    read: [20, 16, 16, 64, 51200, 2048],
  },
  {
    name: 'StarCoder',
    config: { model_type: 'gpt_bigcode', n_layer: 40, n_head: 48, n_embd: 6144, n_positions: 8192, multi_query: true, vocab_size: 49152 }, // prettier-ignore
    read: [40, 48, 1, 128, 49152, 8192],
  },
  {
    name: 'GPT-BigCode without a word on multi_query',
    config: { model_type: 'gpt_bigcode', n_layer: 24, n_head: 16, n_embd: 2048, n_positions: 2048, vocab_size: 49280 },
    read: [24, 16, 1, 128, 49280, 2048],
  },
  {
    name: 'GPT-BigCode with as many key heads',
    config: { model_type: 'gpt_bigcode', n_layer: 24, n_head: 16, n_embd: 2048, n_positions: 2048, multi_query: false, vocab_size: 49280 }, // prettier-ignore
    read: [24, 16, 16, 128, 49280, 2048],
  },
  {
    name: 'BLOOM, older names',
    config: { model_type: 'bloom', n_layer: 24, num_attention_heads: 16, n_embed: 1024, seq_length: 2048, vocab_size: 250880 }, // prettier-ignore
    read: [24, 16, 16, 64, 250880, 2048],
  },
  {
    name: 'BLOOM',
    config: { model_type: 'bloom', n_layer: 24, n_head: 16, hidden_size: 1024, vocab_size: 250880 },
    read: [24, 16, 16, 64, 250880, 2048],
  },
  {
    name: 'MPT',
    config: { model_type: 'mpt', n_layers: 32, n_heads: 32, d_model: 4096, max_seq_len: 65536, vocab_size: 50432, attn_config: { alibi: true } }, // prettier-ignore
    read: [32, 32, 32, 128, 50432, 65536],
  },
  {
    name: 'MPT with shared key heads',
    config: { model_type: 'mpt', n_layers: 32, n_heads: 32, d_model: 4096, max_seq_len: 4096, vocab_size: 50432, attn_config: { kv_n_heads: 8 } }, // prettier-ignore
    read: [32, 32, 8, 128, 50432, 4096],
  },
  {
    name: 'OPT',
    config: { model_type: 'opt', num_hidden_layers: 24, num_attention_heads: 16, hidden_size: 1024, word_embed_proj_dim: 512, ffn_dim: 4096, max_position_embeddings: 2048, vocab_size: 50272 }, // prettier-ignore
    read: [24, 16, 16, 64, 50272, 2048],
  },
  {
    name: 'Phi, whose key heads are null',
    config: { model_type: 'phi', num_hidden_layers: 32, num_attention_heads: 32, num_key_value_heads: null, hidden_size: 2560, vocab_size: 51200, max_position_embeddings: 2048 }, // prettier-ignore
    read: [32, 32, 32, 80, 51200, 2048],
  },
  {
    name: 'Gemma, whose heads are wider than its share',
    config: { model_type: 'gemma', num_hidden_layers: 18, num_attention_heads: 8, num_key_value_heads: 1, head_dim: 256, hidden_size: 2048, vocab_size: 256000, max_position_embeddings: 8192 }, // prettier-ignore
    read: [18, 8, 1, 256, 256000, 8192],
  },
  {
    name: 'a decoder in a larger model, which leaves out what its family always has',
    config: { model_type: 'gemma3', architectures: ['Gemma3ForConditionalGeneration'], text_config: { model_type: 'gemma3_text', hidden_size: 2560, num_hidden_layers: 34 } }, // prettier-ignore
    read: [34, 8, 4, 256, 262208, 131072],
  },
];

for (const { name, config, read } of CONFIGS)
  test(`config.json, ${name}`, () => {
    const { layers, heads, kvHeads, headDim, vocab, contextLength } = readConfig(config, {}, 'config.json');
    assert.deepEqual([layers, heads, kvHeads, headDim, vocab, contextLength], read);
  });

test('config.json: ids that end a text are those of generation_config.json, else its own', () => {
  const config = { n_layer: 1, n_head: 1, n_embd: 8, vocab_size: 9, eos_token_id: 3, bos_token_id: 2 };
  assert.deepEqual(readConfig(config, {}, 'c').eosIds, [3]);
  assert.deepEqual(readConfig(config, { eos_token_id: [4, 5] }, 'c').eosIds, [4, 5]);
  assert.equal(readConfig(config, {}, 'c').bosId, 2);
});

test('config.json: what is missing is named', () => {
  for (const [left, named] of [
    ['n_layer', 'num_hidden_layers'],
    ['n_head', 'num_attention_heads'],
    ['n_embd', 'hidden_size'],
    ['vocab_size', 'vocab_size'],
  ] as const) {
    const config: Record<string, unknown> = { n_layer: 1, n_head: 1, n_embd: 8, vocab_size: 9 };
    config[left] = 'many';
    assert.throws(
      () => readConfig(config, {}, '/m/config.json'),
      (error) =>
        error instanceof EngineError &&
        error.message.includes(`"${named}"`) &&
        error.message.includes('/m/config.json'),
    );
  }
});

const CONFIG = { layers: 1, heads: 4, kvHeads: 2, headDim: 8 } as ModelConfig;
type Shapes = Record<string, (string | number)[]>;

/** A session that has these cache inputs, and an output for each. */
function sessionOf(shapes: Shapes, others = ['input_ids'], outputs?: string[]): Session {
  const inputMetadata = [
    ...others.map((name) => ({ name, isTensor: true, type: 'int64', shape: ['b', 'n'] })),
    ...Object.entries(shapes).map(([name, shape]) => ({ name, isTensor: true, type: 'float32', shape })),
  ];
  return {
    inputMetadata,
    inputNames: inputMetadata.map(({ name }) => name),
    outputNames: outputs ?? [
      'logits',
      ...Object.keys(shapes).map((name) => name.replace('past_key_values', 'present')),
    ],
  } as unknown as Session;
}
const folderOf = (config: ModelConfig): ModelFolder => ({ config, weightsPath: '/m/onnx/model.onnx' }) as ModelFolder;
const [KEY, VALUE, BOTH] = ['key', 'value', 'key_value'].map((part) => `past_key_values.0.${part}`) as [string, string, string]; // prettier-ignore
const P = 'past_sequence_length';

const LAYOUTS: { name: string; shapes: Shapes; config?: Partial<ModelConfig>; dims: number[][]; axes: number[] }[] = [
  { name: 'as usual', shapes: { [KEY]: ['batch_size', 2, P, 8], [VALUE]: ['batch_size', 2, P, 8] }, dims: [[1, 2, 0, 8], [1, 2, 0, 8]], axes: [2, 2] }, // prettier-ignore
  { name: 'nothing said', shapes: { [KEY]: ['a', 'b', 'c', 'd'], [VALUE]: ['', '', '', ''] }, dims: [[1, 2, 0, 8], [1, 2, 0, 8]], axes: [2, 2] }, // prettier-ignore
  { name: 'nothing said in numbers', shapes: { [KEY]: [-1, -1, -1, -1], [VALUE]: [-1, -1, -1, -1] }, dims: [[1, 2, 0, 8], [1, 2, 0, 8]], axes: [2, 2] }, // prettier-ignore
  { name: 'keys turned', shapes: { [KEY]: ['batch_size', 2, 8, P], [VALUE]: ['batch_size', 2, P, 8] }, dims: [[1, 2, 8, 0], [1, 2, 0, 8]], axes: [3, 2] }, // prettier-ignore
  { name: 'keys turned, told by the name alone', shapes: { [KEY]: ['b', 'h', 'w', P], [VALUE]: ['b', 'h', P, 'w'] }, dims: [[1, 2, 8, 0], [1, 2, 0, 8]], axes: [3, 2] }, // prettier-ignore
  { name: 'BLOOM', config: { kvHeads: 4 }, shapes: { [KEY]: ['batch_size x num_heads', 8, P], [VALUE]: ['batch_size x num_heads', P, 8] }, dims: [[4, 8, 0], [4, 0, 8]], axes: [2, 1] }, // prettier-ignore
  { name: 'BLOOM, nothing said', config: { kvHeads: 4 }, shapes: { [KEY]: ['', '', ''], [VALUE]: ['', '', ''] }, dims: [[4, 8, 0], [4, 0, 8]], axes: [2, 1] }, // prettier-ignore
  { name: 'GPT-BigCode', config: { kvHeads: 1 }, shapes: { [BOTH]: ['batch_size', P, 16] }, dims: [[1, 0, 16]], axes: [1] }, // prettier-ignore
  { name: 'GPT-BigCode, as many key heads', config: { kvHeads: 4 }, shapes: { [BOTH]: ['batch_size', 4, P, 16] }, dims: [[1, 4, 0, 16]], axes: [2] }, // prettier-ignore
];

for (const { name, shapes, config, dims, axes } of LAYOUTS)
  test(`a cache laid out, ${name}: sizes and the axis of the positions`, () => {
    const pasts = cacheInputs(sessionOf(shapes), folderOf({ ...CONFIG, ...config }));
    assert.deepEqual(pasts.map((past) => past.dims), dims); // prettier-ignore
    assert.deepEqual(pasts.map((past) => past.axis), axes); // prettier-ignore
    assert.deepEqual(Object.values(emptyPasts(pasts)).map((tensor) => [...tensor.dims]), dims); // prettier-ignore
    assert.equal(pasts.every(liesAsUsual), axes.every((axis, i) => axis === 2 && dims[i]?.length === 4)); // prettier-ignore
  });

const usual: Shapes = { [KEY]: ['b', 2, P, 8], [VALUE]: ['b', 2, P, 8] };
const REFUSED: { name: string; session: Session; says: RegExp }[] = [
  { name: 'a cache without an axis that grows', session: sessionOf({ ...usual, [KEY]: ['b', 2, 128, 8] }), says: /\[b, 2, 128, 8\] where \[batch, 2, position, 8\] was expected/ }, // prettier-ignore
  { name: 'a cache of five axes', session: sessionOf({ ...usual, [KEY]: [2, 'b', 2, P, 8] }), says: /shape \[2, b, 2/ }, // prettier-ignore
  { name: 'other heads', session: sessionOf({ ...usual, [VALUE]: ['b', 3, P, 8] }), says: /3 key heads .*config\.json says 2/ }, // prettier-ignore
  { name: 'other numbers a head', session: sessionOf({ ...usual, [VALUE]: ['b', 2, P, 9] }), says: /9 numbers a head .*config\.json says 8/ }, // prettier-ignore
  { name: 'a cache of another kind of model', session: sessionOf({ 'past_conv.0': ['b', 2, 4] }), says: /input "past_conv\.0" that is not known/ }, // prettier-ignore
  { name: 'no cache: decoder_model.onnx beside decoder_with_past_model.onnx', session: sessionOf({}), says: /0 cache inputs where config\.json's 1 layers need 2/ }, // prettier-ignore
  { name: 'the decoder of a larger model, which takes vectors', session: sessionOf(usual, ['inputs_embeds']), says: /input "inputs_embeds" that is not known/ }, // prettier-ignore
  { name: 'a cache that does not come out again', session: sessionOf(usual, ['input_ids'], ['logits']), says: /no output "present\.0\.key"/ }, // prettier-ignore
];

for (const { name, session, says } of REFUSED)
  test(`refused, ${name}`, () => {
    assert.throws(
      () => checkInputs(session, folderOf(CONFIG)),
      (error) => {
        assert.ok(error instanceof EngineError, String(error));
        assert.equal(error.code, 'model_unsupported');
        assert.match(error.message, /^\/m\/onnx\/model\.onnx .*Export the model/);
        assert.match(error.message, says);
        return true;
      },
    );
  });

test('refused, a cache that forgets: no token of it could be taken back', async () => {
  const present = (positions: number): Tensor =>
    new Tensor('float32', new Float32Array(2 * positions * 8), [1, 2, positions, 8]);
  const session = Object.assign(sessionOf(usual), {
    run: () =>
      Promise.resolve({
        logits: new Tensor('float32', new Float32Array(5 * 3), [1, 5, 3]),
        'present.0.key': present(4),
        'present.0.value': present(4),
      }),
  });
  const runner = new PlainRunner(session, folderOf(CONFIG));
  await assert.rejects(
    runner.forward([1, 2, 3, 4, 5], runner.newCache(), 'last'),
    (error) =>
      error instanceof EngineError &&
      error.code === 'model_unsupported' &&
      /^\/m\/onnx\/model\.onnx gives the cache "present\.0\.key" the shape \[1, 2, 4, 8\] after 5 tokens/.test(
        error.message,
      ),
  );
});
