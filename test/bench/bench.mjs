// @ts-check
// `npm run bench [-- --help]`: bundles this folder into .test-out/bench and runs it; packages stay outside the bundles.
import { build } from 'esbuild';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '../..');
const outdir = join(root, '.test-out', 'bench');
await build({
  entryPoints: ['main.ts', 'ours.ts', 'llamaCpp.ts', 'transformersJs.ts'].map((file) =>
    join(import.meta.dirname, file),
  ),
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
});
const { main } = await import(pathToFileURL(join(outdir, 'main.mjs')).href);
process.exitCode = await main(process.argv.slice(2), root, outdir);
