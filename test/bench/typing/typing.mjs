// @ts-check
// `npm run bench:typing [-- --help]`: bundles both halves of this folder into .test-out/typing and runs the outer one.
import { build } from 'esbuild';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { record } from './window.mjs';

const root = join(import.meta.dirname, '../../..');
const outdir = join(root, '.test-out', 'typing');
/** @type {import('esbuild').BuildOptions} */
const shared = { outdir, bundle: true, platform: 'node', target: 'node20', sourcemap: 'inline', logLevel: 'warning' };
await build({
  ...shared,
  entryPoints: [join(import.meta.dirname, 'inside.ts')],
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  external: ['vscode'],
});
await build({
  ...shared,
  entryPoints: [join(import.meta.dirname, 'main.ts')],
  format: 'esm',
  outExtension: { '.js': '.mjs' },
});
const { main } = await import(pathToFileURL(join(outdir, 'main.mjs')).href);
process.exitCode = await main(
  process.argv.slice(2),
  join(root, 'models/eval/heldout.jsonl'),
  (/** @type {object} */ job, /** @type {string} */ version) =>
    record(job, version, join(outdir, 'inside.cjs'), join(outdir, 'record.json')),
);
