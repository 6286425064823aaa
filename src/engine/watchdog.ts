// Ends this process from a thread of its own: a driver that hangs blocks the main thread, and with it every timer and message there.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** How often it looks, in milliseconds. */
const LOOK_MS = 500;

/** Text and not a file of its own, for the engine is one bundle. */
const CODE = `
const { workerData: { limitMs, parent, lookMs } } = require('node:worker_threads');
const start = Date.now();
const parentLives = () => {
  if (process.ppid !== parent) return false;
  try { process.kill(parent, 0); } catch (error) { return error.code !== 'ESRCH'; }
  return true;
};
setInterval(() => {
  if (Date.now() - start > limitMs || !parentLives()) process.kill(process.pid, 'SIGKILL');
}, lookMs);
`;

/**
 * Kills this process after a time, or soon after its parent has gone, whatever its main thread is doing. Resolves when the watch began.
 * @param limitMs milliseconds
 */
export async function watchOver(limitMs: number): Promise<void> {
  const worker = new Worker(CODE, { eval: true, workerData: { limitMs, parent: process.ppid, lookMs: LOOK_MS } });
  await once(worker, 'online');
  worker.unref(); // it keeps nobody who has ended
}
