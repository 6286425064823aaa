// @ts-check
// Opens the sample folder in a VS Code with Glassbox in it: the desktop one where `code` is in PATH, else the server form
// from the npm registry, whose address a browser opens and which runs until Ctrl-C. Called by start.mjs.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, readFileSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ensureServer } from '../../test/host/install.mjs';
import { startServer } from '../../test/host/server.mjs';
import { SetupError, root, throughShell } from './setup.mjs';

const sample = join(root, 'test/sample');
const firstFile = join(sample, 'basket.ts');

/** In a browser VS Code saves by itself, and what is tried out here is not to end up in the sample files. */
const settings = { 'files.autoSave': 'off' };

/** True when a desktop VS Code took it. @param {(line: string) => void} print @returns {Promise<boolean>} */
export async function openDesktop(print) {
  const hasDisplay = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  const code = findInPath(process.platform === 'win32' ? 'code.cmd' : 'code');
  if (!code || !hasDisplay || process.env.GLASSBOX_VSCODE === 'server') return false;
  const args = [`--extensionDevelopmentPath=${root}`, '--new-window', sample, firstFile];
  const status = await new Promise((resolve) => {
    const child = spawn(...throughShell(code, args), { stdio: 'inherit', shell: code.endsWith('.cmd') });
    child.on('error', () => resolve(1));
    child.on('close', resolve);
  });
  if (status !== 0) return false;
  print('VS Code opens with Glassbox and the sample folder. Type in basket.ts; README.md there tells what to try.');
  return true;
}

/**
 * Runs until `until` resolves or the server ends. Glassbox is linked into an extensions folder made for this run, so it is
 * installed as for any user: no development host, and nobody's own extensions.
 * @param {{ port: number, print: (line: string) => void, until: Promise<unknown> }} options
 */
export async function openServer({ port, print, until }) {
  if (process.platform === 'win32') {
    throw new SetupError(
      'On Windows, install VS Code (https://code.visualstudio.com) so that `code` is in PATH, then run this again.',
    );
  }
  const install = await ensureServer({ log: print }).catch((error) => {
    throw new SetupError(error.message);
  });
  const scratch = await mkdtemp(join(tmpdir(), 'glassbox-start-'));
  try {
    const { publisher, name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    symlinkSync(root, join(scratch, `${publisher}.${name}-${version}`), 'dir');
    const token = randomBytes(16).toString('hex');
    const server = await startServer({ install, port, token, extensionsDir: scratch, settings }).catch((error) => {
      throw new SetupError(error.message);
    });
    try {
      print('');
      print('VS Code runs with Glassbox and the sample folder. Open this in a browser on this machine:');
      print('');
      print(`    ${address(server.origin, token)}`);
      print('');
      print('Type in basket.ts; README.md there tells what to try. Ctrl-C here ends it.');
      await Promise.race([until, server.ended]);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** @param {string} origin @param {string} token */
function address(origin, token) {
  const url = new URL(origin);
  url.searchParams.set('tkn', token);
  url.searchParams.set('folder', sample);
  url.searchParams.set('payload', JSON.stringify([['openFile', `vscode-remote://${url.host}${encodeURI(firstFile)}`]]));
  return url.href;
}

/** @param {string} name */
function findInPath(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
