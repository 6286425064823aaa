// Graphics adapters, where the system tells of them without a driver: PCI ids as vendor:device, or the names of device files.

import { readdirSync, readFileSync } from 'node:fs';

/** On Linux the render nodes of the kernel's drivers, NVIDIA's own, and that of the Windows subsystem; elsewhere nothing tells. */
export function adapters(): string[] {
  if (process.platform !== 'linux') return [];
  const there = (dir: string, name: RegExp): string[] => {
    try {
      return readdirSync(dir).filter((entry) => name.test(entry));
    } catch {
      return []; // no such folder: no such driver
    }
  };
  const id = (node: string, part: string): string => {
    try {
      return readFileSync(`/sys/class/drm/${node}/device/${part}`, 'utf8').trim();
    } catch {
      return '?';
    }
  };
  return [
    ...there('/dev/dri', /^renderD\d+$/).map((node) => `${id(node, 'vendor')}:${id(node, 'device')}`),
    ...there('/dev', /^(nvidia\d+|dxg)$/),
  ];
}
