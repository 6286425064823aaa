// The product's bundle downloads a model, in a process of its own, so that its memory is its own. One line of JSON at the end.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DownloadRoom } from '../../../src/download/types';

const [endpoint = '', name = '', store = ''] = process.argv.slice(2);
const room = createRequire(import.meta.url)(join(process.cwd(), 'dist/download.js')) as DownloadRoom;
const before = process.memoryUsage.rss();
const hub = { endpoint, fetch };
const started = performance.now();
const description = await room.describeRepo(name, 'main', hub);
const files = room.filesToFetch(description, 'q4');
const phases: string[] = [];
const done = await room.download(
  { description, files, store, hubCaches: [] },
  { ...hub, onProgress: ({ phase }) => phases.at(-1) !== phase && phases.push(phase) },
);
const seconds = (performance.now() - started) / 1000;
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const verifyStarted = performance.now();
const problems = await room.verify(done.dir);
console.log(
  JSON.stringify({
    ...done,
    seconds,
    before,
    peak: maxRSS * 1024,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    waits: phases.filter((phase) => phase === 'wait').length,
    problems,
    verifySeconds: (performance.now() - verifyStarted) / 1000,
  }),
);
