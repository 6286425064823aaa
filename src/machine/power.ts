// Whether the machine has a battery, and whether it runs on it, where the system says so in files: Linux. Format: the kernel's
// Documentation/ABI/testing/sysfs-class-power.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is asked again within this time, in milliseconds, is answered from memory: a plug is not pulled that often. */
const FRESH_MS = 60_000;

export interface Power {
  /** The machine has a battery of its own; mice and headphones have theirs. */
  battery: boolean;
  /** It runs on it. */
  onBattery: boolean;
}

/** @param root where the file system begins @returns undefined where the system does not say */
export function power(root = '/'): Power | undefined {
  const dir = join(root, 'sys/class/power_supply');
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    return undefined;
  }
  const supplies = names.map((name) => {
    const read = (file: string): string => {
      try {
        return readFileSync(join(dir, name, file), 'utf8').trim();
      } catch {
        return ''; // not every supply says everything
      }
    };
    return { type: read('type'), status: read('status'), online: read('online'), own: read('scope') !== 'Device' };
  });
  const batteries = supplies.filter(({ type, own }) => type === 'Battery' && own);
  const plugged = supplies.some(
    ({ type, own, online }) => type !== 'Battery' && own && online !== '' && online !== '0',
  );
  const draining = batteries.some(({ status }) => status === 'Discharging');
  return { battery: batteries.length > 0, onBattery: draining && !plugged };
}

let last: { at: number; onBattery: boolean } | undefined;

/** Whether the machine runs on its battery, as of the last minute; false where that is not known. */
export function runsOnBattery(now = Date.now()): boolean {
  if (last === undefined || now - last.at >= FRESH_MS) last = { at: now, onBattery: power()?.onBattery ?? false };
  return last.onBattery;
}
