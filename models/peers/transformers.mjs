// @ts-check
// transformers.js, fetched on demand from the npm registry into an ignored folder; no script of a package is run.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The version of @huggingface/transformers that is compared with. */
export const VERSION = '4.3.1';

/**
 * Loads the package, installing it first where it is not there. It will not look for models on the network.
 * @param {string} root the repository
 * @returns {any} the module
 * @throws Error where npm cannot install it
 */
export function loadTransformers(root) {
  const place = join(root, '.peers', 'transformersjs');
  if (!existsSync(join(place, 'node_modules/@huggingface/transformers'))) {
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), JSON.stringify({ private: true }));
    process.stderr.write(`installing @huggingface/transformers ${VERSION} into ${place}\n`);
    const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', `@huggingface/transformers@${VERSION}`];
    execFileSync('npm', args, {
      cwd: place,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    });
  }
  const transformers = createRequire(join(place, 'x.js'))('@huggingface/transformers');
  transformers.env.allowRemoteModels = false;
  return transformers;
}
