// Models on WebGPU: the CPU's numbers, whatever is cut from a cache or branched off it, and no memory that stays behind. Where there is no
// GPU they run on SwiftShader, the Vulkan driver that comes with Chromium. It must be named before a process starts: hence a child.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildModel } from '../../src/engine/build/build';
import type { KvCache } from '../../src/engine/kvCache';
import { Model } from '../../src/engine/model';
import { readModelFolder, type ModelFolder } from '../../src/engine/modelFolder';
import { Tensor } from '../../src/engine/session';
import { FORMS, type Form } from '../graphForms';
import { farthest } from '../reference';
import { writeTinySource } from '../safetensors';
import { chromiumDir, softwareGpu } from '../softwareGpu';

const CHILD = 'GLASSBOX_TEST_ON_WEBGPU';

if (process.env[CHILD] === undefined) {
  const chromium = chromiumDir();
  const skip = chromium === undefined && 'no Chromium with SwiftShader here';
  test('on a GPU in software', { skip }, () => {
    const env: NodeJS.ProcessEnv = { ...softwareGpu(chromium ?? ''), [CHILD]: '1' };
    delete env['NODE_TEST_CONTEXT']; // else it would report to our runner
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--enable-source-maps', __filename], { env });
    const output = `${stdout.toString()}\n${stderr.toString()}`;
    assert.equal(status, 0, output);
    assert.match(output, /^# pass 6$/m, output);
  });
} else {
  countTensors();
  const dir = mkdtempSync(join(tmpdir(), 'glassbox-gpu-'));
  after(() => rmSync(dir, { recursive: true }));
  // [form, how it is run]: both ways of cutting a cache, a mask that is right for one token only, and what WebGPU gets wrong.
  const runs: [string, string][] = [
    ['gqa', 'its cache on the GPU, cut in place'],
    ['mha, heads repeated, model builder', 'its cache on the GPU, cut by copying'],
    ['gqa, softcap', 'rewritten from GroupQueryAttention'],
  ];
  for (const [name, note] of runs)
    test(`${name}: logits are the reference's`, () =>
      check(
        FORMS.find((form) => form.name === name)!,
        note,
        dir,
      ));
  test('the shipped model: logits are those of the CPU', () =>
    compare(readModelFolder(join(process.cwd(), 'models', 'glassbox-small'), 'onnx/model.onnx')));
  // Both ways in which a built graph rotates.
  for (const [family, change] of [
    ['qwen2', {}],
    ['qwen3', { headDim: 8 }],
  ] as const)
    test(`a model built out of safetensors, ${family}: logits are those of the CPU`, async () => {
      const [from, into] = [join(dir, `${family}-from`), join(dir, family)];
      writeTinySource(from, { family, change });
      await buildModel({ from, into, bits: 4, accuracy: 0 }); // a GPU never rounds the other factor
      await compare(readModelFolder(into));
    });
}

/** Tensors that lie on the GPU. */
let alive = 0;

/** Every one is made through this function of the runtime's. */
function countTensors(): void {
  const make = Tensor.fromGpuBuffer.bind(Tensor);
  Tensor.fromGpuBuffer = (buffer, options) => {
    alive++;
    const tensor = make(buffer, options);
    const dispose = tensor.dispose.bind(tensor);
    tensor.dispose = () => {
      alive--;
      dispose();
    };
    return tensor;
  };
}

const ids = [256, ...Buffer.from('for (const a of b)')];
const KEPT = 11;
const other = [...ids.slice(0, KEPT), ...Buffer.from('let x')];

async function check({ name, write, tolerance }: Form, note: string, dir: string): Promise<void> {
  const reference = write(join(dir, name));
  const expected = reference(ids).logits;
  const model = await Model.load(readModelFolder(join(dir, name)), 'webgpu');
  assert.equal(model.graphNote, note, model.deviceNote);
  const near = async (more: number[], cache: KvCache, wanted: ArrayLike<number>[], where: string): Promise<void> => {
    const distance = farthest(
      await model.forward(more, cache, 'all'),
      wanted.flatMap((row) => Array.from(row)),
    );
    assert.ok(distance < tolerance, `${where}: ${distance}`);
  };
  const cache = model.newCache();
  const some = ids.length - 3;
  await near(ids.slice(0, some), cache, expected.slice(0, some), 'prefill');
  const ofOne = alive;
  assert.equal(ofOne > 0, model.device === 'webgpu', 'the cache lies on the GPU');
  const branch = cache.branch();
  await near(ids.slice(some, some + 1), cache, [expected[some]!], 'one token');
  await near(ids.slice(some + 1), cache, expected.slice(some + 1), 'several');
  assert.equal(cache.keepPrefix(other, other.length), KEPT);
  await near(other.slice(KEPT), cache, reference(other).logits.slice(KEPT), 'after a cut');
  await near(ids.slice(some), branch, expected.slice(some), 'the branch, which saw none of this');
  cache.truncate(0);
  await near(ids.slice(0, 4), cache, expected.slice(0, 4), 'from the start');
  for (let run = 0; run < 9; run++) {
    cache.truncate(3);
    await near(ids.slice(3, 4), cache, expected.slice(3, 4), `once more, ${run}`);
    assert.equal(alive, 2 * ofOne, 'tensors of two caches');
  }
  branch.dispose();
  assert.equal(alive, ofOne, 'tensors of one cache');
  cache.dispose();
  assert.equal(alive, 0, 'no tensors');
  await model.dispose();
}

/** Holds WebGPU against the CPU. */
async function compare(folder: ModelFolder): Promise<void> {
  const [gpu, cpu] = [await Model.load(folder, 'webgpu'), await Model.load(folder, 'cpu')];
  assert.equal(gpu.device, 'webgpu', gpu.deviceNote);
  const [ours, theirs] = [gpu.newCache(), cpu.newCache()];
  const id = (i: number): number => (i * 7919 + 11) % folder.config.vocab;
  const parts = [Array.from({ length: 12 }, (_, i) => id(i)), [id(30)], [id(31), id(32)]];
  for (const [i, part] of parts.entries()) {
    const distance = farthest(await gpu.forward(part, ours), await cpu.forward(part, theirs));
    assert.ok(distance < 1e-3, `part ${i}: ${distance}`);
    for (const cache of [ours, theirs]) if (i === 1) cache.truncate(9);
  }
  await gpu.dispose();
  await cpu.dispose();
}
