// @ts-check
// Proof that the launcher's exit code can be believed: runs it on tiny test modules (fixtures/) that pass, fail, kill their
// extension host and hang, and on one that streams ghost text and makes it flash, to prove the recorder. Each is a run of its
// own. Called by runHost.mjs; alone: node test/host/launcher.check.mjs
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const here = import.meta.dirname;
const launcher = join(here, 'launcher.mjs');

/** @type {{ fixture: string, code: number, says: RegExp, timeoutMs: number }[]} */
const cases = [
  { fixture: 'passing', code: 0, says: /fixture ran/, timeoutMs: 180_000 },
  { fixture: 'failing', code: 1, says: /fails on purpose/, timeoutMs: 180_000 },
  { fixture: 'exiting', code: 1, says: /extension host died/, timeoutMs: 180_000 },
  { fixture: 'killed', code: 1, says: /extension host died/, timeoutMs: 180_000 },
  { fixture: 'streaming', code: 0, says: /grew without a blank/, timeoutMs: 180_000 },
  { fixture: 'hanging', code: 1, says: /did not end within 25 s/, timeoutMs: 25_000 },
];

/** @param {(line: string) => void} log @returns {Promise<import('./suite/hostTest').Tally>} */
export async function checkLauncher(log) {
  const tally = { passed: 0, failed: 0, skipped: 0 };
  const waiting = [...cases];
  // Two at a time: a run mostly waits.
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const started = performance.now();
      const { code, output } = await launch(next.fixture, next.timeoutMs);
      const ok = code === next.code && next.says.test(output);
      tally[ok ? 'passed' : 'failed'] += 1;
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      log(`${ok ? 'ok' : 'not ok'} launcher: ${next.fixture} ends with ${next.code} (${seconds} s)`);
      if (!ok) log(`it ended with ${code} and said:\n${output}`);
    }
  };
  await Promise.all([work(), work()]);
  return tally;
}

/** @param {string} fixture @param {number} timeoutMs @returns {Promise<{ code: number | null, output: string }>} */
function launch(fixture, timeoutMs) {
  const child = spawn(
    process.execPath,
    [
      launcher,
      `--extensionTestsPath=${join(here, 'fixtures', `${fixture}.cjs`)}`,
      `--extensionDevelopmentPath=${join(here, 'fixtures/extension')}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, GLASSBOX_TIMEOUT_MS: String(timeoutMs) } },
  );
  return new Promise((resolve) => {
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => resolve({ code, output }));
  });
}

if (process.argv[1] === import.meta.filename) {
  const { failed } = await checkLauncher((line) => process.stdout.write(`${line}\n`));
  process.exitCode = failed > 0 ? 1 : 0;
}
