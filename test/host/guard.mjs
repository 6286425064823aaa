// @ts-check
// Stands between server.mjs and the VS Code server: runs the given command in a process group of its own and, as soon as
// its own input ends (the caller stopped it, crashed or was killed), ends that whole group and removes the scratch folder.
// So nothing is ever left running. Started by server.mjs only: node guard.mjs SCRATCH COMMAND ARGS…
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const [scratch = '', command = '', ...args] = process.argv.slice(2);
const server = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
let ending = false;

server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  void end();
});
server.on('exit', () => void end());
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => void end());
process.stdin.on('end', () => void end()).on('error', () => void end());
process.stdin.resume();

async function end() {
  if (ending) return;
  ending = true;
  if (signalGroup('SIGTERM')) {
    for (let i = 0; i < 50 && signalGroup(0); i++) await sleep(100);
    signalGroup('SIGKILL');
  }
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  process.exit(0);
}

/** True while the group has a member. @param {NodeJS.Signals | 0} signal */
function signalGroup(signal) {
  try {
    if (server.pid) process.kill(-server.pid, signal);
    return server.pid !== undefined;
  } catch {
    return false;
  }
}
