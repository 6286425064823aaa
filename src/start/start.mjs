// @ts-check
// `npm start`: from a fresh checkout to completions in an editor. Sets up what is missing, shows one real completion in the
// terminal, then opens VS Code on the sample folder. Options: --no-open ends after the completion, --port N is for the
// server form. Needs nothing but Node; what needs more is imported when it is there.
import { SetupError, checkNode, ensureBuilt, ensureDependencies } from './setup.mjs';

/** @param {string} line */
const print = (line) => void process.stdout.write(`${line}\n`);

/** @param {string[]} args */
function readOptions(args) {
  const options = { open: true, port: 0 };
  for (let i = 0; i < args.length; i++) {
    const [name, inline] = (args[i] ?? '').split('=');
    if (name === '--no-open') options.open = false;
    else if (name === '--port') options.port = Number(inline ?? args[++i]);
    else throw new SetupError(`Unknown option ${name}. Options: --no-open, --port N.`);
  }
  if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65_535) {
    throw new SetupError('--port takes a number from 0 to 65535.');
  }
  return options;
}

/** @param {string[]} args */
async function start(args) {
  const options = readOptions(args);
  checkNode();
  await ensureDependencies(print);
  await ensureBuilt();
  const { proofOfLife } = await import('./proofOfLife.mjs');
  await proofOfLife(print);
  if (!options.open) return;

  const { openDesktop, openServer } = await import('./openEditor.mjs');
  if (await openDesktop(print)) return;
  const until = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, resolve);
  });
  await openServer({ port: options.port, print, until });
}

start(process.argv.slice(2)).catch((/** @type {Error} */ error) => {
  process.stderr.write(`${error instanceof SetupError ? error.message : (error.stack ?? error.message)}\n`);
  process.exitCode = 1;
});
