// What is in the store around a download: the hub's own cache, two windows at once, what earlier tries left, other weights.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import {
  describeRepo,
  download,
  filesToFetch,
  removeModel,
  storedModels,
  verify,
  type HubOptions,
  type Phase,
} from '../../src/download/index';
import { sha256, someCommit, startHub } from '../hubServer';
import {
  scratch,
  GRAPH,
  DATA,
  FILES,
  Q4,
  EXPORTS,
  bytesOf,
  commit,
  SHORT,
  patience,
  newFolder,
  scene,
  checkFiles,
  changed,
} from './storeScene';

/** The cache as the hub's tools lay it out: blobs by their sums, and links to them by commit and path. */
function writeHubCache(cache: string, contents: Record<string, Buffer>, revision = commit): void {
  const root = join(cache, 'models--owner--model');
  mkdirSync(join(root, 'blobs'), { recursive: true });
  for (const [path, bytes] of Object.entries(contents)) {
    const blob = join(root, 'blobs', sha256(FILES[path] ?? bytes));
    const link = join(root, 'snapshots', revision, path);
    mkdirSync(dirname(link), { recursive: true });
    writeFileSync(blob, bytes);
    symlinkSync(blob, link);
  }
}

const all = Object.fromEntries(Q4.map((path) => [path, FILES[path] as Buffer]));

/** What the hub's own cache holds, and what must come over the network then. */
const CACHES: [title: string, contents: Record<string, Buffer>, revision: string, fetched: string[]][] = [
  ['the whole model', all, commit, []],
  ['the weights', { [DATA]: all[DATA] as Buffer }, commit, Q4.filter((path) => path !== DATA)],
  ['the weights, of another commit', { [DATA]: all[DATA] as Buffer }, someCommit(), Q4.filter((path) => path !== DATA)],
  ['other bytes of the same length', { [DATA]: changed(all[DATA] as Buffer) }, commit, Q4],
  ['a file of another length', { [DATA]: (all[DATA] as Buffer).subarray(5) }, commit, Q4],
];
for (const [title, contents, revision, fetched] of CACHES)
  test(`the hub's cache has ${title}`, () =>
    scene([], async ({ fetchModel }) => {
      const cache = newFolder();
      writeHubCache(cache, contents, revision);
      const { dir, transferredBytes, reusedBytes } = await fetchModel({ hubCaches: [join(scratch, 'none'), cache] });
      assert.deepEqual([transferredBytes, reusedBytes], [bytesOf(fetched), bytesOf(Q4) - bytesOf(fetched)]);
      checkFiles(dir, Q4);
      assert.deepEqual(await verify(dir), []);
      // What was taken over is the store's own: the cache may be emptied.
      rmSync(cache, { recursive: true });
      assert.deepEqual(await verify(dir), []);
      await removeModel(dir);
    }));

test('the cache that the environment names is used', () =>
  scene([], async ({ at, description, store }) => {
    const cache = newFolder();
    writeHubCache(cache, all);
    const before = process.env['HF_HUB_CACHE'];
    process.env['HF_HUB_CACHE'] = cache;
    try {
      assert.equal((await download({ description, files: Q4, store }, at)).transferredBytes, 0);
    } finally {
      if (before === undefined) delete process.env['HF_HUB_CACHE'];
      else process.env['HF_HUB_CACHE'] = before;
    }
  }));

test('two windows download the same at once: one fetches it, the other waits and has it', () =>
  scene([{ on: 'storage', path: DATA, drip: [40_000, 20] }], async ({ hub, store, fetchModel, description, at }) => {
    const phases = new Set<Phase>();
    const first = fetchModel();
    const second = download(
      { description, files: Q4, store, hubCaches: [] },
      { ...at, onProgress: ({ phase }) => phases.add(phase) },
    );
    const [one, other] = await Promise.all([first, second]);
    assert.equal(one.dir, other.dir);
    assert.equal(one.transferredBytes + other.transferredBytes, bytesOf(Q4));
    assert.equal(hub.sentBytes(), bytesOf(Q4) + bytesOf(['config.json']) /* for the description */);
    assert.ok(phases.has('wait') || other.transferredBytes > 0);
    checkFiles(one.dir, Q4);
    assert.deepEqual(readdirSync(join(store, '.partial')), []);
  }));

test('whoever waits for another window can call it off', () =>
  scene([], async ({ store, fetchModel }) => {
    mkdirSync(join(store, '.partial'), { recursive: true });
    const busy = join(store, '.partial', `${SHORT}.busy`);
    writeFileSync(busy, JSON.stringify({ id: 'x', pid: process.pid, host: hostname() }));
    const controller = new AbortController();
    const waiting = fetchModel({}, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await assert.rejects(waiting, { code: 'cancelled' });
    assert.ok(existsSync(busy), 'the other goes on');
  }));

/** Marks of windows that are at work no more. */
const DEAD: [title: string, text: string, secondsOld: number][] = [
  ['whose process has ended', JSON.stringify({ id: 'x', pid: 2 ** 22 + 1, host: hostname() }), 0],
  ['of another computer, long ago', JSON.stringify({ id: 'x', pid: 1, host: 'elsewhere' }), 3600],
  ['that was never written', '', 3600],
];
for (const [title, text, secondsOld] of DEAD)
  test(`the mark of a window ${title} is taken away`, () =>
    scene([], async ({ store, fetchModel }) => {
      mkdirSync(join(store, '.partial'), { recursive: true });
      const busy = join(store, '.partial', `${SHORT}.busy`);
      writeFileSync(busy, text);
      const then = Date.now() / 1000 - secondsOld;
      utimesSync(busy, then, then);
      checkFiles((await fetchModel()).dir, Q4);
      assert.deepEqual(readdirSync(join(store, '.partial')), []);
    }));

test('what an earlier try left is checked before it is used', () =>
  scene([{ on: 'storage', path: GRAPH, status: 404, times: 9 }], async ({ hub, store, fetchModel }) => {
    await assert.rejects(fetchModel(), { code: 'server' });
    const partial = join(store, '.partial', SHORT);
    const whole = join(partial, 'whole', DATA);
    writeFileSync(whole, changed(readFileSync(whole)));
    const part = join(partial, 'parts', `${GRAPH}.part`);
    writeFileSync(part, randomBytes(70_000));
    const [stored] = await storedModels(store);
    assert.deepEqual([stored?.complete, stored?.dir, stored?.revision], [false, partial, commit]);
    hub.faults.length = 0;
    const { dir, transferredBytes, reusedBytes } = await fetchModel();
    assert.deepEqual(
      [transferredBytes, reusedBytes],
      [bytesOf([GRAPH, DATA]), bytesOf(['config.json', 'tokenizer.json'])],
    );
    checkFiles(dir, Q4);
  }));

test('a beginning with wrong bytes is found at the end, and the file is fetched anew', () =>
  scene([], async ({ store, fetchModel }) => {
    const part = join(store, '.partial', SHORT, 'parts', `${DATA}.part`);
    mkdirSync(dirname(part), { recursive: true });
    writeFileSync(part, randomBytes(150_000));
    const { dir, transferredBytes } = await fetchModel();
    assert.equal(transferredBytes, bytesOf(Q4) + 400_000 - 150_000);
    checkFiles(dir, Q4);
  }));

test('other weights of the same commit join the folder', () =>
  scene([], async ({ store, fetchModel, description }) => {
    const first = await fetchModel();
    const files = filesToFetch(description, 'fp16');
    const second = await fetchModel({ files });
    assert.equal(second.dir, first.dir);
    assert.equal(second.transferredBytes, 90_000);
    checkFiles(first.dir, EXPORTS);
    assert.deepEqual(await verify(first.dir), []);
    const stored = await storedModels(store);
    assert.deepEqual(
      stored.map(({ complete, files: listed }) => [complete, listed.length]),
      [[true, 5]],
    );
  }));

test('of a new commit only what has changed is fetched', () =>
  scene([], async ({ fetchModel, store }) => {
    await fetchModel();
    const newer = someCommit();
    const changedFiles = { ...FILES, 'config.json': Buffer.from('{"model_type": "qwen2"}') };
    const hub = await startHub({ repos: [{ name: 'owner/model', commit: newer, files: changedFiles }] });
    const at: HubOptions = { endpoint: hub.endpoint, fetch, patience };
    const description = await describeRepo('owner/model', 'main', at);
    const done = await download({ description, files: Q4, store, hubCaches: [] }, at);
    await hub.close();
    assert.deepEqual(
      [done.reusedBytes, done.transferredBytes],
      [bytesOf([GRAPH, DATA]), changedFiles['config.json'].length + bytesOf(['tokenizer.json'])],
    );
    assert.deepEqual(await verify(done.dir), []);
    const [one, two] = await storedModels(store);
    assert.deepEqual([one?.revision, two?.revision].sort(), [commit, newer].sort());
    // Each is whole without the other.
    await removeModel((one?.revision === newer ? two : one)?.dir ?? '');
    assert.deepEqual(await verify(done.dir), []);
  }));

test('a model is not deleted while more of it is being downloaded', () =>
  scene([], async ({ fetchModel, store }) => {
    const { dir } = await fetchModel();
    const busy = join(store, '.partial', `${SHORT}.busy`);
    writeFileSync(busy, JSON.stringify({ id: 'x', pid: process.pid, host: hostname() }));
    await assert.rejects(removeModel(dir), { code: 'busy' });
    assert.deepEqual(await verify(dir), []);
  }));

test('half of other weights does not get into the folder', () =>
  scene([{ on: 'storage', path: GRAPH, status: 404, times: 9 }], async ({ hub, store, fetchModel, description }) => {
    await assert.rejects(fetchModel(), { code: 'server' }); // all but the graph
    const { dir } = await fetchModel({ files: filesToFetch(description, 'fp16') });
    checkFiles(dir, ['config.json', 'tokenizer.json', 'onnx/model_fp16.onnx']);
    hub.faults.length = 0;
    await fetchModel();
    checkFiles(dir, EXPORTS);
    assert.equal((await storedModels(store)).length, 1);
  }));

test('nothing is deleted while it is being downloaded', () =>
  scene([{ on: 'storage', path: DATA, standAfter: 10_000, times: 9 }], async ({ store, fetchModel }) => {
    const controller = new AbortController();
    const downloading = fetchModel({}, { signal: controller.signal, patience: { stallMs: 60_000 } });
    const partial = join(store, '.partial', SHORT);
    while (!existsSync(join(partial, 'parts', `${DATA}.part`))) await new Promise((resolve) => setTimeout(resolve, 5));
    await assert.rejects(removeModel(partial), { code: 'busy' });
    controller.abort();
    await assert.rejects(downloading, { code: 'cancelled' });
    await removeModel(partial);
    assert.deepEqual(await storedModels(store), []);
  }));
