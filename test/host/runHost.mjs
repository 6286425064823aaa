// @ts-check
// Runs the suite inside a real VS Code through @vscode/test-electron: the desktop VS Code where it can be downloaded and has
// a display, elsewhere the server form behind launcher.mjs. Prints the tally and exits 1 unless every test passed.
//   node test/host/runHost.mjs [--grep TEXT] [--versions newest,floor] [--no-check]
// GLASSBOX_VSCODE=desktop|server chooses the form.
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../src/start/setup.mjs';
import { floor, newest } from './install.mjs';
import { checkLauncher } from './launcher.check.mjs';
import { quietSettings } from './server.mjs';

/** @typedef {import('./suite/hostTest').Tally} Tally */

const root = join(import.meta.dirname, '../..');
const sample = join(root, 'test/sample');
/** @param {string} line */
const print = (line) => process.stdout.write(`${line}\n`);

/** So that the suggest widget, when it opens, takes no key of a test; a test about the two together turns it on. */
const settings = {
  ...quietSettings,
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.inlineSuggest.enabled': true,
  'files.autoSave': 'off',
};

/** @param {{ grep?: string, versions?: string[], check?: boolean }} [options] @returns {Promise<Tally>} */
export async function runHost({ grep = '', versions = ['newest'], check = true } = {}) {
  await ensureBuilt();
  const suite = join(root, '.vscode-test/out/suite.cjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['test/host/suite/index.ts'],
    outfile: suite,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'inline',
    external: ['vscode'],
    logLevel: 'warning',
  });
  const form = await chooseForm();
  const total = { passed: 0, failed: 0, skipped: 0 };
  if (form === 'server' && check && grep === '') add(total, await checkLauncher(print));
  for (const version of versions) add(total, await runSuite(suite, form, version, grep));
  return total;
}

/** @param {string} suite @param {'desktop' | 'server'} form @param {string} version @param {string} grep @returns {Promise<Tally>} */
async function runSuite(suite, form, version, grep) {
  const server = { newest, floor }[version] ?? version;
  const desktop = version === 'newest' ? 'stable' : server.replace(/^4\./, '1.');
  print(form === 'server' ? `VS Code of code-server ${server}, server form` : `VS Code ${desktop}, desktop`);
  const scratch = await mkdtemp(join(tmpdir(), 'glassbox-suite-'));
  const tallyFile = join(scratch, 'tally.json');
  try {
    await mkdir(join(scratch, 'data/User'), { recursive: true });
    await writeFile(join(scratch, 'data/User/settings.json'), JSON.stringify(settings));
    await runTests({
      ...(form === 'server'
        ? { vscodeExecutablePath: join(import.meta.dirname, 'launcher.mjs') }
        : { version: desktop }),
      extensionDevelopmentPath: root,
      extensionTestsPath: suite,
      launchArgs: [
        sample,
        `--user-data-dir=${join(scratch, 'data')}`,
        `--extensions-dir=${join(scratch, 'extensions')}`,
      ],
      extensionTestsEnv: { GLASSBOX_TALLY: tallyFile, GLASSBOX_GREP: grep, GLASSBOX_SERVER_VERSION: server },
    }).catch((/** @type {Error} */ error) => print(error.message));
    return JSON.parse(await readFile(tallyFile, 'utf8'));
  } catch {
    print('not ok the suite did not reach its end');
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** @returns {Promise<'desktop' | 'server'>} */
async function chooseForm() {
  const forced = process.env.GLASSBOX_VSCODE;
  if (forced === 'desktop' || forced === 'server') return forced;
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return 'server';
  try {
    const answer = await fetch('https://update.code.visualstudio.com/api/releases/stable', {
      signal: AbortSignal.timeout(3000),
    });
    return answer.ok ? 'desktop' : 'server';
  } catch {
    return 'server';
  }
}

/** @param {Tally} total @param {Tally} more */
function add(total, more) {
  total.passed += more.passed;
  total.failed += more.failed;
  total.skipped += more.skipped;
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: { grep: { type: 'string' }, versions: { type: 'string' }, 'no-check': { type: 'boolean' } },
  });
  const { grep = '', versions = 'newest', 'no-check': noCheck } = values;
  const tally = await runHost({ grep, versions: versions.split(','), check: !noCheck });
  print(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
  process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0;
}
