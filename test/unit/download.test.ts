// Downloads from a hub on this machine, with everything that goes wrong on the way.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
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
