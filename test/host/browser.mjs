// @ts-check
// Finds (or, on Debian as root, installs) Chromium and opens the workbench in it, headless, in a fresh profile without
// network. It knows neither tests nor extensions. Called by launcher.mjs.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const macApps = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Path of a Chromium; installs Debian's where that is possible. @param {(line: string) => void} [log] */
export function ensureChromium(log = () => {}) {
  const chosen = process.env.GLASSBOX_CHROMIUM;
  if (chosen && !existsSync(chosen)) throw new Error(`GLASSBOX_CHROMIUM names a file that does not exist: ${chosen}`);
  const found = chosen ?? findChromium();
  if (found) return found;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    log('Installing Chromium (apt-get install chromium, once)…');
    try {
      apt('update');
      apt('install', '-y', '--no-install-recommends', 'chromium');
    } catch (error) {
      throw new Error(`Chromium could not be installed with apt-get: ${/** @type {Error} */ (error).message}`);
    }
    const installed = findChromium();
    if (installed) return installed;
  }
  throw new Error('These tests drive a browser: install Chromium or Chrome, or name its binary in GLASSBOX_CHROMIUM.');
}

/** Path of a Chromium that is installed; undefined where there is none. */
export function findChromium() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...macApps];
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return existsSync(file);
    } catch {
      return false;
    }
  });
}

/** @param {...string} args */
function apt(...args) {
  execFileSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/**
 * @param {string} executablePath @param {string} origin
 * @returns {Promise<{ page: import('playwright-core').Page, close: () => Promise<void> }>}
 */
export async function openBrowser(executablePath, origin) {
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    handleSIGINT: false, // The launcher ends things in order.
    handleSIGTERM: false,
    timeout: 120_000,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
    ],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  return { page, close: () => browser.close() };
}
