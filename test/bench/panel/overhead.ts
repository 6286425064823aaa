// What it costs the writer that somebody watches: the same greedy completions with the panel closed, watched, and watched by a reader who
// asks, in turn, in one process.

import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { Engine } from '../../../src/engine/engine';
import { readModelFolder } from '../../../src/engine/modelFolder';
import { Tokenizer } from '../../../src/engine/tokenizer';
import { median } from '../stats';
import { figure, table } from '../table';
import { load as loadOfMachine } from './load';
import { passages, type Passage } from './passages';
import { Reader } from './reader';

const HELP = `npm run bench:panel -- overhead [flags]
  --model DIR        model folder; the shipped one by default
  --contexts 200,900 tokens of the prompt
  --pairs 12         texts; each is written once in every way
  --tokens 64        tokens that are written
  --speculation off  or auto: guessing ahead
`;
/** Nobody looks; the engine is told to watch; a reader with the sections that are open at first asks for what they lack. */
const WAYS = ['closed', 'watched', 'read'] as const;
type Way = (typeof WAYS)[number];

/** Runs the benchmark and prints its table. */
export async function main(args: string[], root: string): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: 'string', default: join(root, 'models/glassbox-small') },
      contexts: { type: 'string', default: '200,900' },
      pairs: { type: 'string', default: '12' },
      tokens: { type: 'string', default: '64' },
      speculation: { type: 'string', default: 'off' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return void process.stdout.write(HELP);
  const tokenizer = new Tokenizer(readModelFolder(values.model));
  // Each way has an engine of its own, as it is where the panel stays open or closed.
  const speculation = values.speculation === 'auto' ? 'auto' : 'off';
  const load = (): Promise<Engine> => Engine.load({ modelDir: values.model, device: 'cpu', speculation });
  const engines: Record<Way, Engine> = { closed: await load(), watched: await load(), read: await load() };
  const reader = new Reader(engines.read.inspector);
  engines.watched.inspector.watch(() => undefined);
  engines.read.inspector.watch((grew) => reader.grew(grew));
  const { encodeText, decode } = { encodeText: (s: string) => tokenizer.encodeText(s), decode: (ids: number[]) => tokenizer.decode(ids) }; // prettier-ignore
  const rows: string[][] = [['context', ...WAYS.map((way) => `${way}, tokens/s`), 'watched ÷ closed', 'read ÷ closed', 'watched, worst quarter', 'read, worst quarter']]; // prettier-ignore
  const before = loadOfMachine();
  for (const context of values.contexts.split(',').map(Number)) {
    const all = passages(root, context, Number(values.pairs) + 1, encodeText, decode);
    const speeds: Record<Way, number[]> = { closed: [], watched: [], read: [] };
    for (const [i, passage] of all.entries()) {
      for (const [j] of WAYS.entries()) {
        const way = WAYS[(i + j) % WAYS.length] as Way;
        const speed = await written(engines[way], way, passage, Number(values.tokens));
        await reader.done();
        if (i > 0) speeds[way].push(speed); // the first is for the code to be compiled
      }
    }
    const ratios = (way: Way): number[] => speeds[way].map((speed, i) => speed / (speeds.closed[i] as number));
    const worst = (way: Way): number => ratios(way).sort((a, b) => a - b)[Math.floor(ratios(way).length / 4)] ?? NaN;
    rows.push([
      `${context}`,
      ...WAYS.map((way) => figure(median(speeds[way]))),
      ...(['watched', 'read'] as const).map((way) => figure(median(ratios(way)))),
      ...(['watched', 'read'] as const).map((way) => figure(worst(way))),
    ]);
  }
  for (const way of WAYS) await engines[way].dispose();
  const note = `${values.pairs} texts, ${values.tokens} tokens each, greedy, speculation ${values.speculation}; ratios: medians of pairs`;
  process.stdout.write(`${note}; load ${before} before, ${loadOfMachine()} after\n\n${table(rows)}\n\n`);
}

let requests = 0;

/** @returns tokens per second after the first; the prompt is read, and its weights are there, as after the keystroke before */
async function written(engine: Engine, way: Way, { text, path }: Passage, maxTokens: number): Promise<number> {
  const complete = (most: number) =>
    engine.complete(
      {
        prefix: text,
        suffix: '',
        path,
        maxTokens: most,
        sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
        raw: true,
      },
      { signal: new AbortController().signal, id: ++requests },
    );
  await complete(1);
  if (way !== 'closed') await engine.inspector.inspect('last', { ask: 'row', query: 0 }); // what was not seen is run now
  const { stats, tokens } = await complete(maxTokens);
  return ((tokens.length - 1) / (stats.totalMs - stats.firstTokenMs)) * 1000;
}
