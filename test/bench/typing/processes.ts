// Processor time of a process, as Linux keeps it.

import { readFileSync } from 'node:fs';

/** Clock ticks a second in /proc: 100 on every architecture that Node runs on. */
const TICKS = 100;

/** User and system time of a process with all its threads, in seconds; undefined where there is no such process or no /proc. */
export function processorSeconds(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    // The name, in brackets, may hold anything; utime and stime are the 12th and 13th fields after it (proc_pid_stat(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return undefined;
  }
}
