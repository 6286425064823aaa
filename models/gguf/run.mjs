// @ts-check
// `npm run model:gguf [-- --help]`: bundles the TypeScript of this folder into out/ and runs it, from any directory; packages stay outside
// the bundle.
import { build } from 'esbuild';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const outfile = join(import.meta.dirname, 'out', 'main.mjs');
await build({
  entryPoints: [join(import.meta.dirname, 'main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
});
const { main } = await import(pathToFileURL(outfile).href);
process.exitCode = await main(process.argv.slice(2), join(import.meta.dirname, '..', '..'));
