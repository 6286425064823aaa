// @ts-check
// Makes a fresh checkout ready: the right Node, the packages of package-lock.json, the bundles. It may use nothing but Node,
// for it runs before any package is there. Called by start.mjs and by the tests' runners.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** An error whose message alone tells what to do; no stack is shown. */
export class SetupError extends Error {}

/** Throws unless this Node is one that package.json admits. */
export function checkNode(version = process.versions.node) {
  const wanted =
    /\d+\.\d+/.exec(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node)?.[0] ?? '0.0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new SetupError(
    `Glassbox needs Node ${wanted} or newer, and this is ${version}: get a newer one from https://nodejs.org.`,
  );
}

/** Installs the packages unless those of this package-lock.json are there. @param {(line: string) => void} [log] */
export async function ensureDependencies(log = () => {}) {
  checkNode();
  const lock = join(root, 'package-lock.json');
  const marker = join(root, 'node_modules/.glassbox-lock');
  const hash = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (
    existsSync(marker)
      ? readFileSync(marker, 'utf8') === hash
      : isNewer(join(root, 'node_modules/.package-lock.json'), lock)
  ) {
    writeFileSync(marker, hash);
    return;
  }
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new SetupError(
      'node_modules is a link, and npm ci would empty the folder behind it: remove the link or update that folder.',
    );
  }
  log('Installing packages (npm ci, once)…');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { code, output } = await run(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    ONNXRUNTIME_NODE_INSTALL: 'skip', // Otherwise it downloads CUDA libraries.
  });
  if (code !== 0) throw new SetupError(`npm ci failed: is the npm registry within reach?\n${output.trim()}`);
  writeFileSync(marker, hash);
}

/** Builds dist/ from the sources as they are now. */
export async function ensureBuilt() {
  const { code, output } = await run(process.execPath, ['esbuild.config.mjs'], {});
  if (code !== 0) throw new SetupError(`The build failed (node esbuild.config.mjs):\n${output.trim()}`);
}

/** npm writes its own record of an installation last: somebody has run npm by hand. @param {string} file @param {string} than */
function isNewer(file, than) {
  const time = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  return time !== undefined && time >= statSync(than).mtimeMs;
}

/**
 * On Windows a .cmd file runs through a shell only, which takes words apart at spaces unless they are quoted.
 * @param {string} command @param {string[]} args @returns {[string, string[]]}
 */
export function throughShell(command, args) {
  if (!command.endsWith('.cmd')) return [command, args];
  const quoted = [command, ...args].map((word) => (/\s/.test(word) ? `"${word}"` : word));
  return [quoted[0] ?? '', quoted.slice(1)];
}

/**
 * @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function run(command, args, env) {
  const child = spawn(...throughShell(command, args), {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command.endsWith('.cmd'),
  });
  return new Promise((resolve) => {
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}
