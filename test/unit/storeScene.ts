// A hub with one small model, and an empty store, for the tests of downloads.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import {
  describeRepo,
  download,
  type DownloadRequest,
  type HubOptions,
  type RepoDescription,
} from '../../src/download/index';
import { someCommit, startHub, type HubFault, type RunningHub } from '../hubServer';

/** Where everything of these tests lies. */
export const scratch = mkdtempSync(join(tmpdir(), 'glassbox-store-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

export const GRAPH = 'onnx/model_q4.onnx';
export const DATA = 'onnx/model_q4.onnx_data';
/** What the hub has of owner/model. */
export const FILES: Record<string, Buffer> = {
  'config.json': Buffer.from('{"model_type": "llama"}'),
  'tokenizer.json': Buffer.from('{"a": 1}'),
  [GRAPH]: randomBytes(20_000),
  [DATA]: randomBytes(400_000),
  'onnx/model_fp16.onnx': randomBytes(90_000),
  'model.safetensors': randomBytes(30_000),
};
export const Q4 = ['config.json', 'tokenizer.json', GRAPH, DATA];
export const EXPORTS = Object.keys(FILES).filter((path) => path !== 'model.safetensors');
export const ORIGINAL = ['config.json', 'tokenizer.json', 'model.safetensors'];
export const bytesOf = (paths: string[]): number =>
  paths.reduce((sum, path) => sum + (FILES[path] as Buffer).length, 0);
export const commit = someCommit();
/** The name of the model's folder in a store. */
export const SHORT = `owner--model--${commit.slice(0, 12)}`;
export const patience = { stallMs: 400, retries: 2, pauseMs: 2, longestPauseMs: 10 };
let folders = 0;
/** A path where nothing is yet. */
export const newFolder = (): string => join(scratch, String(folders++));

/** What a test plays with. */
export interface Scene {
  hub: RunningHub;
  at: HubOptions;
  description: RepoDescription;
  store: string;
  fetchModel: (more?: Partial<DownloadRequest>, at?: Partial<HubOptions>) => ReturnType<typeof download>;
}

/** A hub with the model, and an empty store. */
export async function scene(
  faults: HubFault[],
  play: (scene: Scene) => Promise<void>,
  store = newFolder(),
): Promise<void> {
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

/** Fails where a folder has not just these files of the hub, byte for byte, and the lock file. */
export function checkFiles(dir: string, paths: string[]): void {
  for (const path of paths) assert.ok(readFileSync(join(dir, path)).equals(FILES[path] as Buffer), path);
  const found = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(dir, path)).isFile(),
  );
  assert.deepEqual(found.map((path) => path.replaceAll('\\', '/')).sort(), ['glassbox.lock.json', ...paths].sort());
}

/** The same length of bytes, one of them another. */
export const changed = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(bytes[0] as number) ^ 1]), bytes.subarray(1)]);
