// The environment that the engine process is started with, and what becomes of its outputs.

import type { Readable } from 'node:stream';

/** Has glibc ask for huge pages: the weights and the cache are read from end to end at every token, and finding small pages takes a fifth of that. */
const HUGE_PAGES = 'glibc.malloc.hugetlb=1';

/**
 * The environment of the engine: all of ours, less what would make it a debug target of the extension host's debugger, and on Linux with
 * huge pages.
 */
export function engineEnvironment(ours: NodeJS.ProcessEnv, platform = process.platform): NodeJS.ProcessEnv {
  const env = { ...ours };
  delete env['NODE_OPTIONS'];
  const tunables = env['GLIBC_TUNABLES'] ?? '';
  if (platform === 'linux' && !tunables.includes('glibc.malloc.hugetlb'))
    env['GLIBC_TUNABLES'] = tunables === '' ? HUGE_PAGES : `${tunables}:${HUGE_PAGES}`;
  return env;
}

/** Logs what the engine process writes, line by line. */
export function logOutput(
  { stdout, stderr }: { stdout: Readable | null; stderr: Readable | null },
  log: (line: string) => void,
): void {
  for (const stream of [stdout, stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => text.trimEnd().split('\n').forEach(log));
}
