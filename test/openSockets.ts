// The network sockets that a process has open, as Linux lists them.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const PROTOCOLS = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6', 'packet'];

/** Local and remote addresses of the sockets; those between processes of one machine are none. Linux alone has the files that it reads. */
export function networkSockets(pid: number): string[] {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // closed meanwhile
    }
  }
  return PROTOCOLS.flatMap((protocol) =>
    linesOf(`/proc/${pid}/net/${protocol}`)
      .filter((line) =>
        line
          .trim()
          .split(/\s+/)
          .some((field) => inodes.has(field)),
      )
      .map((line) => `${protocol} ${line.trim()}`),
  );
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(1);
  } catch {
    return []; // this kernel does not have it
  }
}
