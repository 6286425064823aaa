// @ts-check
// What the launcher hands to VS Code as the test module. It runs the real one, copies the console to a file that the
// launcher follows, and at the end writes the end record: the only proof that the tests ran to their end, since VS Code
// reports success when the extension host dies. Runs inside the extension host.
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { format } = require('node:util');

const {
  GLASSBOX_TESTS: tests = '',
  GLASSBOX_CONSOLE: consoleFile = '',
  GLASSBOX_END_RECORD: endRecord = '',
} = process.env;

function copyConsole() {
  for (const level of /** @type {const} */ (['log', 'info', 'warn', 'error', 'debug'])) {
    const original = console[level].bind(console);
    const copying = (/** @type {unknown[]} */ ...args) => {
      const line = format(...args);
      // The server's native logger is not built; it says so at length.
      if (!line.startsWith('Error: Could not locate the bindings file')) fs.appendFileSync(consoleFile, line + '\n');
      original(...args);
    };
    // An assignment would be swallowed: VS Code puts accessors there.
    Object.defineProperty(console, level, { value: copying, configurable: true, writable: true });
  }
}

/** Test modules export `run`, which returns a promise or takes a callback. @param {unknown} run */
function call(run) {
  if (typeof run !== 'function') throw new Error(`${tests} exports no run()`);
  if (run.length < 2) return run();
  return new Promise((resolve, reject) => {
    run(path.dirname(tests), (/** @type {unknown} */ error, /** @type {unknown} */ failures) => {
      if (error) reject(error);
      else if (failures) reject(new Error(`${String(failures)} tests failed`));
      else resolve(undefined);
    });
  });
}

exports.run = async () => {
  copyConsole();
  try {
    const module = /\.mjs$/.test(tests) ? await import(pathToFileURL(tests).href) : require(tests);
    await call(module.run ?? module.default?.run);
    fs.writeFileSync(endRecord, JSON.stringify({ passed: true }));
  } catch (error) {
    fs.writeFileSync(endRecord, JSON.stringify({ passed: false }));
    throw error;
  }
};
