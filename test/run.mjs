// @ts-check
// `npm test`: set-up, checks, unit tests, then the tests inside a real VS Code; one tally at the end.
//   node test/run.mjs [check] [unit] [host]      without arguments: all three
import { spawn } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureDependencies, root, SetupError } from '../src/start/setup.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Tally */

/** @param {string} line */
const print = (line) => process.stdout.write(`${line}\n`);

/** @type {Record<string, () => Promise<Tally>>} */
const PARTS = { check, unit, host };

async function main() {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !(name in PARTS));
  if (unknown !== undefined)
    throw new SetupError(`There is no part "${unknown}": there are ${Object.keys(PARTS).join(', ')}.`);
  await ensureDependencies(print);
  await ensureBuilt();
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, run] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    print(`\n— ${name}`);
    const tally = await run();
    total.passed += tally.passed;
    total.failed += tally.failed;
    total.skipped += tally.skipped;
  }
  print(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
}

/** Types, lint and form: each counts as one test. @returns {Promise<Tally>} */
async function check() {
  const tools = [
    ['typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'],
    ['typescript/bin/tsc', '--noEmit', '-p', 'src/webview/tsconfig.json'],
    ['eslint/bin/eslint.js', '--max-warnings', '0', '.'],
    ['prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
  ];
  const tally = { passed: 0, failed: 0, skipped: 0 };
  for (const [tool = '', ...args] of tools) {
    const { code } = await node([join(root, 'node_modules', tool), ...args], print);
    print(`${code === 0 ? 'ok' : 'not ok'} ${tool.split('/')[0]} ${args.join(' ')}`);
    tally[code === 0 ? 'passed' : 'failed']++;
  }
  return tally;
}

/** Node's own runner, in its machine-readable form, read line by line. @returns {Promise<Tally>} */
async function unit() {
  const built = await node(['esbuild.config.mjs', '--unit-tests'], print);
  if (built.code !== 0) return { passed: 0, failed: 1, skipped: 0 };
  const files = readdirSync(join(root, '.test-out/unit')).filter((file) => file.endsWith('.test.js'));
  const tally = { passed: 0, failed: 0, skipped: 0 };
  const { code } = await node(
    ['--enable-source-maps', '--test', '--test-reporter=tap', ...files.map((file) => join('.test-out/unit', file))],
    (line) => {
      const result = /^( *)(not ok|ok) \d+ - (.*)/.exec(line);
      if (result === null) {
        if (!/^ *(---|\.\.\.|duration_ms|type:|location:|# Subtest|1\.\.|TAP)|^# /.test(line)) print(line);
        return;
      }
      const [, , verdict, name = ''] = result;
      tally[/ # SKIP/.test(name) ? 'skipped' : verdict === 'ok' ? 'passed' : 'failed']++;
      if (verdict !== 'ok' || name.includes('# SKIP')) print(`${verdict} ${name}`);
    },
  );
  if (code !== 0 && tally.failed === 0) tally.failed = 1;
  print(`${tally.passed} of ${tally.passed + tally.failed + tally.skipped} unit tests passed`);
  return tally;
}

/** The extension in a real window. @returns {Promise<Tally>} */
async function host() {
  rmSync(join(root, '.vscode-test/screenshots'), { recursive: true, force: true });
  const { runHost } = await import('./host/runHost.mjs');
  return runHost({ versions: ['newest', 'floor'] });
}

/**
 * Runs Node on a script and hands over its output line by line.
 * @param {string[]} args @param {(line: string) => void} onLine @returns {Promise<{ code: number | null }>}
 */
function node(args, onLine) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  });
  return new Promise((resolve) =>
    child.on('close', (code) => {
      if (rest !== '') onLine(rest);
      resolve({ code });
    }),
  );
}

main().catch((error) => {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`);
  process.stdout.write('0 passed, 1 failed\n');
  process.exitCode = 1;
});
