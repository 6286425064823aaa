// @ts-check
// Puts a real VS Code on this machine out of the npm registry alone: the server inside the `code-server` package, and the
// Node that this version asks for. It does not start anything (server.mjs does) and knows nothing of Glassbox.
// Called by launcher.mjs and runHost.mjs for tests, and by src/start/start.mjs.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** code-server 4.N holds VS Code 1.N. */
export const newest = '4.139.1';
/** The oldest version that `engines.vscode` in package.json admits. */
export const floor = '4.100.3';

/**
 * @typedef {object} ServerInstall
 * @property {string} version of code-server
 * @property {string} node the Node binary that runs it
 * @property {string} folder holds out/server-main.js
 */

/**
 * Installs on first use (about 30 s), afterwards only reads. Interrupted, it leaves no half installation behind: the
 * work happens in a folder beside the final one, which gets its name when everything is there.
 * @param {{ version?: string, log?: (line: string) => void }} [options]
 * @returns {Promise<ServerInstall>}
 */
export async function ensureServer({ version = process.env.GLASSBOX_SERVER_VERSION || newest, log = () => {} } = {}) {
  const store = join(root, '.vscode-test');
  const target = join(store, `server-${version}`);
  if (!existsSync(join(target, 'complete.json'))) {
    await mkdir(store, { recursive: true });
    await removeLeftovers(store);
    await rm(target, { recursive: true, force: true });
    const partial = `${target}.${process.pid}.partial`;
    try {
      await install(partial, version, log);
      await rename(partial, target).catch((error) => {
        // Another process was faster; its installation is as good as ours.
        if (!existsSync(join(target, 'complete.json'))) throw error;
      });
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }
  const { node } = JSON.parse(await readFile(join(target, 'complete.json'), 'utf8'));
  return {
    version,
    node: node === null ? process.execPath : join(target, node),
    folder: join(target, 'node_modules/code-server/lib/vscode'),
  };
}

/** @param {string} folder @param {string} version @param {(line: string) => void} log */
async function install(folder, version, log) {
  log(
    `Installing VS Code 1.${version.slice(version.indexOf('.') + 1)} (npm code-server@${version}, once, about half a minute)…`,
  );
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await npm(['install', '--no-bin-links', `code-server@${version}`], folder);
  const server = join(folder, 'node_modules/code-server');
  log('Installing its own packages…');
  await npm(['install', '--omit=dev'], join(server, 'lib/vscode'));
  await npm(['install', '--omit=dev'], join(server, 'lib/vscode/extensions'));

  const engines = JSON.parse(await readFile(join(server, 'package.json'), 'utf8')).engines;
  const major = /\d+/.exec(engines.node)?.[0] ?? '24';
  /** @type {string | null} */
  let node = null;
  if (major !== process.versions.node.split('.')[0]) {
    log(`Installing Node ${major} for it…`);
    const platform = process.platform === 'win32' ? 'win' : process.platform;
    const name = `node-${platform}-${process.arch}`;
    // In a folder of its own: the installs above are not npm's to tidy.
    await mkdir(join(folder, 'node'), { recursive: true });
    await writeFile(join(folder, 'node/package.json'), '{ "private": true }\n');
    await npm(['install', '--no-bin-links', `${name}@${major}`], join(folder, 'node'));
    node = join('node/node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  }
  await writeFile(join(folder, 'complete.json'), JSON.stringify({ version, node }) + '\n');
}

/** @param {string} store */
async function removeLeftovers(store) {
  for (const name of await readdir(store)) {
    const pid = /\.(\d+)\.partial$/.exec(name)?.[1];
    if (pid && !isRunning(Number(pid))) await rm(join(store, name), { recursive: true, force: true });
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** @param {string[]} args @param {string} cwd @returns {Promise<void>} */
function npm(args, cwd) {
  const command = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args, ...quiet], {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      shell: process.platform === 'win32',
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(explain(args, stderr)))));
  });
}

/** @param {string[]} args @param {string} stderr */
function explain(args, stderr) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT/.test(stderr)) {
    const address = /request to (\S+)/.exec(stderr)?.[1] ?? 'the npm registry';
    return (
      `VS Code is installed from the npm registry, but ${address} cannot be reached: check the network and npm's own ` +
      '`registry` and `proxy` settings, or open this folder in a VS Code that is already installed.'
    );
  }
  return `npm ${args.join(' ')} failed:\n${stderr.trim()}`;
}
