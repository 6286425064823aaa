// What a container may use and whether a machine runs on its battery, read from folders as Linux shows them.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { limits, usableCores, type Limits } from '../../src/machine/containers';
import { drawsFromBattery, power, runsOnBattery, type Power } from '../../src/machine/power';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-machine-'));
after(() => rmSync(dir, { recursive: true }));

/** The root of a file system with these files. */
function root(name: string, files: Record<string, string>): string {
  const top = join(dir, name.replace(/\W/g, '-'));
  mkdirSync(top, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), `${text}\n`);
  }
  return top;
}

const GROUP = 'proc/self/cgroup';
const FS = 'sys/fs/cgroup';
const machines: [string, Record<string, string>, Limits][] = [
  ['no groups', {}, {}],
  ['version 2 without limits', { [GROUP]: '0::/user.slice', [`${FS}/user.slice/cpu.max`]: 'max 100000', [`${FS}/user.slice/memory.max`]: 'max' }, {}],
  ['version 2, seen from inside', { [GROUP]: '0::/', [`${FS}/cpu.max`]: '150000 100000', [`${FS}/memory.max`]: '2147483648' }, { cpus: 1.5, memory: 2 ** 31 }],
  ['version 2, the group around it is tighter', { [GROUP]: '0::/a/b', [`${FS}/a/cpu.max`]: '200000 100000', [`${FS}/a/b/cpu.max`]: '400000 100000', [`${FS}/a/b/memory.max`]: '1000000' }, { cpus: 2, memory: 1_000_000 }],
  ['version 2, a path of another name space', { [GROUP]: '0::/../../x', [`${FS}/cpu.max`]: '300000 100000' }, { cpus: 3 }],
  ['version 1 without limits', { [GROUP]: '4:memory:/\n3:cpu,cpuacct:/', [`${FS}/cpu,cpuacct/cpu.cfs_quota_us`]: '-1', [`${FS}/cpu,cpuacct/cpu.cfs_period_us`]: '100000', [`${FS}/memory/memory.limit_in_bytes`]: '9223372036854771712' }, {}],
  ['version 1, as Docker mounts it', { [GROUP]: '4:memory:/docker/0a\n3:cpu,cpuacct:/docker/0a', [`${FS}/cpu,cpuacct/cpu.cfs_quota_us`]: '50000', [`${FS}/cpu,cpuacct/cpu.cfs_period_us`]: '100000', [`${FS}/memory/memory.limit_in_bytes`]: '536870912' }, { cpus: 0.5, memory: 2 ** 29 }],
  ['version 1, each controller by itself', { [GROUP]: '3:cpu:/job\n2:cpuacct:/\n1:memory:/job', [`${FS}/cpu/job/cpu.cfs_quota_us`]: '400000', [`${FS}/cpu/job/cpu.cfs_period_us`]: '100000', [`${FS}/memory/job/memory.limit_in_bytes`]: '1000' }, { cpus: 4, memory: 1000 }],
  ['both versions', { [GROUP]: '2:memory:/\n0::/', [`${FS}/memory/memory.limit_in_bytes`]: '4096', [`${FS}/unified/cpu.max`]: '250000 100000' }, { cpus: 2.5, memory: 4096 }],
  ['files that say nothing', { [GROUP]: '0::/\nx\n', [`${FS}/cpu.max`]: '', [`${FS}/memory.max`]: 'much' }, {}],
]; // prettier-ignore
for (const [name, files, expected] of machines)
  test(`limits: ${name}`, () => assert.deepEqual(limits(root(name, files)), expected));

for (const [cores, cpus, expected] of [
  [8, undefined, 8],
  [8, 4, 4],
  [8, 2.9, 2],
  [8, 0.5, 1],
  [2, 16, 2],
] as const)
  test(`${cores} cores, ${cpus ?? 'no'} limit: ${expected} threads at once`, () =>
    assert.equal(usableCores(cores, cpus === undefined ? {} : { cpus }), expected));

const SUPPLY = 'sys/class/power_supply';
const supply = (name: string, values: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([file, value]) => [`${SUPPLY}/${name}/${file}`, value]));
const battery = (status: string): Record<string, string> => supply('BAT0', { type: 'Battery', status });
const mains = (online: string): Record<string, string> => supply('AC', { type: 'Mains', online });
const supplies: [string, Record<string, string>, Power | undefined][] = [
  ['not said', {}, undefined],
  ['a desktop', mains('1'), { battery: false, onBattery: false }],
  ['a laptop, plugged in', { ...mains('1'), ...battery('Charging') }, { battery: true, onBattery: false }],
  ['plugged in, full', { ...mains('1'), ...battery('Full') }, { battery: true, onBattery: false }],
  ['on its battery', { ...mains('0'), ...battery('Discharging') }, { battery: true, onBattery: true }],
  ['on its battery, nothing said of the plug', battery('Discharging'), { battery: true, onBattery: true }],
  ['a plug too weak to charge', { ...mains('1'), ...battery('Discharging') }, { battery: true, onBattery: false }],
  ['a mouse', { ...mains('1'), ...supply('hidpp0', { type: 'Battery', status: 'Discharging', scope: 'Device' }) }, { battery: false, onBattery: false }],
  ['USB-C', { ...battery('Discharging'), ...supply('ucsi0', { type: 'USB', online: '0' }) }, { battery: true, onBattery: true }],
]; // prettier-ignore
for (const [name, files, expected] of supplies)
  test(`power: ${name}`, () => assert.deepEqual(power(root(name, files)), expected));

for (const [text, expected] of [
  ["Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t100%; charged; 0:00 remaining present: true", false],
  [
    "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t77%; discharging; 5:13 remaining present: true",
    true,
  ],
  ["Now drawing from 'AC Power'", false],
  ['', false],
] as const)
  test(`macOS says: ${text.split('\n')[0] ?? ''}`, () => assert.equal(drawsFromBattery(text), expected));

test('the environment says it where it is set', () => {
  const before = process.env['GLASSBOX_ON_BATTERY'];
  for (const [given, expected] of [
    ['1', true],
    ['0', false],
  ] as const) {
    process.env['GLASSBOX_ON_BATTERY'] = given;
    assert.equal(runsOnBattery(), expected);
  }
  if (before === undefined) delete process.env['GLASSBOX_ON_BATTERY'];
  else process.env['GLASSBOX_ON_BATTERY'] = before;
});
