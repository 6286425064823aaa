// `npm run bench:speculation [-- flags]`: what guessing ahead saves on real code. Two engines, one with speculation off, complete the same
// held-out files at the same cursors in turn; then both complete them again one character later, as after a keystroke.

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CODE, readHeldOut } from '../../models/eval/files';
import { Engine } from '../../src/engine/engine';
import { seededRandom } from '../../src/engine/random';
import type { Completion, CompletionRequest } from '../../src/protocol';

const USAGE = `npm run bench:speculation [-- flags]

  --model DIR      model folder; the shipped one by default
  --weights FILE   an ONNX file inside it
  --cursors 40     places at which files are completed
  --tokens 48      tokens of a completion
  --temperature 0
  --prefix N       characters before the cursor that are shown at most
`;
const MODES = ['off', 'auto'] as const;
type Mode = (typeof MODES)[number];
type Step = 'continuation' | 'keystroke';

/** Sums over all completions of one kind. */
interface Sums {
  /** After the first token, whose time is mostly the prompt's; for a keystroke, of the whole request. */
  ms: number;
  tokens: number;
  drafted: number;
  accepted: number;
  /** Those of the prompt included. */
  runs: number;
}

async function main(): Promise<void> {
  const root = join(__dirname, '../..'); // the bundle lies in .test-out/speculation
  const string = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      model: { ...string, default: join(root, 'models/glassbox-small') },
      weights: string,
      cursors: { ...string, default: '40' },
      tokens: { ...string, default: '48' },
      temperature: { ...string, default: '0' },
      prefix: { ...string, default: '6000' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return void process.stdout.write(USAGE);
  const { model: modelDir, weights } = values;
  const load = (speculation: Mode): Promise<Engine> =>
    Engine.load({ modelDir, device: 'cpu', speculation, ...(weights === undefined ? {} : { weights }) });
  const engines = { off: await load('off'), auto: await load('auto') };
  const sums: Record<Step, Record<Mode, Sums>> = { continuation: pair(), keystroke: pair() };
  let different = 0;

  for (const [i, { prefix, suffix, path }] of cursors(root, Number(values.cursors)).entries()) {
    const request = (moved: number): CompletionRequest => ({
      prefix: prefix.slice(-Number(values.prefix)) + suffix.slice(0, moved),
      suffix: suffix.slice(moved, moved + 1500),
      path,
      maxTokens: Number(values.tokens),
      sampling: { temperature: Number(values.temperature), topK: 0, topP: 0.95, seed: i },
      raw: false,
      unbounded: true,
    });
    const order = i % 2 === 0 ? MODES : [...MODES].reverse();
    for (const step of ['continuation', 'keystroke'] as const) {
      const done: Partial<Record<Mode, Completion>> = {};
      for (const mode of order) {
        const completion = await engines[mode].complete(request(step === 'keystroke' ? 1 : 0), {
          signal: new AbortController().signal,
        });
        add(sums[step][mode], completion, step);
        done[mode] = completion;
      }
      if (String(done.off?.tokens) !== String(done.auto?.tokens)) different++;
    }
    if (i % 10 === 9) process.stderr.write(`${i + 1} cursors\n`);
  }
  print(sums, different, 2 * Number(values.cursors));
  for (const mode of MODES) await engines[mode].dispose();
}

function pair(): Record<Mode, Sums> {
  const none = { ms: 0, tokens: 0, drafted: 0, accepted: 0, runs: 0 };
  return { off: { ...none }, auto: { ...none } };
}

function add(sums: Sums, { stats, tokens }: Completion, step: Step): void {
  const whole = step === 'keystroke';
  sums.ms += whole ? stats.totalMs : stats.totalMs - stats.firstTokenMs;
  sums.tokens += whole ? tokens.length : Math.max(0, tokens.length - 1);
  sums.drafted += stats.draftedTokens;
  sums.accepted += stats.acceptedTokens;
  sums.runs += stats.runs;
}

/** Places in files of code, the same at each call: anywhere in a line but in its indentation, with some text before. */
function cursors(root: string, count: number): { prefix: string; suffix: string; path: string }[] {
  const files = readHeldOut(join(root, 'models/eval/heldout.jsonl')).filter(({ language }) => CODE.includes(language));
  const random = seededRandom(5);
  const found: { prefix: string; suffix: string; path: string }[] = [];
  while (found.length < count) {
    const { text, path } = files[Math.floor(random() * files.length)] as (typeof files)[number];
    const at = Math.floor(random() * text.length);
    if (at > 500 && at < text.length - 200 && /\S[^\n]*$/.test(text.slice(0, at)))
      found.push({ prefix: text.slice(0, at), suffix: text.slice(at), path });
  }
  return found;
}

function print(sums: Record<Step, Record<Mode, Sums>>, different: number, all: number): void {
  const rows = Object.entries(sums).flatMap(([step, modes]) =>
    MODES.map((mode) => {
      const { ms, tokens, drafted, accepted, runs } = modes[mode];
      return {
        step,
        mode,
        tokensPerSecond: Number(((tokens / ms) * 1000).toFixed(1)),
        ratio: Number((tokens / ms / (modes.off.tokens / modes.off.ms)).toFixed(3)),
        tokensPerRun: Number((tokens / runs).toFixed(3)),
        drafted,
        acceptance: drafted === 0 ? 0 : Number((accepted / drafted).toFixed(3)),
      };
    }),
  );
  console.table(rows);
  process.stdout.write(`${different} of ${all} completions differ in a token\n${JSON.stringify(rows)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`bench:speculation: ${(error as Error).message}\n`);
  process.exitCode = 2;
});
