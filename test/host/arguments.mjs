// @ts-check
// Reads the command line of VS Code desktop, as @vscode/test-electron writes it, into what the server and the workbench's
// address need. Pure: it starts nothing. Called by launcher.mjs.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Launch
 * @property {string} [tests] the test module
 * @property {string[]} extensions folders of extensions under development
 * @property {string} [folder] folder or .code-workspace to open
 * @property {string[]} files files to open
 * @property {string} [userDataDir]
 * @property {string} [extensionsDir]
 * @property {string[]} skipExtensions ids of built-in extensions
 * @property {string[]} serverArgs
 * @property {[string, string][]} payload further entries of the address
 */

/** Options whose value may follow as the next argument. */
const withValue = new Set(
  'extensionTestsPath extensionDevelopmentPath user-data-dir extensions-dir folder-uri file-uri disable-extension log locale'.split(
    ' ',
  ),
);

/** @param {string[]} args @returns {Launch} */
export function readArguments(args) {
  /** @type {Launch} */
  const launch = { extensions: [], files: [], skipExtensions: [], serverArgs: [], payload: [] };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (!arg.startsWith('-')) {
      open(launch, resolve(arg));
      continue;
    }
    const [, name = '', inline] = /^--?([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const value = inline ?? (withValue.has(name) ? (args[++i] ?? '') : '');
    if (name === 'extensionTestsPath') launch.tests = fromUri(value);
    else if (name === 'extensionDevelopmentPath') launch.extensions.push(fromUri(value));
    else if (name === 'user-data-dir') launch.userDataDir = resolve(value);
    else if (name === 'extensions-dir') launch.extensionsDir = resolve(value);
    else if (name === 'folder-uri' || name === 'file-uri') open(launch, fromUri(value));
    else if (name === 'disable-extension') launch.skipExtensions.push(value);
    else if (name === 'disable-extensions') launch.payload.push(['disableExtensions', 'true']);
    else if (/^inspect(-brk)?-extensions$/.test(name)) launch.payload.push([name, value]);
    else if (name === 'log' || name === 'enable-proposed-api') launch.serverArgs.push(arg);
    // The rest (sandbox, GPU, updates, welcome page…) is about the desktop and means nothing here.
  }
  return launch;
}

/** @param {Launch} launch @param {string} path */
function open(launch, path) {
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  if (isFile && !path.endsWith('.code-workspace')) launch.files.push(path);
  else launch.folder = path;
}

/** @param {string} value */
function fromUri(value) {
  return value.startsWith('file:') ? fileURLToPath(value) : resolve(value);
}

/** The workbench's address for a launch. @param {string} origin @param {Launch} launch @param {string} [tests] */
export function workbenchAddress(origin, launch, tests) {
  const host = new URL(origin).host;
  /** @param {string} path */
  const remote = (path) => `vscode-remote://${host}${encodeURI(path)}`;
  /** @type {[string, string][]} */
  const payload = [
    ...launch.extensions.map((path) => /** @type {[string, string]} */ (['extensionDevelopmentPath', remote(path)])),
    ...launch.files.map((path) => /** @type {[string, string]} */ (['openFile', remote(path)])),
    ...launch.payload,
  ];
  if (tests) payload.push(['extensionTestsPath', remote(tests)]);
  const address = new URL(origin);
  if (launch.folder?.endsWith('.code-workspace')) address.searchParams.set('workspace', launch.folder);
  else if (launch.folder) address.searchParams.set('folder', launch.folder);
  else address.searchParams.set('ew', 'true');
  address.searchParams.set('payload', JSON.stringify(payload));
  return address.href;
}
