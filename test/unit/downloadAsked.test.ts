// What may be asked for: files, paths, names and commits, and which files make a model.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { download, filesToFetch, type DownloadRequest, type RepoDescription } from '../../src/download/index';
import { isSafePath } from '../../src/download/names';
import { Q4, commit, scene } from './storeScene';

/** Files that are asked for but not as they should be. */
const REQUESTS: [title: string, change: (request: DownloadRequest) => void, code: string][] = [
  ['a file that is not there', (request) => request.files.push('nothing'), 'not_found'],
  ['a path that leads out', (request) => spoil(request, { path: '../../evil' }), 'bad_answer'],
  ['a size below 0', (request) => spoil(request, { size: -1 }), 'bad_answer'],
  ['a commit that is none', (request) => (request.description.revision = '../..'), 'bad_name'],
  ['a name that leads out', (request) => (request.description.name = '../..'), 'bad_name'],
];
function spoil({ description, files }: DownloadRequest, change: object): void {
  const file = { path: 'x', size: 1, sha256: 'a'.repeat(64), ...change };
  description.files.push(file);
  files.push(file.path);
}
for (const [title, change, code] of REQUESTS)
  test(`asked for: ${title}`, () =>
    scene([], async ({ store, description, at }) => {
      const request = { description: structuredClone(description), files: [...Q4], store };
      change(request);
      await assert.rejects(download(request, at), { code });
      assert.ok(!existsSync(store));
    }));

test('a file without a checksum is not downloaded', () =>
  scene([], async ({ store, description, at }) => {
    const files = description.files.map(({ path, size }) => ({ path, size }));
    const request = { description: { ...description, files }, files: Q4, store };
    await assert.rejects(download(request, at), { code: 'bad_answer', message: /checksum/ });
  }));

const SAFE: [path: string, safe: boolean][] = [
  ['config.json', true],
  ['onnx/model_q4.onnx_data', true],
  ['.gitattributes', true],
  ['a b/ü.json', true],
  ...[
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/../b',
    '../a',
    'a\\b',
    'C:',
    'a:b',
    'a\0',
    'a\nb',
    'nul',
    'COM1.txt',
    'a.',
    'a ',
    '*',
    'a?',
    'x.part',
    'glassbox.lock.json',
    'a'.repeat(201),
    'a/'.repeat(300) + 'a',
  ].map((path): [string, boolean] => [path, false]),
];
test('paths that may lie in a model folder', () => {
  for (const [path, safe] of SAFE) assert.equal(isSafePath(path), safe, JSON.stringify(path));
});

/** Files of a repository, weights asked for → the files to download, or what is said. */
const CHOICES: [paths: string[], weights: string | undefined, chosen: string[] | RegExp][] = [
  [['onnx/model.onnx', 'onnx/model_quantized.onnx'], undefined, ['onnx/model_quantized.onnx']],
  [['onnx/model.onnx', 'onnx/model_q4.onnx'], undefined, ['onnx/model_q4.onnx']],
  [
    ['onnx/model.onnx', 'onnx/model.onnx_data', 'onnx/model.onnx_data_1', 'onnx/model.onnx_datum'],
    'fp32',
    ['onnx/model.onnx_data', 'onnx/model.onnx_data_1', 'onnx/model.onnx'],
  ],
  [['model.onnx', 'model.onnx.data'], undefined, ['model.onnx.data', 'model.onnx']],
  [['onnx/special.onnx', 'onnx/model.onnx'], 'onnx/special.onnx', ['onnx/special.onnx']],
  [['onnx/model.onnx'], 'q4', /no weights "q4"\. There are onnx\/model\.onnx/],
  [['onnx/model.onnx'], 'onnx/other.onnx', /no weights "onnx\/other\.onnx"/],
  [['onnx/model.onnx'], 'constructor', /no weights "constructor"/],
  [['model.safetensors'], undefined, ['model.safetensors']],
  [['model.safetensors', 'onnx/model.onnx'], 'safetensors', ['model.safetensors']],
  [['pytorch_model.bin'], undefined, /no ONNX weights/],
];
test('the files that make a model', () => {
  const describe = (paths: string[]): RepoDescription => ({
    name: 'owner/model',
    revision: commit,
    gated: false,
    config: { model_type: 'llama' },
    files: paths.map((path) => ({ path, size: 1 })),
  });
  for (const [paths, weights, chosen] of CHOICES) {
    const choose = (): string[] =>
      filesToFetch(describe(['README.md', ...paths, 'tokenizer.json', 'config.json']), weights);
    if (chosen instanceof RegExp) assert.throws(choose, { code: 'unsuitable', message: chosen });
    else assert.deepEqual(choose(), ['config.json', 'tokenizer.json', ...chosen]);
  }
  assert.throws(() => filesToFetch(describe(['onnx/model.onnx', 'config.json'])), { message: /no tokenizer\.json/ });
  const stranger = {
    ...describe(['onnx/model.onnx', 'config.json', 'tokenizer.json']),
    config: { model_type: 'mamba' },
  };
  assert.throws(() => filesToFetch(stranger), { code: 'unsuitable', message: /owner\/model cannot be run: .*mamba/ });
  const gpt2 = { ...describe(['model.safetensors', 'tokenizer.json', 'config.json']), config: { model_type: 'gpt2' } };
  for (const weights of [undefined, 'safetensors'])
    assert.throws(() => filesToFetch(gpt2, weights), { code: 'unsuitable', message: /no ONNX weights that are known/ });
  const whole = ['onnx/encoder_model.onnx', 'onnx/decoder_model_merged.onnx', 'tokenizer.json', 'config.json'];
  const t5 = { ...describe([...whole, 'onnx/decoder_model_merged_q4.onnx', 'onnx/decoder_model.onnx']), config: { model_type: 't5' } }; // prettier-ignore
  assert.ok(whole.every((path) => filesToFetch(t5, 'onnx/decoder_model_merged.onnx').includes(path)));
  for (const alone of ['onnx/decoder_model_merged_q4.onnx', 'onnx/decoder_model.onnx', 'onnx/encoder_model.onnx'])
    assert.throws(() => filesToFetch(t5, alone), { message: /There are onnx\/decoder_model_merged\.onnx\.$/ });
});
