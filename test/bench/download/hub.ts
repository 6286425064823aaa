// The hub in a process of its own: serves one model folder, and cuts three connections of its largest file. Says where it is in one
// line of JSON, and at the end of its input what it sent in another.

import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { repoOf, startHub, type HubContent } from '../../hubServer';

const [dir = '', name = ''] = process.argv.slice(2);
/** Larger files are read from the disk as they are asked for. */
const IN_MEMORY = 2 ** 20;
/** After how much of the rest of the file each connection breaks. */
const CUTS = [0.25, 0.4, 0.5];

const large: Record<string, HubContent> = {};
const small: string[] = [];
for (const path of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
  const { size } = statSync(join(dir, path));
  if (statSync(join(dir, path)).isDirectory()) continue;
  if (size <= IN_MEMORY) small.push(path);
  else {
    const sum = createHash('sha256');
    for await (const piece of createReadStream(join(dir, path))) sum.update(piece as Buffer);
    large[path] = { path: join(dir, path), size, sha256: sum.digest('hex') };
  }
}
const sizes = Object.entries(large).map(([path, content]) => [path, (content as { size: number }).size] as const);
const [largest = '', bytes = 0] = sizes.sort(([, a], [, b]) => b - a)[0] ?? [];
let left = bytes;
const faults = CUTS.map((share, after) => {
  const cutAfter = Math.floor(left * share);
  left -= cutAfter;
  return { on: 'storage', path: largest, cutAfter, after } as const;
});
const hub = await startHub({ repos: [repoOf(name, dir, small, large)], faults });
const model = [...sizes.map(([, size]) => size), ...small.map((path) => statSync(join(dir, path)).size)];
const modelBytes = model.reduce((sum, size) => sum + size, 0);
console.log(JSON.stringify({ endpoint: hub.endpoint, modelBytes, cuts: faults.map(({ cutAfter }) => cutAfter) }));
process.stdin.resume().on('end', () => {
  const requests = hub.seen.filter(({ server }) => server === 'storage').map(({ url, range }) => ({ url, range }));
  console.log(JSON.stringify({ bodies: hub.sentBytes(), wire: hub.wireBytes(), requests }));
  process.exit();
});
