// What a measurement means for the settings, and how it is read: tables of cases, in English and in Chinese.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import type { Place } from '../../src/extension/config';
import {
  cacheThatFits,
  machineFacts,
  machineWords,
  type MachineFacts,
  type Remote,
} from '../../src/extension/models/machine';
import { measureReport, settingsFor, type Measured } from '../../src/extension/models/measureReport';
import type { Measurement } from '../../src/jobProtocol';
import { useStrings, type Strings } from '../../src/l10n';

after(() => useStrings({}));

const best = (device: string, threads: number, automatic = { device: false, threads: false }): Measurement['best'] => ({
  device,
  threads,
  why: 'fastest',
  automatic,
});
const both = { device: true, threads: true };
/** What is best, the settings before, and after. */
const settings: [string, Measurement['best'], Place, Place][] = [
  ['what is set stays', best('cpu', 4), { device: 'cpu', threads: 4 }, { device: 'cpu', threads: 4 }],
  ['also where auto comes to it', best('cpu', 4, both), { device: 'cpu', threads: 4 }, { device: 'cpu', threads: 4 }],
  ['auto and 0 stay where they come to it', best('cpu', 4, both), { device: 'auto', threads: 0 }, { device: 'auto', threads: 0 }],
  ['other threads give way to 0', best('cpu', 4, both), { device: 'auto', threads: 7 }, { device: 'auto', threads: 0 }],
  ['threads that 0 does not come to', best('cpu', 6, { device: true, threads: false }), { device: 'auto', threads: 0 }, { device: 'auto', threads: 6 }],
  ['a device that auto does not come to', best('cuda', 0), { device: 'auto', threads: 0 }, { device: 'cuda', threads: 0 }],
  ['a device that auto comes to', best('webgpu', 0, both), { device: 'cpu', threads: 2 }, { device: 'auto', threads: 2 }],
  ['from a device to the CPU', best('cpu', 4, both), { device: 'webgpu', threads: 4 }, { device: 'auto', threads: 4 }],
]; // prettier-ignore
for (const [name, found, before, expected] of settings)
  test(`settings: ${name}`, () => assert.deepEqual(settingsFor(found, before), expected));

const GB = 2 ** 30;
const plain: MachineFacts = {
  cpu: 'A Processor',
  logicalCores: 8,
  cores: 8,
  totalMemory: 16 * GB,
  memory: 16 * GB,
  adapters: [],
  onBattery: false,
};
const machines: [string, MachineFacts, Remote | undefined, RegExp, RegExp][] = [
  ['a plain one', plain, undefined, /A Processor: 8 logical cores, 16 GB/, /container|battery|remote/],
  ['a container', { ...plain, cores: 2, memory: 2.5 * GB }, undefined, /2 cores.*container.*2\.5 GB/, /battery/],
  ['on its battery', { ...plain, onBattery: true }, undefined, /on its battery/, /container/],
  ['not said', { ...plain, onBattery: undefined }, undefined, /16 GB/, /battery/],
  ['a remote window', plain, { name: 'ssh-remote', here: true }, /on this computer.*ssh-remote/, /that side/],
  ['a remote side', plain, { name: 'dev-container', here: false }, /that side was measured/, /this computer/],
];
for (const [name, facts, remote, there, notThere] of machines)
  test(`the machine in words: ${name}`, () => {
    const words = machineWords(facts, remote, 'en').join(' ');
    assert.match(words, there);
    assert.doesNotMatch(words, notThere);
  });

test('the facts of the machine that runs this are those of some machine', () => {
  const { cores, logicalCores, memory, totalMemory } = machineFacts();
  assert.ok(cores >= 1 && cores <= logicalCores && memory > 0 && memory <= totalMemory);
});

for (const [set, memory, expected] of [
  [512, 16 * GB, 512],
  [512, 2 * GB, 256],
  [0, GB, 0],
  [65_536, 32 * GB, 4096],
] as const)
  test(`caches of ${set} MB in ${memory / GB} GB`, () => assert.equal(cacheThatFits(set, { memory }), expected));

const figures = { loadMs: 90, memory: 150e6, peakMemory: 200e6, correlation: 1, sameTop: 1 };
const measured: Measured = {
  measurement: {
    model: 'small',
    weights: 'onnx/model.onnx',
    bytes: 7.4e6,
    promptTokens: 256,
    writtenTokens: 24,
    rounds: 5,
    cores: 8,
    rows: [
      { device: 'cpu', threads: 1, figures: { ...figures, prefill: 6400, decodeMs: 0.5 } },
      { device: 'cpu', threads: 4, figures: { ...figures, prefill: 12_800, decodeMs: 0.25 } },
      {
        device: 'webgpu',
        threads: 0,
        figures: { ...figures, prefill: 640, decodeMs: 25, correlation: NaN, sameTop: 0.5 },
      },
      { device: 'cuda', threads: 0, failure: 'Failed to load\nshared library.' },
    ],
    best: { device: 'cpu', threads: 4, why: 'fastest', automatic: both },
  },
  facts: plain,
  before: { device: 'cpu', threads: 1 },
  after: { device: 'cpu', threads: 0 },
  at: 0,
};

test('the report has the rows in straight columns, what failed with its reason, and what was chosen', () => {
  const text = measureReport(measured, 'en');
  const table = text.split('\n').filter((line) => line.startsWith('|'));
  assert.equal(new Set(table.map(({ length }) => length)).size, 1, text);
  assert.equal(table.length, 5);
  assert.match(text, /^\| cpu +\| +4 \| +12,800 \| +0\.25 \| +7\.0 \| +150 \| +1\.0000 \| +100 % \|$/m);
  assert.match(text, /^\| webgpu \| +– \| +640 \| +25\.0 \| +300\.0 \| +150 \| +– \| +50 % \|$/m);
  assert.match(text, /^- cuda: Failed to load shared library\.$/m);
  assert.match(
    text,
    /Best is the CPU with 4 threads: it is the fastest\. Now glassbox\.device is cpu and glassbox\.threads is 0\./,
  );
  const same = measureReport({ ...measured, before: measured.after }, 'en');
  assert.match(same, /The settings come to that already: glassbox\.device is cpu/);
});

test('the report is Chinese for who reads Chinese', () => {
  useStrings(JSON.parse(readFileSync('media/l10n/bundle.l10n.zh-cn.json', 'utf8')) as Strings);
  const text = measureReport(measured, 'zh-cn');
  useStrings({});
  assert.doesNotMatch(text.replace(/Failed.*|A Processor|small/g, ''), /\b(the|is|are|of|and)\b/);
});
