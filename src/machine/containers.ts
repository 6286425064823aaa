// What a container, or any group of processes, may use of a machine on Linux: the kernel's control groups, in both versions. Elsewhere, and
// where nothing limits us, there is no limit. Formats: the kernel's documentation of cgroup v2, and of cgroup v1 (cpu, memory).

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, posix } from 'node:path';

/** Version 1 says a number near 2^63 where memory has no limit. */
const NO_LIMIT = 2 ** 60;

export interface Limits {
  /** Processors' worth of time, 1.5 being one and a half; undefined: all there are. */
  cpus?: number;
  /** Bytes; undefined: all there are. */
  memory?: number;
}

/** The tightest limits of our group and of those around it. @param root where the file system begins */
export function limits(root = '/'): Limits {
  const found: Limits = {};
  for (const { version, controllers, path } of groups(root)) {
    for (const dir of foldersOf(root, version, controllers, path)) {
      const cpus = version === 2 || controllers.includes('cpu') ? quota(dir, version) : undefined;
      const memory = version === 2 || controllers.includes('memory') ? mostMemory(dir, version) : undefined;
      if (cpus !== undefined) found.cpus = Math.min(found.cpus ?? Infinity, cpus);
      if (memory !== undefined) found.memory = Math.min(found.memory ?? Infinity, memory);
    }
  }
  return found;
}

/**
 * How many threads may run at once. A share of a processor counts as none, for threads that use more than their group may have are all
 * stopped until the next period.
 * @param cores logical cores that the process may run on
 */
export function usableCores(cores = availableParallelism(), { cpus = Infinity }: Limits = limits()): number {
  return Math.max(1, Math.min(cores, Math.floor(cpus)));
}

interface Group {
  version: 1 | 2;
  /** Of version 1: what the hierarchy controls. */
  controllers: string[];
  path: string;
}

/** Our groups, as /proc/self/cgroup lists them: number:controllers:path, with 0 and no controllers for version 2. */
function groups(root: string): Group[] {
  return (text(join(root, 'proc/self/cgroup')) ?? '').split('\n').flatMap((line) => {
    const [, number, controllers = '', path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    return [{ version: number === '0' ? 2 : 1, controllers: controllers.split(','), path }];
  });
}

/** The folders of a group and of all groups around it. Where the path is that of another name space, the outermost folder alone is there. */
function foldersOf(root: string, version: 1 | 2, controllers: readonly string[], path: string): string[] {
  const mounts =
    version === 2
      ? ['', 'unified']
      : [controllers.join(','), ...controllers].filter((name, i, all) => name !== '' && all.indexOf(name) === i);
  const above = ['/'];
  for (let at = posix.normalize(path); at !== '/' && !at.startsWith('/..'); at = posix.dirname(at)) above.push(at);
  return mounts.flatMap((mount) => above.map((at) => join(root, 'sys/fs/cgroup', mount, at)));
}

/** Microseconds in each period, and the period; `max` and -1 are no limit. */
function quota(dir: string, version: 1 | 2): number | undefined {
  const [most, period] =
    version === 2
      ? (text(join(dir, 'cpu.max')) ?? '').trim().split(/\s+/)
      : [text(join(dir, 'cpu.cfs_quota_us')), text(join(dir, 'cpu.cfs_period_us'))];
  const cpus = Number(most) / Number(period ?? NaN);
  return Number.isFinite(cpus) && cpus > 0 ? cpus : undefined;
}

function mostMemory(dir: string, version: 1 | 2): number | undefined {
  const bytes = Number(text(join(dir, version === 2 ? 'memory.max' : 'memory.limit_in_bytes')) ?? NaN);
  return bytes > 0 && bytes < NO_LIMIT ? bytes : undefined;
}

/** @returns undefined where there is no such file */
function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
