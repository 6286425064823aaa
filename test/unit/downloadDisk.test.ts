// Damage to what was downloaded, and disks that are full, too small, or cannot be written to.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { download, storedModels, verify } from '../../src/download/index';
import { scratch, DATA, Q4, commit, newFolder, scene, checkFiles, changed } from './storeScene';

/** What happens to a model folder, and what is said of it. */
const DAMAGE: [title: string, harm: (dir: string) => void, complete: boolean, problem: RegExp][] = [
  ['a byte changes', (dir) => writeFileSync(join(dir, DATA), changed(readFileSync(join(dir, DATA)))), true, /checksum/],
  ['a file is shorter', (dir) => writeFileSync(join(dir, DATA), 'x'), false, /1 bytes where it should have 400000/],
  ['a file is gone', (dir) => rmSync(join(dir, DATA)), false, /missing/],
];
for (const [title, harm, complete, problem] of DAMAGE)
  test(`verify and download find out that ${title}`, () =>
    scene([], async ({ store, fetchModel }) => {
      const { dir } = await fetchModel();
      harm(dir);
      const [found, ...more] = await verify(dir);
      assert.equal(found?.path, DATA);
      assert.match(found.problem, problem);
      assert.deepEqual(more, []);
      assert.deepEqual(
        (await storedModels(store)).map((model) => model.complete),
        [complete],
      );
      if (complete) return;
      assert.equal((await fetchModel()).transferredBytes, 400_000);
      assert.deepEqual(await verify(dir), []);
      checkFiles(dir, Q4);
    }));

/** Lock files that are none. */
const LOCKS = [
  '',
  '{',
  'null',
  '[]',
  '{"format":2}',
  '{"format":1,"name":"a/b","revision":"x","endpoint":"","downloadedAt":"","files":[]}',
];
const hostile = JSON.stringify({
  format: 1,
  name: 'a/b',
  revision: commit,
  endpoint: 'https://h',
  downloadedAt: '2025',
  files: [{ path: '../../x', size: 1, sha256: 'a'.repeat(64) }],
});
for (const text of [...LOCKS, hostile])
  test(`a lock file is damaged: ${text.slice(0, 40)}`, () =>
    scene([], async ({ store, fetchModel }) => {
      const { dir } = await fetchModel();
      writeFileSync(join(dir, 'glassbox.lock.json'), text);
      await assert.rejects(verify(dir), { code: 'disk', message: /glassbox\.lock\.json is damaged/ });
      assert.deepEqual(await storedModels(store), []);
      await fetchModel();
      assert.deepEqual(await verify(dir), []);
    }));

test('verify says so where there is no lock file', async () => {
  await assert.rejects(verify(scratch), { code: 'bad_name' });
});

/** Writes of all files fail from now on, after so many bytes, as on a full disk. */
async function failWrites(bytes: number): Promise<() => void> {
  const probe = await open(join(scratch, 'probe'), 'w');
  const prototype = Object.getPrototypeOf(probe) as { write: (...args: unknown[]) => Promise<unknown> };
  await probe.close();
  const { write } = prototype;
  let left = bytes;
  prototype.write = function (this: unknown, ...args: unknown[]) {
    const count = args[2] as number;
    if (left >= count) return ((left -= count), write.apply(this, args));
    return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
  };
  return () => void (prototype.write = write);
}

test('a disk that fills up on the way', () =>
  scene([], async ({ store, fetchModel }) => {
    const restore = await failWrites(60_000);
    await assert
      .rejects(fetchModel(), { code: 'disk_full', message: /\.partial.* is full: \d+ MB are missing/ })
      .finally(restore);
    assert.equal((await storedModels(store))[0]?.complete, false);
    const again = await fetchModel();
    assert.ok(again.reusedBytes > 0, 'what was written is kept');
    checkFiles(again.dir, Q4);
  }));

/** A disk of so many MiB, if this person may make one. */
function smallDisk(mebibytes: number): string | undefined {
  const dir = newFolder();
  mkdirSync(dir, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', dir], { stdio: 'ignore' });
    return dir;
  } catch {
    return undefined;
  }
}

test('a disk that is too small: nothing is fetched', (context) => {
  const disk = smallDisk(4);
  if (disk === undefined) return context.skip('only root may mount a small disk');
  return scene(
    [],
    async ({ hub, fetchModel }) => {
      const described = hub.sentBytes();
      await assert.rejects(fetchModel(), { code: 'disk_full', message: /5 MB are missing/ });
      assert.equal(hub.sentBytes(), described);
    },
    join(disk, 'models'),
  ).finally(() => execFileSync('umount', [disk]));
});

test('a real disk that fills up on the way, and has room later', (context) => {
  const disk = smallDisk(10);
  if (disk === undefined) return context.skip('only root may mount a small disk');
  const filler = join(disk, 'filler');
  return scene(
    [{ on: 'storage', path: DATA, drip: [40_000, 10] }],
    async ({ fetchModel, at, description }) => {
      const request = { description, files: Q4, store: join(disk, 'models'), hubCaches: [] };
      const fill = (): void => {
        if (!existsSync(filler))
          try {
            writeFileSync(filler, Buffer.alloc(11 * 2 ** 20));
          } catch {
            // It is as full as it gets.
          }
      };
      const filled = download(request, { ...at, onProgress: ({ file }) => file === DATA && fill() });
      await assert.rejects(filled, { code: 'disk_full', message: /1 MB are missing/ });
      rmSync(filler);
      checkFiles((await fetchModel()).dir, Q4);
    },
    join(disk, 'models'),
  ).finally(() => execFileSync('umount', [disk]));
});

/** What is a file where a folder should be. */
test('a store that cannot be written to', () =>
  scene([], async ({ description, at }) => {
    const file = newFolder();
    writeFileSync(file, '');
    await assert.rejects(download({ description, files: Q4, store: file }, at), {
      code: 'disk',
      message: /Check the folder/,
    });
    assert.deepEqual(await storedModels(file), []);
  }));
