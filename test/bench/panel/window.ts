// Frames, messages and waiting times of the panel in a real window of VS Code: what is measured, and the tables of what came of it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CODE, readHeldOut } from '../../../models/eval/files';
import { figure, table } from '../table';
import type { Found, Job } from './inside';
import { load } from './load';
import { casesIn } from './models';
import { quantile } from './quantile';

const HELP = `npm run bench:panel -- window [flags]
  --frames 90      frames recorded of each action
  --waits 20       clicks of which the picture is waited for
  --tokens 256,... lengths of text that are measured (default all: 256, 1000, 1024, 2048)
  --version V      newest, floor, or a version of code-server (default newest)
`;
const ACTIONS = ['nothing', 'tokens, arrow key', 'heads, H', 'mass, slider', 'zoom, + and −'];
const WRITTEN = 40;
/** Milliseconds of a frame at 60 a second. */
const FRAME = 16.7;

/** Runs the benchmark and prints its tables. @param record does the job in a window of this version */
export async function main(
  args: string[],
  root: string,
  record: (job: Job, version: string) => Promise<Found[]>,
): Promise<void> {
  const string = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      frames: { ...string, default: '90' },
      waits: { ...string, default: '20' },
      tokens: { ...string, default: '256,1000,1024,2048' },
      version: { ...string, default: 'newest' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return void process.stdout.write(HELP);
  const dir = mkdtempSync(join(tmpdir(), 'glassbox-panel-'));
  try {
    const lengths = values.tokens.split(',').map(Number);
    const code = readHeldOut(join(root, 'models/eval/heldout.jsonl')).filter((file) => CODE.includes(file.language));
    const cases = casesIn(dir)
      .filter(({ tokens }) => lengths.includes(tokens))
      .map((each) => {
        const length = Math.round(each.characters * (each.tokens - WRITTEN));
        const texts = code.filter(({ text }) => text.length > length + 200).map(({ text }) => text.slice(0, length));
        return { ...each, texts: texts.slice(0, 2) };
      });
    const job: Job = {
      settings: { 'glassbox.enabled': false },
      cases,
      actions: ACTIONS,
      frames: Number(values.frames),
      waits: Number(values.waits),
      written: WRITTEN,
    };
    const before = load();
    const found = await record(job, values.version);
    process.stdout.write(`load ${before} before, ${load()} after; no graphics card\n\n${report(found)}\n`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The tables, one below the other. */
export function report(found: readonly Found[]): string {
  const frames = [['heads, tokens; action', 'frame, median', '95 %', 'max', 'work, median', '95 %', 'max', 'script, median', '95 %', `frames late`, `work > ${FRAME}`]]; // prettier-ignore
  const waits = [
    ['heads, tokens; picture', 'times', 'answer, median', '95 %', 'painted, median', '95 %', 'alone, median'],
  ];
  const messages = [['heads, tokens; message', 'number', 'KiB, mean', 'KiB, most']];
  for (const { layers, heads, tokens, ...one } of found) {
    const name = `${layers} × ${heads}, ${figure(tokens)}`;
    for (const [action, { frame, work, script }] of Object.entries(one.frames))
      frames.push([
        `${name}; ${action}`,
        ...[0.5, 0.95, 1].map((p) => figure(quantile(frame, p))),
        ...[0.5, 0.95, 1].map((p) => figure(quantile(work, p))),
        ...[0.5, 0.95].map((p) => figure(quantile(script, p))),
        share(frame, 1.5 * FRAME), // one was left out
        share(work, FRAME),
      ]);
    for (const [picture, all] of Object.entries(one.waits)) {
      const times = all.flatMap((each) => each ?? []);
      const of = (part: 'answered' | 'drawn' | 'alone', p: number) => figure(quantile(times.map((each) => each[part]), p)); // prettier-ignore
      waits.push([`${name}; ${picture}`, `${times.length}`, of('answered', 0.5), of('answered', 0.95), of('drawn', 0.5), of('drawn', 0.95), of('alone', 0.5)]); // prettier-ignore
    }
    for (const [kind, { count, bytes, most }] of Object.entries(one.messages))
      messages.push([`${name}; ${kind}`, `${count}`, figure(bytes / count / 1024), figure(most / 1024)]);
  }
  return [frames, waits, messages].map((rows) => `${table(rows)}\n`).join('\n');
}

const share = (values: readonly number[], limit: number): string =>
  `${figure((100 * values.filter((value) => value > limit).length) / values.length)} %`;
