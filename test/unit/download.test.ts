// Downloads from a hub on this machine, with everything that goes wrong on the way.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  describeRepo,
  download,
  DownloadError,
  filesToFetch,
  removeModel,
  storedModels,
  verify,
  type HubOptions,
  type LockFile,
  type Progress,
} from '../../src/download/index';
import { PassingError } from '../../src/download/errors';
import { Pace } from '../../src/download/pace';
import { pause, untilItWorks } from '../../src/download/patience';
import { sha256, someCommit, startHub, type HubRepo, type RunningHub } from '../hubServer';
import { CASES, DATA, DATA_BYTES, TOKEN, type Case } from './downloadCases';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-download-'));
after(() => rmSync(scratch, { recursive: true }));

const FILES = {
  'config.json': Buffer.from('{"model_type": "qwen2"}'),
  'tokenizer.json': Buffer.from(JSON.stringify({ model: { vocab: { a: 1 } }, padding: 'x'.repeat(50) })),
  LICENSE: Buffer.from('Apache 2.0\n'),
  'onnx/model_q4.onnx': randomBytes(30_000),
  [DATA]: randomBytes(DATA_BYTES),
};
const TOTAL = Object.values(FILES).reduce((sum, bytes) => sum + bytes.length, 0);
/** Files nobody asked for, and names that must not become paths. */
const OTHERS = Object.fromEntries(
  [
    'README.md',
    'onnx/model.onnx',
    'pytorch_model.bin',
    '../evil.onnx',
    '/etc/evil',
    'a\\b',
    'nul',
    'x/../y',
    'LICENSE.',
  ].map((path) => [path, Buffer.from('no')]),
);
const commit = someCommit();
const repo: HubRepo = { name: 'owner/model', commit, files: { ...OTHERS, ...FILES }, licence: 'apache-2.0' };
const patience = { stallMs: 250, retries: 3, pauseMs: 2, longestPauseMs: 10, longestWaitMs: 2000 };
const options = (hub: RunningHub, more: Partial<HubOptions> = {}): HubOptions => ({
  endpoint: hub.endpoint,
  fetch,
  patience,
  ...more,
});
let stores = 0;
const newStore = (): string => join(scratch, `store${stores++}`, 'models');

async function fetchModel(
  store: string,
  hub: HubOptions,
  {
    name = 'owner/model',
    revision = 'main',
    onProgress,
  }: { name?: string; revision?: string; onProgress?: (p: Progress) => void } = {},
) {
  const description = await describeRepo(name, revision, hub);
  const files = filesToFetch(description, 'q4');
  return download({ description, files, store, hubCaches: [] }, { ...hub, ...(onProgress ? { onProgress } : {}) });
}

/** The model folder is whole, is what the hub has, and says so. */
async function checkWhole(store: string, dir: string): Promise<void> {
  for (const [path, bytes] of Object.entries(FILES)) assert.ok(readFileSync(join(dir, path)).equals(bytes), path);
  const lock = JSON.parse(readFileSync(join(dir, 'glassbox.lock.json'), 'utf8')) as LockFile;
  assert.equal(lock.revision, commit);
  assert.equal(lock.licence, 'apache-2.0');
  const sums = lock.files.map(({ path, size, sha256 }) => [path, size, sha256]);
  const expected = Object.entries(FILES).map(([path, bytes]) => [path, bytes.length, sha256(bytes)]);
  assert.deepEqual(
    sums,
    expected.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
  assert.deepEqual(await verify(dir), []);
  const stored = await storedModels(store);
  assert.deepEqual(
    stored.map((model) => [model.dir, model.complete, model.bytes]),
    [[dir, true, TOTAL]],
  );
  assert.ok(!existsSync(join(store, '.partial', `owner--model--${commit.slice(0, 12)}`)), 'nothing partial is left');
}

async function check({ faults = [], settings = {}, rights, token, endpoint, extra = 0, asks, ...wanted }: Case) {
  const hub = await startHub({ repos: [{ ...repo, ...rights }], faults, ...settings });
  const store = newStore();
  const asked = {
    ...(wanted.name === undefined ? {} : { name: wanted.name }),
    ...(wanted.revision === undefined ? {} : { revision: wanted.revision }),
  };
  const at = options(hub, {
    endpoint: endpoint?.replace('{0}', hub.endpoint) ?? hub.endpoint,
    ...(token === undefined ? {} : { token }),
  });
  try {
    const progress: Progress[] = [];
    const done = fetchModel(store, at, { ...asked, onProgress: (one) => progress.push(one) });
    if (wanted.code === undefined) {
      const { dir, transferredBytes, reusedBytes } = await done;
      await checkWhole(store, dir);
      const [least, most] = typeof extra === 'number' ? [extra, extra] : extra;
      assert.ok(
        transferredBytes >= TOTAL + least && transferredBytes <= TOTAL + most,
        `${transferredBytes} of ${TOTAL}`,
      );
      assert.equal(reusedBytes, 0);
      const last = progress.at(-1);
      assert.deepEqual([last?.doneBytes, last?.totalBytes], [TOTAL, TOTAL]);
      const large = hub.seen.filter(({ server, url }) => server === 'storage' && url.includes('onnx_data'));
      if (asks !== undefined)
        assert.deepEqual(
          large.map(({ range }) => (range === undefined ? 'whole' : 'rest')),
          asks,
        );
      for (const { server, authorization } of hub.seen)
        assert.equal(authorization, server === 'hub' && token !== undefined ? `Bearer ${token}` : undefined);
      return;
    }
    await assert.rejects(done, (error: unknown) => {
      assert.ok(error instanceof DownloadError, String(error));
      assert.equal(error.code, wanted.code, error.message);
      assert.match(error.message, wanted.message ?? /\S/);
      assert.ok(!error.message.includes(TOKEN));
      return true;
    });
    for (const model of await storedModels(store)) assert.equal(model.complete, false);
    assert.ok(!existsSync(join(store, 'owner--model')), 'there is no model folder');
    // Once all is well, the rest is fetched and no more.
    hub.faults.length = 0;
    const again = await fetchModel(store, options(hub, rights === undefined ? {} : { token: rights.token }));
    assert.equal(again.transferredBytes + again.reusedBytes, TOTAL);
    await checkWhole(store, again.dir);
  } finally {
    await hub.close();
  }
}

for (const one of CASES) test(`download: ${one.title}`, () => check(one));

test('a download that is cancelled stops at once and goes on later', async () => {
  const hub = await startHub({ repos: [repo], faults: [{ on: 'storage', path: DATA, standAfter: 300_000 }] });
  const store = newStore();
  const controller = new AbortController();
  const first = fetchModel(store, options(hub, { signal: controller.signal, patience: { stallMs: 60_000 } }), {
    onProgress: ({ doneBytes }) => {
      if (doneBytes >= TOTAL - DATA_BYTES - 30_000 + 200_000) controller.abort();
    },
  });
  await assert.rejects(first, { code: 'cancelled' });
  const [partial] = await storedModels(store);
  assert.equal(partial?.complete, false);
  const kept = partial.bytes;
  assert.ok(kept >= 200_000, `${kept} bytes are kept`);
  const second = await fetchModel(store, options(hub));
  assert.deepEqual([second.reusedBytes, second.transferredBytes], [kept, TOTAL - kept]);
  await checkWhole(store, second.dir);
  // And once more: everything is here.
  const third = await fetchModel(store, options(hub));
  assert.deepEqual([third.reusedBytes, third.transferredBytes], [TOTAL, 0]);
  // A signal that is old is heeded too.
  await assert.rejects(fetchModel(newStore(), options(hub, { signal: controller.signal })), { code: 'cancelled' });
  await removeModel(second.dir);
  assert.deepEqual(await storedModels(store), []);
  assert.ok(!existsSync(join(store, 'owner--model')));
  await assert.rejects(removeModel(store), { code: 'bad_name' });
  assert.ok(existsSync(store));
  await hub.close();
});

test('a description has the commit, the licence, and the files that can lie in a folder', async () => {
  const hub = await startHub({ repos: [repo], pageSize: 2 });
  const description = await describeRepo('owner/model', 'main', options(hub));
  await hub.close();
  const { revision, licence, gated, config, files } = description;
  assert.deepEqual([revision, licence, gated, config], [commit, 'apache-2.0', false, { model_type: 'qwen2' }]);
  const safe = ['README.md', 'onnx/model.onnx', 'pytorch_model.bin', ...Object.keys(FILES)];
  assert.deepEqual(files.map(({ path }) => path).sort(), safe.sort());
  for (const { path, size, sha256: sum, sha1 } of files) {
    const bytes = { ...OTHERS, ...FILES }[path] as Buffer;
    const large = bytes.length >= 10_000;
    const git = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    assert.deepEqual(
      [path, size, sum, sha1],
      [path, bytes.length, large ? sha256(bytes) : undefined, large ? undefined : git],
    );
  }
});

/** What each try ends in (undefined: it works; a number: it fails, and the hub wants to be left alone for so many milliseconds), the waits. */
const TRIES: [title: string, tries: (number | 'again' | 'further' | undefined)[], waits: number[]][] = [
  ['it works at once', [undefined], []],
  ['pauses are twice as long each time, up to a limit', ['again', 'again', 'again', undefined], [20, 40, 50]],
  ['the hub says how long', [70, 'again', undefined], [70, 40]],
  ['whoever gets further begins anew', ['again', 'again', 'further', 'again', undefined], [20, 40, 20, 20]],
];
for (const [title, tries, waits] of TRIES)
  test(`trying again: ${title}`, async () => {
    let attempts = 0;
    const waited: number[] = [];
    let since = 0;
    await untilItWorks(
      (gotFurther) => {
        if (attempts > 0) waited.push(performance.now() - since);
        const end = tries[attempts++];
        if (end === undefined) return Promise.resolve();
        if (end === 'further') gotFurther();
        throw new PassingError('offline', 'x', typeof end === 'number' ? { afterMs: end } : {});
      },
      {
        patience: { stallMs: 1, retries: 3, pauseMs: 20, longestPauseMs: 50, longestWaitMs: 1000 },
        signal: undefined,
        onWait: () => (since = performance.now()),
      },
    );
    assert.equal(waited.length, waits.length);
    // A timer may ring a millisecond early.
    for (const [i, wait] of waits.entries()) assert.ok((waited[i] as number) >= wait - 2, `${waited[i]} of ${wait}`);
  });

test('a pause can be called off', async () => {
  const controller = new AbortController();
  const hour = pause(3_600_000, controller.signal);
  controller.abort();
  await assert.rejects(hour, { code: 'cancelled' });
  await assert.rejects(pause(1, controller.signal), { code: 'cancelled' });
});

/** When how many bytes had come, and the speed in the end. */
const PACES: [title: string, marks: [ms: number, bytes: number][], now: number, speed: number | undefined][] = [
  ['nothing came', [], 1000, undefined],
  [
    'too little is known',
    [
      [0, 0],
      [200, 500],
    ],
    200,
    undefined,
  ],
  [
    'steady',
    [
      [0, 0],
      [1000, 500],
      [2000, 1000],
    ],
    2000,
    500,
  ],
  [
    'only the last seconds count',
    [
      [0, 0],
      [1000, 100_000],
      [20_000, 100_000],
      [24_000, 104_000],
    ],
    24_000,
    1000,
  ],
  [
    'nothing comes any more',
    [
      [0, 0],
      [1000, 1000],
    ],
    4000,
    250,
  ],
  ['many small pieces', Array.from({ length: 5001 }, (_, i): [number, number] => [i, i * 3]), 5000, 3000],
];
test('how fast bytes come', () => {
  for (const [title, marks, end, speed] of PACES) {
    let now = 0;
    const pace = new Pace(() => now);
    for (const [ms, bytes] of marks) {
      now = ms;
      pace.mark(bytes);
    }
    now = end;
    assert.equal(
      pace.bytesPerSecond() === undefined ? undefined : Math.round(pace.bytesPerSecond() as number),
      speed,
      title,
    );
  }
});
