// Whether the machine has a battery, and whether it runs on it: where the system says so in files (Linux), and where a small program of
// its own says it (macOS). Format of the files: the kernel's Documentation/ABI/testing/sysfs-class-power.

import { execFile } from 'node:child_process';
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

/** What `pmset -g ps` of macOS says on its first line: from where power is drawn. */
export function drawsFromBattery(text: string): boolean {
  return /^Now drawing from 'Battery Power'/m.test(text);
}

let last: { at: number; onBattery: boolean } = { at: -Infinity, onBattery: false };

/**
 * Whether the machine runs on its battery, as of the last minute; false where that is not known: on Windows, and on macOS until it was
 * asked for the first time. The environment variable GLASSBOX_ON_BATTERY, 1 or 0, says it instead where it is set.
 */
export function runsOnBattery(now = Date.now()): boolean {
  const given = process.env['GLASSBOX_ON_BATTERY'];
  if (given !== undefined && given !== '') return given === '1';
  if (now - last.at < FRESH_MS) return last.onBattery;
  last = { at: now, onBattery: power()?.onBattery ?? (process.platform === 'darwin' && last.onBattery) };
  if (process.platform === 'darwin')
    execFile('/usr/bin/pmset', ['-g', 'ps'], (error, text) => {
      last.onBattery = error === null && drawsFromBattery(text);
    });
  return last.onBattery;
}
