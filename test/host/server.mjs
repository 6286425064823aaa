// @ts-check
// Runs an installed VS Code server on a free port of 127.0.0.1 with settings and folders of its own, and ends it without a
// trace: no process, socket or folder stays behind, even when the caller is killed (guard.mjs sees to that). It opens no
// browser and knows no extension. Called by launcher.mjs (tests) and src/start/openEditor.mjs (people).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Settings that keep a fresh window quiet: no welcome page, no network, no other completion provider. */
export const quietSettings = {
  'chat.disableAIFeatures': true,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'typescript.disableAutomaticTypeAcquisition': true,
  'security.workspace.trust.enabled': false,
  'git.openRepositoryInParentFolders': 'never',
};

/**
 * @typedef {object} Server
 * @property {string} origin for example http://127.0.0.1:40123
 * @property {string} extensionsDir
 * @property {() => Promise<void>} stop resolves when every process has ended
 * @property {Promise<void>} ended resolves when the server is gone, whoever ended it
 */

/**
 * @param {object} options
 * @param {import('./install.mjs').ServerInstall} options.install
 * @param {number} [options.port] 0: a free one
 * @param {string} [options.token] what the address must carry as `tkn`; absent: anyone on this machine may connect
 * @param {string} [options.userDataDir] absent: a temporary one
 * @param {string} [options.extensionsDir] absent: a temporary one
 * @param {object} [options.settings] on top of `quietSettings`; used when the user data folder has none
 * @param {NodeJS.ProcessEnv} [options.env] for the server and so for the extension host
 * @param {string[]} [options.skipExtensions] ids of built-in extensions
 * @param {string[]} [options.args] more arguments for the server
 * @param {(line: string) => void} [options.log] receives the server's own output
 * @returns {Promise<Server>}
 */
export async function startServer(options) {
  const { install, port = 0, env = process.env, args = [], log = () => {} } = options;
  const scratch = await mkdtemp(join(tmpdir(), 'glassbox-vscode-'));
  const userDataDir = options.userDataDir ?? join(scratch, 'data');
  const extensionsDir = options.extensionsDir ?? join(scratch, 'extensions');
  const settingsFile = join(userDataDir, 'User/settings.json');
  for (const folder of [join(userDataDir, 'User'), extensionsDir, join(scratch, 'run')]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  if (!existsSync(settingsFile)) {
    await writeFile(settingsFile, JSON.stringify({ ...quietSettings, ...options.settings }, null, 2));
  }

  // prettier-ignore
  const serverArgs = [
    join(install.folder, 'out/server-main.js'),
    '--host', '127.0.0.1', '--port', String(port),
    ...(options.token ? ['--connection-token', options.token] : ['--without-connection-token']), '--accept-server-license-terms', '--force-disable-user-env',
    '--telemetry-level', 'off', '--disable-experiments', '--disable-workspace-trust',
    '--server-data-dir', join(scratch, 'server'), '--user-data-dir', userDataDir, '--extensions-dir', extensionsDir,
    ...args,
  ];
  const guard = spawn(
    process.execPath,
    [join(import.meta.dirname, 'guard.mjs'), scratch, install.node, ...serverArgs],
    {
      cwd: install.folder,
      detached: true, // Ctrl-C reaches the caller, who stops the server in order.
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...withoutEditorVariables(env),
        XDG_RUNTIME_DIR: join(scratch, 'run'), // its sockets
        TMPDIR: join(scratch, 'run'), // and what the TypeScript service writes
        EXTENSIONS_GALLERY: '{}',
        VSCODE_SKIP_BUILTIN_EXTENSIONS: ['GitHub.copilot-chat', ...(options.skipExtensions ?? [])].join(','),
      },
    },
  );
  const ended = /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      guard.on('close', () => resolve());
      guard.on('error', () => resolve());
    })
  );
  const stop = async () => {
    guard.stdin.end();
    await ended;
  };

  try {
    const listening = await waitForPort(guard, log);
    return { origin: `http://127.0.0.1:${listening}`, extensionsDir, stop, ended };
  } catch (error) {
    await stop();
    await rm(scratch, { recursive: true, force: true });
    throw error;
  }
}

/** In a terminal of VS Code, variables of that editor are set which would steer ours. @param {NodeJS.ProcessEnv} env */
function withoutEditorVariables(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_)/.test(name)));
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<any, import('node:stream').Readable, import('node:stream').Readable>} child
 * @param {(line: string) => void} log @returns {Promise<number>}
 */
function waitForPort(child, log) {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => fail('did not start within 90 s'), 90_000);
    /** @param {string} what */
    const fail = (what) => {
      clearTimeout(timer);
      if (/EADDRINUSE/.test(output)) reject(new Error('That port is in use: choose another one.'));
      else reject(new Error(`The VS Code server ${what}. It said:\n${output.slice(-2000)}`));
    };
    /** @param {Buffer} chunk */
    const read = (chunk) => {
      log(chunk.toString());
      if (output.length < 50_000) output += chunk;
      const port = /Extension host agent listening on (\d+)/.exec(output)?.[1];
      if (port) {
        clearTimeout(timer);
        resolve(Number(port));
      } else if (/Error occurred in server\s[^]*Error: .*\n/.test(output)) {
        fail('could not start'); // It says so and stays.
      }
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('close', () => fail('ended at once'));
  });
}
