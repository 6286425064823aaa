// Models built out of safetensors: all families, types and sizes give the logits of the slow forward pass over the very numbers that were
// written.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { agreement } from '../../src/engine/agreement';
import { buildModel } from '../../src/engine/build/build';
import { checkedBuild } from '../../src/engine/build/checkedBuild';
import { weightsOf } from '../../src/engine/build/matrices';
import { referencePass } from '../../src/engine/build/pass';
import { BLOCK, dequantise, quantise, type Bits } from '../../src/engine/build/quantise';
import { Safetensors } from '../../src/engine/build/safetensors';
import { frequencies, type Rotation } from '../../src/engine/build/rotation';
import { readShape } from '../../src/engine/build/shape';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { seededRandom } from '../../src/engine/random';
import { farthest, forward, type LlamaWeights } from '../reference';
import { stored, writeSource, writeTinySource, type TinySource, type Written } from '../safetensors';
import { readShippedWeights } from '../shippedWeights';
import { TINY } from '../tinyModel';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-build-'));
after(() => rmSync(scratch, { recursive: true }));

const IDS = [256, ...Buffer.from('let x = 1;')];
const OUTER = /embed_tokens|lm_head/;
let made = 0;
const newDir = (): string => join(scratch, String(made++));
const never = new AbortController().signal;
const ignore = (): void => undefined;

/** The numbers that quantised weights stand for. */
function rounded(weights: LlamaWeights & { names: Map<string, number[]> }, bits: Bits): LlamaWeights {
  const cache = new Map<string, Float32Array>();
  const tensor = (name: string): Float32Array => {
    const known = cache.get(name);
    if (known !== undefined) return known;
    const [, columns] = weights.names.get(name) ?? [];
    const values = weights.tensor(name);
    const b = OUTER.test(name) ? 8 : bits;
    const made = columns === undefined ? values : dequantise(quantise(values, columns, b), columns, b);
    cache.set(name, made);
    return made;
  };
  return { ...weights, tensor };
}

async function logitsOf(
  dir: string,
  options: { plain?: boolean } = {},
): Promise<{ logits: Float32Array; note: string }> {
  const model = await Model.load(readModelFolder(dir), 'cpu', options);
  const cache = model.newCache();
  // In three runs: the cache is read, too.
  const parts = [IDS.slice(0, 6), IDS.slice(6, 7), IDS.slice(7)];
  const logits: number[] = [];
  for (const part of parts) logits.push(...(await model.forward(part, cache, 'all')));
  cache.dispose();
  await model.dispose();
  return { logits: Float32Array.from(logits), note: model.graphNote };
}

const flat = (rows: readonly Float64Array<ArrayBufferLike>[]): number[] => rows.flatMap((row) => [...row]);

const MODELS: Record<string, TinySource> = {
  'llama, tied': { family: 'llama' },
  'llama, untied, in float16': { family: 'llama', dtype: 'F16', change: { untied: true } },
  'llama with a key head for each query head, in bfloat16': { family: 'llama', dtype: 'BF16', change: { kvHeads: 6 } },
  'llama with heads that attention does not rotate': { family: 'llama', change: { headDim: 8 } },
  'llama with biases everywhere': {
    family: 'llama',
    change: { biases: true, innerBiases: true },
    config: { attention_bias: true, mlp_bias: true },
  },
  'mistral with a window, in three files': { family: 'mistral', dtype: 'BF16', shards: 3, change: { untied: true } },
  'mistral without a window': { family: 'mistral', change: { window: 999 }, config: { sliding_window: null } },
  'qwen2, in bfloat16': { family: 'qwen2', dtype: 'BF16' },
  'qwen2 with a window': {
    family: 'qwen2',
    change: { window: 4 },
    config: { use_sliding_window: true, max_window_layers: 0 },
  },
  'qwen2 with a window that is not in use': {
    family: 'qwen2',
    config: { use_sliding_window: false, sliding_window: 4 },
  },
  'qwen3, in float16, in two files': { family: 'qwen3', dtype: 'F16', shards: 2 },
  'qwen3 with heads that attention does not rotate': { family: 'qwen3', change: { headDim: 24 } },
};

for (const [name, source] of Object.entries(MODELS)) {
  test(`${name}: the built model computes what its weights do`, async () => {
    const from = newDir();
    const weights = writeTinySource(from, source);
    const files = await Safetensors.open(from);
    const config = JSON.parse(readFileSync(join(from, 'config.json'), 'utf8')) as Record<string, unknown>;
    const pass = await referencePass(readShape(config, 'config.json'), files, [IDS, IDS.slice(3)]);
    await files.close();
    const expected = [...flat(forward(weights, IDS).logits), ...flat(forward(weights, IDS.slice(3)).logits)];
    assert.ok(farthest(pass, expected) < 1e-4, `the pass over the files is ${farthest(pass, expected)} off`);

    for (const bits of [4, 8] as const) {
      const into = newDir();
      await buildModel({ from, into, bits, accuracy: 0 });
      const exact = flat(forward(rounded(weights, bits), IDS).logits);
      for (const plain of [false, true]) {
        const { logits, note } = await logitsOf(into, { plain });
        assert.ok(plain || note === 'rewritten from GroupQueryAttention', note);
        assert.ok(farthest(logits, exact) < 1e-4, `${bits} bits, ${note}: ${farthest(logits, exact)} off`);
      }
      const result = await checkedBuild({ type: 'build', from, into: newDir(), bits }, ignore, never);
      assert.ok(result.correlation > (bits === 4 ? 0.95 : 0.999), `${bits} bits: ${JSON.stringify(result)}`);
    }
  });
}

/** What config.json says of windows, and which each of the three layers has. */
const WINDOWS: [config: Record<string, unknown>, expected: number[]][] = [
  [{ model_type: 'mistral' }, [4096, 4096, 4096]],
  [{ model_type: 'mistral', sliding_window: null }, [0, 0, 0]],
  [{ model_type: 'mistral', sliding_window: 7 }, [7, 7, 7]],
  [{ model_type: 'llama', sliding_window: 7 }, [0, 0, 0]],
  [{ model_type: 'qwen2', sliding_window: 7 }, [0, 0, 0]],
  [{ model_type: 'qwen2', sliding_window: 7, use_sliding_window: true }, [0, 0, 0]],
  [{ model_type: 'qwen2', sliding_window: 7, use_sliding_window: true, max_window_layers: 1 }, [0, 7, 7]],
  [
    {
      model_type: 'qwen3',
      sliding_window: 7,
      use_sliding_window: true,
      layer_types: ['sliding_attention', 'full_attention', 'sliding_attention'],
    },
    [7, 0, 7],
  ],
];
test('windows are where config.json has them, and long contexts are cut', () => {
  const sizes = { hidden_size: 48, intermediate_size: 80, num_hidden_layers: 3, num_attention_heads: 6, vocab_size: 9 };
  for (const [config, expected] of WINDOWS)
    assert.deepEqual(
      readShape({ ...sizes, num_key_value_heads: 2, ...config }, '').windows,
      expected,
      JSON.stringify(config),
    );
  assert.equal(readShape({ ...sizes, model_type: 'llama', max_position_embeddings: 131072 }, '').context, 32768);
});

test('agreement is the correlation of the numbers and the share of equal tops', () => {
  const rows = Float32Array.of(1, 2, 3, 9, 5, 5);
  assert.deepEqual(agreement(rows, rows, 3), { correlation: 1, sameTop: 1 });
  const other = rows.map((x) => 7 - 2 * x);
  assert.ok(Math.abs(agreement(rows, other, 3).correlation + 1) < 1e-12);
  assert.equal(agreement(rows, other, 3).sameTop, 0);
  assert.equal(agreement(rows, Float32Array.of(1, 2, 4, 0, 1, 0), 3).sameTop, 0.5);
  // by hand: deviations (−1, 0, 1) and (−2, 1, 1): 3 / √(2 · 6)
  assert.ok(
    Math.abs(agreement(Float32Array.of(1, 2, 3), Float32Array.of(0, 3, 3), 3).correlation - 3 / Math.sqrt(12)) < 1e-12,
  );
  assert.ok(Number.isNaN(agreement(rows, new Float32Array(6), 3).correlation));
  assert.throws(() => agreement(rows, rows.subarray(3), 3), RangeError);
});

test('quantised numbers are within half a step of what they were, and 0 is 0', () => {
  const random = seededRandom(3);
  for (const bits of [4, 8] as const)
    for (const columns of [1, 31, 32, 33, 96, 100]) {
      const values = Float32Array.from(
        { length: 3 * columns },
        (_, i) => (i % 7 === 0 ? 0 : random() - 0.3) * 2 ** ((i % 5) - 2),
      );
      const { scales, ...rest } = quantise(values, columns, bits);
      const back = dequantise({ scales, ...rest }, columns, bits);
      const blocks = Math.ceil(columns / BLOCK);
      for (const [i, value] of values.entries()) {
        const step = scales[Math.floor(i / columns) * blocks + Math.floor((i % columns) / BLOCK)]!;
        // The 4-bit zero is rounded, too: the far end may be cut by another half.
        assert.ok(
          Math.abs(value - back[i]!) <= step * (bits === 4 ? 1.001 : 0.501),
          `${bits} bits: ${value} became ${back[i]}`,
        );
        if (value === 0) assert.equal(back[i], 0);
      }
    }
  assert.deepEqual([...dequantise(quantise(new Float32Array(40), 40, 4), 40, 4)], new Array(40).fill(0));
  assert.throws(() => quantise(Float32Array.of(1, NaN), 2, 4), /not finite/);
  assert.throws(() => quantise(Float32Array.of(1, -Infinity), 2, 8), /not finite/);
});

test('the shipped model, built anew from its full-precision weights, says nearly the same', async () => {
  const shipped = join(process.cwd(), 'models', 'glassbox-small');
  const config = JSON.parse(readFileSync(join(shipped, 'config.json'), 'utf8')) as Record<string, unknown>;
  const weights = readShippedWeights();
  const tensors = new Map<string, Written>();
  for (const [name, shape] of weightsOf(readShape(config, 'config.json')))
    tensors.set(name, { dtype: 'F32', shape, bytes: stored(weights.tensor(name), 'F32').bytes });
  const from = newDir();
  writeSource(from, tensors, 1, config);
  cpSync(join(shipped, 'tokenizer.json'), join(from, 'tokenizer.json'));
  for (const [bits, least] of [
    [4, 0.98],
    [8, 0.9995],
  ] as const) {
    const into = newDir();
    const told: number[] = [];
    const result = await checkedBuild(
      { type: 'build', from, into, bits },
      ({ fraction = NaN }) => told.push(fraction),
      never,
    );
    assert.ok(result.correlation > least && result.sameTop >= 0.75, `${bits} bits: ${JSON.stringify(result)}`);
    assert.equal(result.dir, into);
    const onDisk = readdirSync(join(into, 'onnx')).map((name) => statSync(join(into, 'onnx', name)).size);
    assert.equal(
      result.bytes,
      onDisk.reduce((sum, size) => sum + size, 0),
    );
    assert.deepEqual(
      told,
      [...told].sort((a, b) => a - b),
    );
    assert.equal(told.at(-1), 1);
  }
});

/** By hand: θ = 10,000 and 8 numbers a head turn by 1, 0.1, 0.01, 0.001; a context of 8,192 holds 1303.8, 130.4, 13.04, 1.304 turns of them. */
const ROTATIONS: [what: string, scaling: Rotation['scaling'], expected: number[]][] = [
  ['plain', { type: 'none' }, [1, 0.1, 0.01, 0.001]],
  ['linear', { type: 'linear', factor: 4 }, [0.25, 0.025, 0.0025, 0.00025]],
  // more than 20 turns stay, fewer than 2 are divided by 8; 13.04 lies 0.6132 of the way from 2 to 20: 0.3868 · 0.00125 + 0.6132 · 0.01
  ['llama3', { type: 'llama3', factor: 8, low: 2, high: 20, original: 8192 }, [1, 0.1, 0.00661568, 0.000125]],
];
for (const [what, scaling, expected] of ROTATIONS)
  test(`rotation: ${what}`, () =>
    assert.ok(farthest(frequencies({ theta: 10_000, scaling }, 8), expected) < 1e-7, what));

/** What config.json may say of the rotation: with a reference that turns as slowly, or by the pass over the files, which has the formula. */
const STRETCHED: [what: string, config: Record<string, unknown>][] = [
  ['linear', { rope_scaling: { type: 'linear', factor: 4 } }],
  [
    'linear, as newer files say it',
    { rope_theta: undefined, rope_parameters: { rope_type: 'linear', factor: 4, rope_theta: 5000 } },
  ],
  [
    'llama3',
    {
      rope_scaling: {
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 64,
      },
    },
  ],
  ['by name the ordinary one', { rope_scaling: { rope_type: 'default' } }],
  ['none', { rope_scaling: null }],
];
for (const [what, config] of STRETCHED)
  test(`a model whose rotation is ${what} computes what its weights do`, async () => {
    const from = newDir();
    writeTinySource(from, { family: 'llama', config });
    const into = newDir();
    await buildModel({ from, into, bits: 8, accuracy: 0 });
    const files = await Safetensors.open(from);
    const shape = readShape(JSON.parse(readFileSync(join(from, 'config.json'), 'utf8')) as Record<string, unknown>, '');
    const expected = await referencePass(shape, files, [IDS]);
    await files.close();
    const { correlation } = agreement((await logitsOf(into)).logits, expected, TINY.vocab);
    assert.ok(correlation > 0.9995, `${correlation}`);
  });

test('a rotation that is stretched makes a difference', async () => {
  const logits: Float32Array[] = [];
  for (const [, config] of STRETCHED.slice(1, 4)) {
    const [from, into] = [newDir(), newDir()];
    writeTinySource(from, { family: 'llama', config });
    await buildModel({ from, into, bits: 8 });
    logits.push((await logitsOf(into)).logits);
  }
  for (const [a, b] of [
    [0, 1],
    [1, 2],
    [0, 2],
  ] as const)
    assert.ok(farthest(logits[a]!, logits[b]!) > 0.01);
});
