#!/usr/bin/env node
// @ts-check
// A VS Code for @vscode/test-electron (`vscodeExecutablePath`) where the desktop one cannot be downloaded: takes the same
// arguments, runs the same VS Code as a server, opens it in headless Chromium and returns the exit code of the tests.
// It knows nothing of Glassbox. Environment: GLASSBOX_SERVER_VERSION, GLASSBOX_CHROMIUM, GLASSBOX_TIMEOUT_MS (for the whole
// run, default 600000), GLASSBOX_VERBOSE=1 (everything that server and workbench say), GLASSBOX_SETTINGS (JSON).
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { readArguments, workbenchAddress } from './arguments.mjs';
import { startBridge } from './bridge.mjs';
import { ensureChromium, openBrowser } from './browser.mjs';
import { ensureServer } from './install.mjs';
import { startServer } from './server.mjs';

const verbose = process.env.GLASSBOX_VERBOSE === '1';
const timeoutMs = Number(process.env.GLASSBOX_TIMEOUT_MS ?? 600_000);
/** @type {(() => unknown)[]} */
const cleanUp = [];
/** @param {string} line */
const note = (line) => process.stderr.write(line.endsWith('\n') ? line : `${line}\n`);

/** Resolves with VS Code's own exit code. @param {import('./arguments.mjs').Launch} launch @param {string} scratch */
async function runTests(launch, scratch) {
  const consoleFile = join(scratch, 'console');
  await writeFile(consoleFile, '');
  cleanUp.push(await follow(consoleFile));
  /** @type {import('playwright-core').Page | undefined} */
  let page;
  const bridge = await startBridge(() => page);
  cleanUp.push(bridge.close);

  const install = await ensureServer({ log: note });
  const chromium = ensureChromium(note);
  const server = await startServer({
    install,
    userDataDir: launch.userDataDir,
    extensionsDir: launch.extensionsDir,
    skipExtensions: launch.skipExtensions,
    settings: JSON.parse(process.env.GLASSBOX_SETTINGS ?? '{}'),
    args: ['--enable-smoke-test-driver', ...launch.serverArgs], // Without it a built workbench takes no development extension.
    env: {
      ...process.env,
      GLASSBOX_TESTS: launch.tests,
      GLASSBOX_CONSOLE: consoleFile,
      GLASSBOX_END_RECORD: join(scratch, 'end'),
      GLASSBOX_DRIVER_URL: bridge.url,
      GLASSBOX_DRIVER_TOKEN: bridge.token,
    },
    log: verbose ? note : undefined,
  });
  cleanUp.push(server.stop);

  const browser = await openBrowser(chromium, server.origin);
  cleanUp.push(browser.close);
  const window = browser.page;
  page = window;
  const exit = /** @type {Promise<number>} */ (
    new Promise((resolve) => void window.exposeFunction('codeAutomationExit', resolve))
  );
  await window.exposeFunction('codeAutomationLog', (/** @type {string} */ type, /** @type {unknown[]} */ args) => {
    if (verbose) note(`[${type}] ${format(...args)}`);
  });
  const crashed = new Promise((_, reject) => window.on('crash', () => reject(new Error('The browser page crashed.'))));
  const gone = server.ended.then(() => Promise.reject(new Error('The VS Code server ended before the tests did.')));
  gone.catch(() => {}); // It may come before the race below listens.
  const wrapper = join(import.meta.dirname, 'wrapper.cjs');
  await window.goto(workbenchAddress(server.origin, launch, wrapper), { timeout: 120_000 });
  return Promise.race([exit, crashed, gone]);
}

/** Copies what is written to a file to stdout, also what comes last. @param {string} file */
async function follow(file) {
  const handle = await open(file, 'r');
  const buffer = Buffer.alloc(65_536);
  const copy = async () => {
    for (let size = 1; size > 0;) {
      size = (await handle.read(buffer, 0, buffer.length)).bytesRead;
      process.stdout.write(Uint8Array.from(buffer.subarray(0, size)));
    }
  };
  let copying = Promise.resolve();
  const timer = setInterval(() => (copying = copying.then(copy)), 100);
  return async () => {
    clearInterval(timer);
    await copying;
    await copy();
    await handle.close();
  };
}

async function main() {
  const launch = readArguments(process.argv.slice(2));
  if (!launch.tests) throw new Error('This launcher only runs tests: --extensionTestsPath is missing.');
  const scratch = await mkdtemp(join(tmpdir(), 'glassbox-launcher-'));
  cleanUp.push(() => rm(scratch, { recursive: true, force: true }));
  const outOfTime = new Promise((_, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`The tests did not end within ${timeoutMs / 1000} s (GLASSBOX_TIMEOUT_MS).`)),
      timeoutMs,
    );
    cleanUp.push(() => clearTimeout(timer));
  });
  const interrupted = new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.on(signal, () => reject(new Error(`Ended by ${signal}.`)));
  });

  const code = await Promise.race([runTests(launch, scratch), outOfTime, interrupted]);
  const endRecord = join(scratch, 'end');
  if (!existsSync(endRecord)) {
    throw new Error('The extension host died during the tests (VS Code itself reports that as success).');
  }
  const { passed } = JSON.parse(await readFile(endRecord, 'utf8'));
  return code || (passed ? 0 : 1);
}

let code = 1;
try {
  code = await main();
} catch (error) {
  note(verbose ? String(/** @type {Error} */ (error).stack) : /** @type {Error} */ (error).message);
}
for (const step of cleanUp.reverse()) {
  await Promise.resolve()
    .then(step)
    .catch((error) => note(String(error)));
}
process.exit(code);
