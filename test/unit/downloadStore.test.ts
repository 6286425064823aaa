// What is on the disk around a download: the hub's own cache, two windows at once, a full disk, damage, other weights.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import {
  buildOnce,
  describeRepo,
  download,
  filesToFetch,
  findBuilt,
  removeModel,
  storedModels,
  verify,
  type DownloadRequest,
  type HubOptions,
  type Phase,
  type RepoDescription,
} from '../../src/download/index';
import { isSafePath } from '../../src/download/names';
import { sha256, someCommit, startHub, type HubFault, type RunningHub } from '../hubServer';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-store-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const GRAPH = 'onnx/model_q4.onnx';
const DATA = 'onnx/model_q4.onnx_data';
const FILES: Record<string, Buffer> = {
  'config.json': Buffer.from('{"model_type": "llama"}'),
  'tokenizer.json': Buffer.from('{"a": 1}'),
  [GRAPH]: randomBytes(20_000),
  [DATA]: randomBytes(400_000),
  'onnx/model_fp16.onnx': randomBytes(90_000),
  'model.safetensors': randomBytes(30_000),
};
const Q4 = ['config.json', 'tokenizer.json', GRAPH, DATA];
const EXPORTS = Object.keys(FILES).filter((path) => path !== 'model.safetensors');
const ORIGINAL = ['config.json', 'tokenizer.json', 'model.safetensors'];
const bytesOf = (paths: string[]): number => paths.reduce((sum, path) => sum + (FILES[path] as Buffer).length, 0);
const commit = someCommit();
const SHORT = `owner--model--${commit.slice(0, 12)}`;
const patience = { stallMs: 400, retries: 2, pauseMs: 2, longestPauseMs: 10 };
let folders = 0;
const newFolder = (): string => join(scratch, String(folders++));

interface Scene {
  hub: RunningHub;
  at: HubOptions;
  description: RepoDescription;
  store: string;
  fetchModel: (more?: Partial<DownloadRequest>, at?: Partial<HubOptions>) => ReturnType<typeof download>;
}

/** A hub with the model, and an empty store. */
async function scene(faults: HubFault[], play: (scene: Scene) => Promise<void>, store = newFolder()): Promise<void> {
  const hub = await startHub({ repos: [{ name: 'owner/model', commit, files: FILES }], faults });
  try {
    const at: HubOptions = { endpoint: hub.endpoint, fetch, patience };
    const description = await describeRepo('owner/model', 'main', at);
    const fetchModel: Scene['fetchModel'] = (more, other) =>
      download({ description, files: Q4, store, hubCaches: [], ...more }, { ...at, ...other });
    await play({ hub, at, description, store, fetchModel });
  } finally {
    await hub.close();
  }
}

function checkFiles(dir: string, paths: string[]): void {
  for (const path of paths) assert.ok(readFileSync(join(dir, path)).equals(FILES[path] as Buffer), path);
  const found = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(dir, path)).isFile(),
  );
  assert.deepEqual(found.map((path) => path.replaceAll('\\', '/')).sort(), ['glassbox.lock.json', ...paths].sort());
}

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

const changed = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([(bytes[0] as number) ^ 1]), bytes.subarray(1)]);
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
