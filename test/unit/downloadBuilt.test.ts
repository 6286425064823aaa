// Models that are built from what was downloaded: by two windows at once, after builds that were killed, beside exports.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildOnce, findBuilt, storedModels, verify } from '../../src/download/index';
import { GRAPH, Q4, ORIGINAL, scene, checkFiles } from './storeScene';

/** Builds: a graph of a few bytes. */
const building = (built: string[]) => async (into: string) => {
  assert.ok(!existsSync(into), 'a build finds its place empty');
  built.push(into);
  mkdirSync(join(into, 'onnx'), { recursive: true });
  writeFileSync(join(into, GRAPH), 'graph');
  await new Promise((resolve) => setTimeout(resolve, 20));
};
/** What is there before a build, and what of the download is there after it. */
const BUILDS: [title: string, files: string[], before: (into: string) => void, left: string[]][] = [
  ['where nothing is yet', ORIGINAL, () => undefined, []],
  [
    'where an earlier one was killed before it was taken over',
    ORIGINAL,
    (into) => {
      mkdirSync(into);
      writeFileSync(join(into, 'config.json'), '{');
    },
    [],
  ],
  ['beside an export that was chosen before', [...ORIGINAL, ...Q4], () => undefined, Q4],
];
for (const [title, files, harm, left] of BUILDS)
  test(`one of two windows builds, ${title}`, () =>
    scene([], async ({ store, fetchModel, description }) => {
      const { dir } = await fetchModel({ files });
      harm(`${dir}-4bit`);
      assert.equal(await findBuilt(store, description), undefined);
      const built: string[] = [];
      const { signal } = new AbortController();
      const both = [1, 2].map(() => buildOnce(dir, building(built), signal, () => undefined));
      assert.deepEqual(await Promise.all(both), [`${dir}-4bit`, `${dir}-4bit`]);
      assert.deepEqual(built, [`${dir}-4bit`]);
      assert.equal(await findBuilt(store, description), `${dir}-4bit`);
      assert.deepEqual(await verify(`${dir}-4bit`), []);
      assert.equal(existsSync(dir), left.length > 0);
      if (left.length > 0) {
        checkFiles(dir, left);
        assert.deepEqual(await verify(dir), []);
      }
      const stored = await storedModels(store);
      assert.deepEqual(
        stored.map(({ complete }) => complete),
        left.length > 0 ? [true, true] : [true],
      );
    }));

test('a build that fails leaves the download, and the next one starts anew', () =>
  scene([], async ({ fetchModel }) => {
    const { dir } = await fetchModel({ files: ORIGINAL });
    const { signal } = new AbortController();
    const failing = (): Promise<void> => Promise.reject(new Error('no'));
    await assert.rejects(
      buildOnce(dir, failing, signal, () => undefined),
      /^Error: no$/,
    );
    checkFiles(dir, ORIGINAL);
    assert.equal(await buildOnce(dir, building([]), signal, () => undefined), `${dir}-4bit`);
  }));
