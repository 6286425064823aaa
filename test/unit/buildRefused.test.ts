// Models that cannot be built out of safetensors: what is damaged or not known is refused by name, and nothing is left behind.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildModel } from '../../src/engine/build/build';
import { checkedBuild } from '../../src/engine/build/checkedBuild';
import { EngineError } from '../../src/engine/errors';
import { seededRandom } from '../../src/engine/random';
import { safetensorsFile, writeTinySource, type TinySource, type Written } from '../safetensors';
import { newDir, never, ignore, last, refusal } from './buildScene';

const bias = 'model.layers.1.self_attn.k_proj.bias';

/** Sources that cannot be built, and what the error says. */
const REFUSED: [what: string, source: TinySource, damage: (dir: string) => void, code: string, message: RegExp][] = [
  [
    'a family that is not known',
    { family: 'llama', config: { model_type: 'gemma2' } },
    ignore,
    'model_unsupported',
    /config\.json asks for model_type "gemma2".*llama, mistral, qwen2, qwen3/,
  ],
  [
    'a folder in the place of the tokenizer',
    { family: 'llama' },
    (dir) => {
      rmSync(join(dir, 'tokenizer.json'));
      mkdirSync(join(dir, 'tokenizer.json'));
    },
    'model_missing',
    /lacks .*tokenizer\.json/,
  ],
  [
    'a tokenizer of another model',
    { family: 'llama' },
    (dir) => {
      const path = join(dir, 'tokenizer.json');
      const json = JSON.parse(readFileSync(path, 'utf8')) as { model: { vocab: Record<string, number> } };
      json.model.vocab['of another model'] = 99_999;
      writeFileSync(path, JSON.stringify(json));
    },
    'model_damaged',
    /[\\/]\d+[\\/]tokenizer\.json has 100,?000 ids where .*[\\/]\d+[\\/]config\.json's vocab_size/,
  ],
  [
    'a damaged tokenizer',
    { family: 'llama' },
    (dir) => writeFileSync(join(dir, 'tokenizer.json'), '{'),
    'model_damaged',
    /[\\/]\d+[\\/]tokenizer\.json/,
  ],
  [
    'an index that names the folder above',
    { family: 'llama' },
    (dir) => writeFileSync(join(dir, 'model.safetensors.index.json'), '{"weight_map": {"a": ".."}}'),
    'model_damaged',
    /names "\.\.", which is no file of the folder/,
  ],
  [
    'another activation',
    { family: 'llama', config: { hidden_act: 'gelu' } },
    ignore,
    'model_unsupported',
    /hidden_act "gelu"/,
  ],
  [
    'yarn',
    { family: 'qwen2', config: { rope_scaling: { type: 'yarn', factor: 4 } } },
    ignore,
    'model_unsupported',
    /rope_scaling "yarn"/,
  ],
  [
    'dynamic',
    { family: 'llama', config: { rope_scaling: { rope_type: 'dynamic', factor: 4 } } },
    ignore,
    'model_unsupported',
    /rope_scaling "dynamic"/,
  ],
  [
    'longrope',
    { family: 'llama', config: { rope_scaling: { rope_type: 'longrope' } } },
    ignore,
    'model_unsupported',
    /rope_scaling "longrope"/,
  ],
  [
    'a rotation without its factor',
    { family: 'llama', config: { rope_scaling: { type: 'linear' } } },
    ignore,
    'model_damaged',
    /"rope_scaling\.factor"/,
  ],
  [
    'part of a head rotated',
    { family: 'llama', config: { partial_rotary_factor: 0.5 } },
    ignore,
    'model_unsupported',
    /partial_rotary_factor/,
  ],
  [
    'weights that are quantised already',
    { family: 'llama', config: { quantization_config: { quant_method: 'gptq' } } },
    ignore,
    'model_unsupported',
    /quantization_config/,
  ],
  [
    'no layers',
    { family: 'llama', config: { num_hidden_layers: 0 } },
    ignore,
    'model_damaged',
    /no usable "num_hidden_layers"/,
  ],
  [
    'absurdly many layers',
    { family: 'llama', config: { num_hidden_layers: 1e6 } },
    ignore,
    'model_damaged',
    /no usable "num_hidden_layers"/,
  ],
  [
    'heads that do not share evenly',
    { family: 'llama', config: { num_key_value_heads: 4 } },
    ignore,
    'model_damaged',
    /no usable "num_key_value_heads"/,
  ],
  [
    'one layer more than there is',
    { family: 'llama', config: { num_hidden_layers: 4 } },
    ignore,
    'model_damaged',
    /lack model\.layers\.3\.input_layernorm\.weight/,
  ],
  [
    'a missing weight',
    { family: 'qwen2', tensors: (all) => void all.delete(bias) },
    ignore,
    'model_damaged',
    /lack model\.layers\.1\.self_attn\.k_proj\.bias/,
  ],
  [
    'an output matrix that is not there',
    { family: 'llama', config: { tie_word_embeddings: false } },
    ignore,
    'model_damaged',
    /lack lm_head\.weight/,
  ],
  [
    'a weight of another shape',
    { family: 'llama', config: { intermediate_size: 81 } },
    ignore,
    'model_damaged',
    /mlp\.gate_proj\.weight is 80 × 48; config\.json asks for 81 × 48/,
  ],
  [
    'a type that is not read',
    { family: 'qwen2', tensors: (all) => void (all.get(bias)!.dtype = 'F8_E4M3') },
    ignore,
    'model_unsupported',
    /k_proj\.bias is of type F8_E4M3 in .*F32, F16, BF16/,
  ],
  [
    'NaN in a matrix',
    { family: 'llama', tensors: (all) => poison(all, 'model.layers.2.mlp.up_proj.weight', NaN) },
    ignore,
    'model_damaged',
    /model\.layers\.2\.mlp\.up_proj\.weight holds numbers that are not finite/,
  ],
  [
    'infinity in a vector',
    { family: 'llama', tensors: (all) => poison(all, 'model.norm.weight', Infinity) },
    ignore,
    'model_damaged',
    /model\.norm\.weight holds numbers that are not finite/,
  ],
  [
    'a truncated file',
    { family: 'llama' },
    (dir) => writeFileSync(last(dir), readFileSync(last(dir)).subarray(0, -5)),
    'model_damaged',
    /model\.safetensors is damaged \(.* of \d+ bytes\)/,
  ],
  ['an empty file', { family: 'llama' }, (dir) => writeFileSync(last(dir), ''), 'model_damaged', /it has 0 bytes/],
  [
    'a header longer than the file',
    { family: 'llama' },
    (dir) => overwrite(last(dir), 0, Buffer.from('ffffffffffffff7f', 'hex')),
    'model_damaged',
    /its header is said to have/,
  ],
  [
    'a header that is cut short',
    { family: 'llama' },
    (dir) => overwrite(last(dir), 0, Buffer.from('4000000000000000', 'hex')),
    'model_damaged',
    /its header is not JSON/,
  ],
  [
    'a header that is no object',
    { family: 'llama' },
    (dir) =>
      writeFileSync(
        last(dir),
        safetensorsFile(new Map(), () => [1]),
      ),
    'model_damaged',
    /its header is not a JSON object/,
  ],
  [
    'tensors that overlap',
    { family: 'llama' },
    (dir) => said(dir, (all) => (all['model.norm.weight']!.data_offsets = [8, 200])),
    'model_damaged',
    /overlap/,
  ],
  [
    'a tensor beyond the file',
    { family: 'llama' },
    (dir) => said(dir, (all) => (all['model.norm.weight']!.data_offsets = [1e12, 1e12 + 192])),
    'model_damaged',
    /model\.norm\.weight is said to lie at 1000000000000/,
  ],
  [
    'a place before the file',
    { family: 'llama' },
    (dir) => said(dir, (all) => (all['model.norm.weight']!.data_offsets = [-192, 0])),
    'model_damaged',
    /model\.norm\.weight has no place/,
  ],
  [
    'a shape of other size',
    { family: 'llama' },
    (dir) => said(dir, (all) => (all['model.norm.weight']!.shape = [49])),
    'model_damaged',
    /model\.norm\.weight has 192 bytes for the shape 49 in F32/,
  ],
  [
    'a shape that is none',
    { family: 'llama' },
    (dir) => said(dir, (all) => (all['model.norm.weight']!.shape = [-1])),
    'model_damaged',
    /model\.norm\.weight has no type or no shape/,
  ],
  [
    'a missing shard',
    { family: 'llama', shards: 3 },
    (dir) => rmSync(join(dir, 'model-00002-of-00003.safetensors')),
    'model_missing',
    /model-00002-of-00003\.safetensors are missing/,
  ],
  [
    'shards without their index',
    { family: 'llama', shards: 2 },
    (dir) => rmSync(join(dir, 'model.safetensors.index.json')),
    'model_missing',
    /has 2 safetensors files but no model\.safetensors\.index\.json/,
  ],
  [
    'an index that leads out of the folder',
    { family: 'llama' },
    (dir) => writeFileSync(join(dir, 'model.safetensors.index.json'), '{"weight_map": {"a": "../a.safetensors"}}'),
    'model_damaged',
    /names "\.\.\/a\.safetensors"/,
  ],
  [
    'an index without a map',
    { family: 'llama' },
    (dir) => writeFileSync(join(dir, 'model.safetensors.index.json'), 'null'),
    'model_damaged',
    /"weight_map"/,
  ],
  ['no weights', { family: 'llama' }, (dir) => rmSync(last(dir)), 'model_missing', /has no model\.safetensors/],
  [
    'no tokenizer',
    { family: 'llama' },
    (dir) => rmSync(join(dir, 'tokenizer.json')),
    'model_missing',
    /lacks .*tokenizer\.json/,
  ],
  [
    'a config.json that is no JSON',
    { family: 'llama' },
    (dir) => writeFileSync(join(dir, 'config.json'), '{'),
    'model_damaged',
    /config\.json is damaged/,
  ],
  ['no folder', { family: 'llama' }, (dir) => rmSync(dir, { recursive: true }), 'model_missing', /There is no folder/],
];

function poison(all: Map<string, Written>, name: string, value: number): void {
  const { bytes } = all.get(name)!;
  new DataView(bytes.buffer, bytes.byteOffset).setFloat32(bytes.length - 4, value, true);
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const whole = readFileSync(path);
  whole.set(bytes, at);
  writeFileSync(path, whole);
}

/** Writes the header anew, with a change. */
function said(
  dir: string,
  change: (all: Record<string, { shape: number[]; data_offsets: number[] }>) => unknown,
): void {
  const whole = readFileSync(last(dir));
  const length = Number(whole.readBigUInt64LE());
  const header = JSON.parse(whole.subarray(8, 8 + length).toString()) as Record<
    string,
    { shape: number[]; data_offsets: number[] }
  >;
  change(header);
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(last(dir), Buffer.concat([prefix, json, whole.subarray(8 + length)]));
}

for (const [what, source, damage, code, message] of REFUSED)
  test(`refused: ${what}`, async () => {
    const from = newDir();
    writeTinySource(from, source);
    damage(from);
    const error = await refusal((into) => checkedBuild({ type: 'build', from, into, bits: 4 }, ignore, never));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.match(error.message, /\. (Restore|Choose|Make)/);
  });

test('random damage to a file ends in a model or an error that says so', async () => {
  const random = seededRandom(11);
  const whole = newDir();
  writeTinySource(whole, { family: 'qwen2', dtype: 'BF16' });
  const bytes = readFileSync(last(whole));
  const header = 8 + Number(bytes.readBigUInt64LE());
  for (let round = 0; round < 60; round++) {
    const damaged = Buffer.from(bytes);
    for (let i = 0; i < 3; i++) damaged[Math.floor(random() * header)] = Math.floor(random() * 256);
    writeFileSync(last(whole), damaged);
    const into = newDir();
    try {
      await buildModel({ from: whole, into, bits: 4 });
    } catch (error) {
      assert.ok(error instanceof EngineError, `round ${round}: ${String(error)}`);
      assert.ok(!existsSync(into));
    }
  }
});
