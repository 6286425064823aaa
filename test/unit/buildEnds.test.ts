// How a build ends that is cancelled, has no room, or makes something else than it should; and what it finds and leaves in its place.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildModel } from '../../src/engine/build/build';
import { checkedBuild } from '../../src/engine/build/checkedBuild';
import { readModelFolder } from '../../src/engine/modelFolder';
import { writeTinySource, type Written } from '../safetensors';
import { newDir, never, last, refusal } from './buildScene';

/** How far the progress is when all is built and nothing checked. */
const BUILT = 0.6;

for (const at of [0, 0.3, 0.59, 0.8, 1])
  test(`a build that is cancelled at ${at} leaves nothing`, async () => {
    const from = newDir();
    writeTinySource(from, { family: 'llama' });
    const abort = new AbortController();
    const onProgress = ({ fraction = 0 }: { fraction?: number }): void => {
      if (fraction >= at) abort.abort();
    };
    const error = await refusal((into) =>
      checkedBuild({ type: 'build', from, into, bits: 8 }, onProgress, abort.signal),
    );
    assert.equal(error.code, 'cancelled');
  });

test('a disk that is too small is found out before anything is written', async () => {
  const from = newDir();
  writeTinySource(from, { family: 'llama' });
  const freeBytes = (): Promise<number> => Promise.resolve(30e6);
  let begun = false;
  const onProgress = (): void => void (begun = true);
  const error = await refusal((into) => buildModel({ from, into, bits: 4, freeBytes, onProgress }));
  assert.equal(error.code, 'disk_full');
  assert.match(error.message, /needs 3\d MB in .*, where 30 MB are free/);
  assert.equal(begun, false);
});

test('a model that computes something else than its weights does not take its place', async () => {
  const [from, other] = [newDir(), newDir()];
  writeTinySource(from, { family: 'llama' });
  const swap = (all: Map<string, Written>): void => {
    for (const [, { bytes }] of all)
      if (bytes.length > 1000)
        bytes.set(
          bytes
            .slice()
            .reverse()
            .slice(0, 4 * (bytes.length >> 3))
            .map((b, i) => (i % 4 === 3 ? 0x3d : b)),
        );
  };
  writeTinySource(other, { family: 'llama', tensors: swap });
  // The weights are others by the time of the check.
  const onProgress = ({ fraction = 0 }: { fraction?: number }): void => {
    if (fraction === BUILT) writeFileSync(last(from), readFileSync(last(other)));
  };
  const error = await refusal((into) => checkedBuild({ type: 'build', from, into, bits: 4 }, onProgress, never));
  assert.equal(error.code, 'model_unsupported');
  assert.match(error.message, /does not compute what its weights do \(correlation -?0\.\d+, at least 0\.9 is asked\)/);
});

test('what is there already is not touched, and what dead builds left is removed', async () => {
  const [from, into] = [newDir(), newDir()];
  writeTinySource(from, { family: 'llama' });
  mkdirSync(into);
  writeFileSync(join(into, 'mine'), 'x');
  await assert.rejects(buildModel({ from, into, bits: 4 }), /is there already/);
  assert.deepEqual(readdirSync(into), ['mine']);
  rmSync(join(into, 'mine'));
  mkdirSync(`${into}.partial-999999999`);
  mkdirSync(`${into}.partial-1`); // lives
  await buildModel({ from, into, bits: 4 });
  assert.deepEqual(readdirSync(into).sort(), ['config.json', 'onnx', 'tokenizer.json', 'tokenizer_config.json']);
  assert.ok(!existsSync(`${into}.partial-999999999`) && existsSync(`${into}.partial-1`));
  await assert.rejects(buildModel({ from, into: from, bits: 4 }), /is there already/);
  await assert.rejects(buildModel({ from, into: join(from, 'config.json', 'x'), bits: 4 }), /cannot be written/);
});

test('a folder that has safetensors only says how it is built', () => {
  const from = newDir();
  writeTinySource(from, { family: 'llama' });
  assert.throws(() => readModelFolder(from), /has safetensors but no ONNX files.*glassbox build --from/);
});

test('a folder that is called like a paper is left out', async () => {
  const [from, into] = [newDir(), newDir()];
  writeTinySource(from, { family: 'llama' });
  mkdirSync(join(from, 'LICENSE'));
  await buildModel({ from, into, bits: 4 });
  assert.ok(existsSync(join(into, 'config.json')) && !existsSync(join(into, 'LICENSE')));
});
