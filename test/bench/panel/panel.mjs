// @ts-check
// `npm run bench:panel [-- overhead | window | rival] [flags]`: runs what is asked for, as bundled into .test-out/panel.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { record } from '../typing/window.mjs';

const root = join(import.meta.dirname, '../../..');
const HELP = `npm run bench:panel [-- WHAT] [flags]

  overhead   what it costs the writer that somebody watches
  window     frames, messages and waiting times of the panel in a window of VS Code
  rival      one element per weight beside our canvas, in a browser
Without WHAT all three, one after another. Flags: WHAT --help.
`;
const outdir = join(root, '.test-out/panel');
const ALL = ['overhead', 'window', 'rival'];

const [first = '', ...rest] = process.argv.slice(2);
if (first !== '' && !ALL.includes(first)) {
  process.stdout.write(HELP);
  process.exitCode = first === '--help' ? 0 : 2;
} else {
  for (const what of first === '' ? ALL : [first]) {
    const { main } = await import(pathToFileURL(join(outdir, `${what}.js`)).href);
    await main(rest, root, (/** @type {object} */ job, /** @type {string} */ version) =>
      record(job, version, join(outdir, 'inside.js'), join(outdir, 'record.json')),
    );
  }
}
