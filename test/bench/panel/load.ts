// How busy the machine is.

import { cpus, loadavg } from 'node:os';

/** Processes that ran or waited for a processor in the last minute, and the logical cores; `–` where the system does not say. */
export function load(): string {
  const [minute = 0] = loadavg();
  return `${minute === 0 ? '–' : minute.toFixed(1)} on ${cpus().length}`;
}
