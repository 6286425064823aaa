// Places for builds, and builds that are to fail.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { EngineError } from '../../src/engine/errors';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-build-'));
after(() => rmSync(scratch, { recursive: true }));

let made = 0;
/** A path where nothing is yet. */
export const newDir = (): string => join(scratch, String(made++));
/** The signal of a build that nobody calls off. */
export const never = new AbortController().signal;
/** Hears of progress, and does nothing. */
export const ignore = (): void => undefined;

/** The weights of a source; of several files the last. */
export const last = (dir: string): string => join(dir, 'model.safetensors');

/** Runs a build that is to fail in a place of its own. @returns the error; nothing may be left there */
export async function refusal(build: (into: string) => Promise<unknown>): Promise<EngineError> {
  const place = newDir();
  mkdirSync(place);
  const error: unknown = await build(join(place, 'model')).then(
    () => assert.fail('it was built'),
    (e: unknown) => e,
  );
  assert.ok(error instanceof EngineError, String(error));
  assert.deepEqual(readdirSync(place), [], 'something was left');
  return error;
}
