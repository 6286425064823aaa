// @ts-check
// transformers.js, fetched on demand from the npm registry into an ignored folder; no script of a package is run.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The version of @huggingface/transformers that is compared with. */
export const VERSION = '4.3.1';

/**
 * The package, or why it cannot be had: for tests that skip where the registry cannot be reached.
 * @param {string} root the repository @returns {{ transformers: unknown, skip: false } | { transformers: undefined, skip: string }}
 */
export function transformersOrWhyNot(root) {
  try {
    return { transformers: loadTransformers(root), skip: false };
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split('\n');
    return { transformers: undefined, skip: `needs @huggingface/transformers from the npm registry: ${reason}` };
  }
}

/**
 * Loads the package, installing it first where it is not there. It will not look for models on the network.
 * @param {string} root the repository
 * @returns {any} the module
 * @throws Error where npm cannot install it
 */
export function loadTransformers(root) {
  const place = join(root, '.peers', 'transformersjs');
  if (!existsSync(join(place, 'node_modules/@huggingface/transformers'))) install(place);
  const transformers = createRequire(join(place, 'x.js'))('@huggingface/transformers');
  transformers.env.allowRemoteModels = false;
  return transformers;
}

/** Installs the package beside the place and moves it there: others may do the same at the same time. @param {string} place */
function install(place) {
  const beside = `${place}-${process.pid}`;
  mkdirSync(beside, { recursive: true });
  writeFileSync(join(beside, 'package.json'), JSON.stringify({ private: true }));
  process.stderr.write(`installing @huggingface/transformers ${VERSION} into ${place}\n`);
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', `@huggingface/transformers@${VERSION}`];
  try {
    execFileSync('npm', args, {
      cwd: beside,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    });
    if (!existsSync(join(place, 'node_modules'))) {
      rmSync(place, { recursive: true, force: true });
      renameSync(beside, place);
    }
  } catch (error) {
    if (!existsSync(join(place, 'node_modules/@huggingface/transformers'))) throw error; // else somebody was faster
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
