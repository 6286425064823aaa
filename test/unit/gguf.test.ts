// The GGUF file of `npm run model:gguf`: read back by another reader, compared with the ONNX file, and run by the oracle.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { convert } from '../../models/gguf/convert';
import { main } from '../../models/gguf/main';
import { encode, floatToHalf } from '../../models/gguf/numbers';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { readGguf, type Gguf } from '../ggufReader';
import { farthest, forward, type LlamaWeights } from '../reference';
import { TINY, writeTinyModel } from '../tinyModel';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-gguf-'));
const CONFIG = {
  model_type: 'llama',
  num_hidden_layers: TINY.layers,
  hidden_size: TINY.hidden,
  intermediate_size: TINY.ffn,
  num_attention_heads: TINY.heads,
  num_key_value_heads: TINY.kvHeads,
  head_dim: TINY.headDim,
  vocab_size: TINY.vocab,
  max_position_embeddings: TINY.context,
  rope_theta: TINY.ropeTheta,
  rms_norm_eps: TINY.rmsEps,
  tie_word_embeddings: true,
  bos_token_id: 256,
  eos_token_id: 257,
};
let weights: LlamaWeights;
const configure = (change: object): void =>
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...CONFIG, ...change }));

before(() => {
  weights = writeTinyModel(dir);
  configure({});
});
after(() => rmSync(dir, { recursive: true }));

/** Name in a layer of the GGUF file → in the ONNX file, and the heads whose rows are interleaved. */
const NAMES: [string, string, number][] = [
  ['attn_norm', 'input_layernorm', 0],
  ['attn_q', 'self_attn.q_proj', TINY.heads],
  ['attn_k', 'self_attn.k_proj', TINY.kvHeads],
  ['attn_v', 'self_attn.v_proj', 0],
  ['attn_output', 'self_attn.o_proj', 0],
  ['ffn_norm', 'post_attention_layernorm', 0],
  ['ffn_gate', 'mlp.gate_proj', 0],
  ['ffn_up', 'mlp.up_proj', 0],
  ['ffn_down', 'mlp.down_proj', 0],
];

/** The weights of a GGUF file under Hugging Face's names, their rows in Hugging Face's order. */
function original({ tensors }: Gguf): Map<string, Float32Array> {
  const found = new Map([
    ['model.embed_tokens.weight', tensors.get('token_embd.weight')!.values],
    ['model.norm.weight', tensors.get('output_norm.weight')!.values],
  ]);
  for (let layer = 0; layer < TINY.layers; layer++)
    for (const [theirs, ours, heads] of NAMES) {
      const { values, dims } = tensors.get(`blk.${layer}.${theirs}.weight`)!;
      const rows = values.slice();
      if (heads > 0) {
        const [size, width] = [dims[0]! / heads, dims[1]!];
        for (let row = 0; row < dims[0]!; row++) {
          const at = row % size; // rows 2d and 2d+1 of a head are a pair
          const to = row - at + (at % 2) * (size / 2) + Math.floor(at / 2);
          rows.set(values.subarray(row * width, (row + 1) * width), to * width);
        }
      }
      found.set(`model.layers.${layer}.${ours}.weight`, rows);
    }
  return found;
}

test('f32: every weight of the ONNX file is there, and nothing else', () => {
  const gguf = readGguf(convert({ model: dir, type: 'f32' }));
  const tensors = original(gguf);
  assert.equal(gguf.tensors.size, tensors.size);
  for (const [name, values] of tensors) assert.equal(farthest(values, weights.tensor(name)), 0, name);
});

test('the metadata say what the folder says', () => {
  const { metadata } = readGguf(convert({ model: dir, type: 'f16' }));
  for (const [key, value] of Object.entries({
    'general.architecture': 'llama',
    'general.file_type': 1,
    'llama.block_count': TINY.layers,
    'llama.context_length': TINY.context,
    'llama.embedding_length': TINY.hidden,
    'llama.feed_forward_length': TINY.ffn,
    'llama.attention.head_count': TINY.heads,
    'llama.attention.head_count_kv': TINY.kvHeads,
    'llama.attention.key_length': TINY.headDim,
    'llama.attention.value_length': TINY.headDim,
    'llama.attention.layer_norm_rms_epsilon': Math.fround(TINY.rmsEps),
    'llama.rope.freq_base': TINY.ropeTheta,
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'gpt-2',
    'tokenizer.ggml.bos_token_id': 256,
    'tokenizer.ggml.eos_token_id': 257,
    'tokenizer.ggml.padding_token_id': 258,
    'tokenizer.ggml.add_bos_token': true,
  }))
    assert.equal(metadata.get(key), value, key);
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  assert.deepEqual([tokens.length, tokens[65], tokens[32], tokens[256]], [TINY.vocab, 'A', 'Ġ', '<s>']);
  assert.deepEqual((metadata.get('tokenizer.ggml.token_type') as number[]).slice(254), [1, 1, 3, 3, 3]);
});

test('the shipped model’s special tokens and merges are told', () => {
  const { metadata } = readGguf(convert({ model: 'models/glassbox-small', type: 'f32' }));
  const written = JSON.parse(readFileSync('models/glassbox-small/tokenizer.json', 'utf8')) as {
    model: { vocab: Record<string, number>; merges: string[] };
  };
  for (const [key, token] of Object.entries({
    bos: '<|endoftext|>',
    eot: '<|endoftext|>',
    fim_pre: '<|fim_prefix|>',
    fim_suf: '<|fim_suffix|>',
    fim_mid: '<|fim_middle|>',
    fim_pad: '<|fim_pad|>',
    fim_sep: '<|file_sep|>',
    fim_rep: '<|repo_name|>',
  }))
    assert.equal(metadata.get(`tokenizer.ggml.${key}_token_id`), written.model.vocab[token], key);
  const merges = metadata.get('tokenizer.ggml.merges') as string[];
  assert.deepEqual([...merges].sort(), [...written.model.merges].sort());
  assert.match(merges[0]!, /^[ĠĊ]+ [ĠĊ]+$/);
  const words = (all: string[]): string[] => all.filter((merge) => /[a-z]/.test(merge));
  assert.deepEqual(words(merges), words(written.model.merges));
});

/** The oracle with llama.cpp's rotary positions, fed from the file as it stands: the pairs of a head are neighbours. */
function interleavedForward({ metadata, tensors }: Gguf, ids: number[]): Float64Array {
  const headDim = metadata.get('llama.attention.key_length') as number;
  const theirs = new Map(NAMES.map(([name, ours]) => [ours, name]));
  const tensor = (name: string): Float32Array => {
    const inLayer = /^model\.layers\.(\d+)\.(.*)\.weight$/.exec(name);
    if (inLayer) return tensors.get(`blk.${inLayer[1]}.${theirs.get(inLayer[2]!)}.weight`)!.values;
    return tensors.get(name === 'model.norm.weight' ? 'output_norm.weight' : 'token_embd.weight')!.values;
  };
  const { logits } = forward(
    {
      layers: metadata.get('llama.block_count') as number,
      hidden: metadata.get('llama.embedding_length') as number,
      heads: metadata.get('llama.attention.head_count') as number,
      kvHeads: metadata.get('llama.attention.head_count_kv') as number,
      headDim,
      ropeTheta: metadata.get('llama.rope.freq_base') as number,
      rmsEps: metadata.get('llama.attention.layer_norm_rms_epsilon') as number,
      interleaved: true,
      tensor,
    },
    ids,
  );
  return logits.at(-1) as Float64Array;
}

test('the file alone gives the engine’s logits', async () => {
  const ids = [256, ...Buffer.from('for (const a of b)')];
  const model = await Model.load(readModelFolder(dir), 'cpu');
  const engine = Float32Array.from(await model.forward(ids, model.newCache()));
  await model.dispose();
  for (const [type, tolerance] of [
    ['f32', 1e-3],
    ['f16', 0.05],
    ['q8_0', 0.5],
  ] as const) {
    const difference = farthest(interleavedForward(readGguf(convert({ model: dir, type })), ids), engine);
    assert.ok(difference < tolerance, `${type}: ${difference}`);
  }
});

test('numbers: half precision and blocks of 8 bits', () => {
  for (const [value, bits] of [
    [1, 0x3c00],
    [-2, 0xc000],
    [0, 0],
    [1 / 3, 0x3555],
    [65504, 0x7bff],
    [1e6, 0x7c00],
    [2 ** -24, 1],
    [2 ** -14, 0x0400],
    [2 ** -25, 0], // halfway: to even
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 ** -14 - 2 ** -26, 0x0400], // rounds up into the normal numbers
  ] as const)
    assert.equal(floatToHalf(value), bits, String(value));
  const values = Float32Array.from({ length: 32 }, (_, i) => i - 127 + 95);
  assert.deepEqual([...new Int8Array(encode(values, 'q8_0').slice(2).buffer)].slice(0, 3), [-127, -123, -119]);
  assert.ok(encode(new Float32Array(32), 'q8_0').every((byte) => byte === 0));
});

test('rows that are no multiple of 32 become f16 in a q8_0 file', () => {
  const { tensors } = readGguf(convert({ model: dir, type: 'q8_0' }));
  assert.equal(tensors.get('blk.0.attn_q.weight')!.type, 1); // rows of 48
  assert.equal(tensors.get('blk.0.attn_output.weight')!.type, 8); // rows of 96
  assert.equal(tensors.get('blk.0.attn_norm.weight')!.type, 0);
});

const unusable: [string, object, RegExp][] = [
  ['another architecture', { model_type: 'gpt2' }, /model_type "gpt2"/],
  ['biases', { attention_bias: true }, /biases/],
  ['scaled positions', { rope_scaling: { rope_type: 'yarn' } }, /"yarn"/],
  ['no ε', { rms_norm_eps: undefined }, /rms_norm_eps/],
  ['a wrong size', { intermediate_size: 81 }, /mlp\.gate_proj\.weight" with shape \[80, 48\]/],
  ['an output matrix that is not there', { tie_word_embeddings: false }, /no float32 weights "lm_head\.weight"/],
];
for (const [name, change, message] of unusable) {
  test(`${name}: refused in one line`, () => {
    configure(change);
    assert.throws(() => convert({ model: dir, type: 'f32' }), message);
    configure({});
  });
}

test('the command ends with one line and code 2 on what it cannot use', async (t) => {
  const ran = spawnSync(process.execPath, ['models/gguf/run.mjs', '--model', join(dir, 'nowhere')], {
    encoding: 'utf8',
  });
  assert.equal(ran.status, 2, ran.stderr);
  assert.match(ran.stderr, /^model:gguf: There is no model folder .*\n$/);
  for (const [args, message] of [
    [['--type', 'q9'], /^model:gguf: --type q9 .*\n$/],
    [['--what'], /^model:gguf: Unknown option '--what'.*\n$/],
    [['--model', dir, '--out', join(dir, 'config.json', 'x.gguf')], /^model:gguf: .* cannot be written .*\n$/],
  ] as const) {
    const write = t.mock.method(process.stderr, 'write', () => true);
    const code = await main([...args]);
    const lines = write.mock.calls.map((call) => String(call.arguments[0]));
    write.mock.restore();
    assert.equal(code, 2);
    assert.match(lines.join(''), message);
  }
});
