// The list of models, what it says of a machine, and the files that make up a model of a repository.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isBuildable } from '../../src/catalog/buildable';
import { readCatalog } from '../../src/catalog/entry';
import { fitOf, memoryFor, recommended, smallestMachine } from '../../src/catalog/fit';
import { weightsChoices, type ListedFile } from '../../src/catalog/weights';

const entries = readCatalog(readFileSync('models/catalog.json', 'utf8'));

test('the list names each model once, with the smallest machine that it suits', () => {
  assert.ok(entries.length >= 10);
  assert.equal(new Set(entries.map(({ name }) => name)).size, entries.length);
  for (const { name, weightsBytes, machine } of entries) assert.equal(machine, smallestMachine(weightsBytes), name);
});

test('what is built of original weights is smaller than they are, what is downloaded ready is not', () => {
  for (const { name, weights, downloadBytes, weightsBytes, parameters } of entries) {
    assert.ok(weightsBytes < downloadBytes, name);
    assert.ok(weightsBytes > parameters * 0.5, `${name}: fewer than four bits a parameter`);
    if (weights === 'safetensors') assert.ok(Math.abs(downloadBytes / 2 / parameters - 1) < 0.03, name);
    else assert.ok(downloadBytes - weightsBytes < 20e6, name);
  }
});

const DAMAGED: [change: Record<string, unknown>, named: RegExp][] = [
  [{ name: 'no-owner' }, /entry 1 .*"name"/],
  [{ name: '../up/there' }, /"name"/],
  [{ parameters: 0 }, /"parameters"/],
  [{ context: 1.5 }, /"context"/],
  [{ weights: 'model.bin' }, /"weights"/],
  [{ fillInTheMiddle: 'yes' }, /"fillInTheMiddle"/],
  [{ licence: '' }, /"licence"/],
];
for (const [change, named] of DAMAGED)
  test(`a list with ${JSON.stringify(change)} is refused`, () =>
    assert.throws(() => readCatalog(JSON.stringify({ models: [{ ...entries[0], ...change }] })), named));

test('a file without the list is refused', () => assert.throws(() => readCatalog('{}'), /"models"/));

/** GB of memory, GB a second where it was measured → what is recommended. */
const MACHINES: [memory: number, speed: number | undefined, name: string | undefined][] = [
  [2, 50, undefined],
  [4, 50, 'Qwen/Qwen2.5-Coder-0.5B'],
  [8, 50, 'Qwen/Qwen2.5-Coder-0.5B'],
  [16, 50, 'Qwen/Qwen2.5-Coder-1.5B'],
  [32, 50, 'Qwen/Qwen2.5-Coder-1.5B'],
  [64, 400, 'Qwen/Qwen2.5-Coder-7B'],
  [16, undefined, 'Qwen/Qwen2.5-Coder-1.5B'],
  [32, 20, 'Qwen/Qwen2.5-Coder-0.5B'],
  [32, 5, undefined],
];
for (const [memory, speed, name] of MACHINES)
  test(`${memory} GB and ${speed ?? 'unmeasured'} GB/s: ${name ?? 'the model that comes with Glassbox'}`, () => {
    const bytesPerSecond = speed === undefined ? undefined : speed * 1e9;
    assert.equal(recommended(entries, { memoryBytes: memory * 1e9, bytesPerSecond })?.name, name);
  });

test('a larger model takes more memory and more time, and never suits better', () => {
  const order = ['suits', 'slow', 'very slow', 'too large'];
  const machine = { memoryBytes: 16e9, bytesPerSecond: 25e9 };
  let last = fitOf(1, machine);
  for (let bytes = 1e7; bytes < 1e11; bytes *= 1.3) {
    const fit = fitOf(bytes, machine);
    assert.ok(fit.memoryBytes > last.memoryBytes && (fit.tokenMs ?? 0) > (last.tokenMs ?? 0));
    assert.ok(order.indexOf(fit.verdict) >= order.indexOf(last.verdict), `${bytes} bytes`);
    assert.equal(fit.memoryBytes, memoryFor(bytes));
    last = fit;
  }
  assert.equal(last.verdict, 'too large');
});

const BESIDES = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
/** Files of a repository → id, label and number of files of each choice. */
const REPOSITORIES: [what: string, files: string[], encoderDecoder: boolean, choices: [string, string, number][]][] = [
  [
    'exports in several types, the large one with its data beside it',
    ['README.md', ...BESIDES, 'onnx/model.onnx', 'onnx/model.onnx_data', 'onnx/model_q4.onnx', 'onnx/model_quantized.onnx', 'onnx/model_int8.onnx', 'onnx/model_q4f16.onnx'], // prettier-ignore
    false,
    [
      ['onnx/model_quantized.onnx', 'q8', 4],
      ['onnx/model_int8.onnx', 'int8', 4],
      ['onnx/model_q4.onnx', 'q4', 4],
      ['onnx/model_q4f16.onnx', 'q4f16', 4],
      ['onnx/model.onnx', 'fp32', 5],
    ],
  ],
  [
    'an older export: merged, and the parts that it was merged of',
    [...BESIDES, 'onnx/decoder_model.onnx', 'onnx/decoder_model_merged.onnx', 'onnx/decoder_model_merged_quantized.onnx', 'onnx/decoder_with_past_model.onnx'], // prettier-ignore
    false,
    [
      ['onnx/decoder_model_merged_quantized.onnx', 'q8', 4],
      ['onnx/decoder_model_merged.onnx', 'fp32', 4],
    ],
  ],
  [
    'both exports: the newer one counts',
    [...BESIDES, 'onnx/model_quantized.onnx', 'onnx/decoder_model_merged_quantized.onnx'],
    false,
    [['onnx/model_quantized.onnx', 'q8', 4]],
  ],
  ['original weights', [...BESIDES, 'model.safetensors', 'LICENSE'], false, [['safetensors', '4-bit', 5]]],
  [
    'original weights in parts',
    [...BESIDES, 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json'], // prettier-ignore
    false,
    [['safetensors', '4-bit', 6]],
  ],
  ['parts without their index', [...BESIDES, 'model-00001-of-00002.safetensors'], false, []],
  ['the data in many files', [...BESIDES, 'onnx/model.onnx', 'onnx/model.onnx_data', 'onnx/model.onnx_data_1'], false, [['onnx/model.onnx', 'fp32', 6]]], // prettier-ignore
  ['nothing that is known', [...BESIDES, 'pytorch_model.bin', 'onnx/vision_encoder.onnx'], false, []],
  [
    'encoder and decoder',
    [...BESIDES, 'onnx/encoder_model.onnx', 'onnx/decoder_model_merged.onnx', 'onnx/encoder_model_quantized.onnx', 'onnx/decoder_model_merged_quantized.onnx', 'model.safetensors'], // prettier-ignore
    true,
    [
      ['onnx/decoder_model_merged_quantized.onnx', 'q8', 5],
      ['onnx/decoder_model_merged.onnx', 'fp32', 5],
    ],
  ],
  ['a decoder that lacks its encoder', [...BESIDES, 'onnx/decoder_model_merged.onnx'], true, []],
];
for (const [what, paths, encoderDecoder, expected] of REPOSITORIES)
  test(`a repository with ${what}`, () => {
    const files: ListedFile[] = paths.map((path, i) => ({ path, size: 1000 + i }));
    const choices = weightsChoices(files, encoderDecoder);
    assert.deepEqual(
      choices.map(({ id, label, files: chosen }) => [id, label, chosen.length]),
      expected,
    );
    for (const { files: chosen, downloadBytes, weightsBytes, build } of choices) {
      const size = (path: string): number => files.find((file) => file.path === path)?.size ?? assert.fail(path);
      assert.equal(
        downloadBytes,
        chosen.reduce((sum, path) => sum + size(path), 0),
      );
      assert.ok(weightsBytes < downloadBytes);
      assert.equal(new Set(chosen).size, chosen.length);
      assert.equal(build, chosen.some((path) => path.endsWith('.safetensors'))); // prettier-ignore
    }
  });

const CONFIGS: [config: Record<string, unknown>, buildable: boolean][] = [
  [{ model_type: 'qwen2' }, true],
  [{ model_type: 'llama' }, true],
  [{ model_type: 'llama', quantization_config: { quant_method: 'awq' } }, false],
  [{ model_type: 'gpt_bigcode' }, false],
  [{}, false],
];
for (const [config, buildable] of CONFIGS)
  test(`${JSON.stringify(config)} is ${buildable ? '' : 'not '}buildable`, () =>
    assert.equal(isBuildable(config), buildable));
