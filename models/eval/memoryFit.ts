// `npm run model:memory`: measures how far the workspace memory should be trusted beside the model and the text at hand, and writes the
// weights into generation_config.json (`glassbox_memory`) and what they gain into ../train/measured/memory.json.
//
// The next token is drawn from p = (1 − m) · p0 + m · followed, p0 the mixture of ../train/copying.py and `followed` what followed the last tokens in
// the other files of the project (src/engine/memory/voice.ts). m depends on how many tokens agree there, on whether such places all go on
// the same way, and on whether the text at hand agrees as long. Each m is found by expectation maximisation on pieces of projects that the
// evaluation does not use (../train/work/projects.jsonl, from projects.py); every second piece has text after it. The gain is said as it is
// on projects that the weights were not fitted on: each in turn is left out.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CopyText, type Kind } from '../../src/engine/copying';
import { LineTokens } from '../../src/engine/lineTokens';
import { GRAM, MemoryIndex } from '../../src/engine/memory/memoryIndex';
import { MemoryVoice, type MemoryWeights } from '../../src/engine/memory/voice';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { framePrompt } from '../../src/engine/prompt';
import { argmax, logSumExp } from '../../src/engine/sampler';
import { BREAK } from '../../src/engine/textIndex';
import { Tokenizer } from '../../src/engine/tokenizer';
import { readProjects, type Project } from './projectFiles';
import { windows, type TypedWindow } from './windows';

const root = join(__dirname, '../..'); // the bundle lies in .test-out/fit
const MODEL = join(root, 'models/glassbox-small');
const BASE = 4;
const LONGEST = 8;
/** Pieces of a project. */
const PIECES = 24;
const MAX_BYTES = 48 << 20;
/** A share is held back as if so many more tokens had been seen of which the memory knew nothing. */
const DOUBT = 8;
const STEPS = 60;

/** One token that came, where the memory had something to say. */
interface Row {
  /** Its probability without the memory, and its share of what followed elsewhere. */
  p0: number;
  followed: number;
  group: string;
}

/** Those of a project, and the negative logarithm of p0 where the memory had nothing to say. */
interface Rows {
  project: string;
  rows: Row[];
  silent: number[];
}

/** The text at hand agrees as long or not, how many tokens agree in the memory, and how they go on. */
const groupOf = (place: 'alone' | 'beside', kind: Kind, agreement: number): string => `${place} ${kind} ${agreement}`;

/** Reads pieces of a project, with the memory of its other files. */
async function rowsOf({ name, files }: Project, model: Model, tokenizer: Tokenizer): Promise<Rows> {
  const { config, copying } = model.folder;
  if (copying === undefined) throw new Error('The model has no glassbox_copying: run copying.py first.');
  const lines = new LineTokens(tokenizer);
  const index = new MemoryIndex(config.vocab, MAX_BYTES);
  for (const { path, text } of files) index.add(path, '', lines.encode(`\n${text}`));
  const found: Rows = { project: name, rows: [], silent: [] };
  for (const piece of windows(files, PIECES)) {
    const { prompt, before, ids } = idsOf(piece, tokenizer, config.contextLength);
    const suffix = piece.inside ? piece.file.text.slice(piece.end) : '';
    const text = new CopyText(copying, [...lines.encode(suffix), BREAK, ...lines.encode(before)], config.vocab);
    const voice = new MemoryVoice(index, undefined, [piece.file.path]);
    const logits = await logitsOf(model, prompt, ids);
    for (const [i, id] of ids.entries()) {
      const mixed = text.mix(logits[i] as Float32Array);
      const p0 = Math.exp((mixed[id] as number) - logSumExp(mixed, mixed[argmax(mixed)] as number));
      const heard = voice.listen(text.index.tail(LONGEST), { base: BASE, longest: LONGEST });
      if (heard === undefined) found.silent.push(p0);
      else {
        const place = text.matches().agreement >= heard.agreement ? 'beside' : 'alone';
        const group = groupOf(place, heard.kind, heard.agreement);
        found.rows.push({ p0, followed: heard.followed.get(id) ?? 0, group });
      }
      text.push(id);
    }
  }
  return found;
}

/** The prompt in front of a piece, as a completion has it, the text before it, and the ids of the piece itself. */
function idsOf(
  { file, start, end, inside }: TypedWindow,
  tokenizer: Tokenizer,
  contextLength: number,
): { prompt: number[]; before: string; ids: number[] } {
  const { text, path } = file;
  const { ids: prompt, typed } = framePrompt(
    tokenizer,
    {
      prefix: text.slice(0, start),
      suffix: inside ? text.slice(end) : '',
      path,
      maxTokens: Math.floor(contextLength / 3),
      sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
      raw: false,
    },
    contextLength,
  );
  const from = start - (typed?.characters ?? 0); // what was taken back is written anew
  const ids = tokenizer.encodeText(text.slice(from, end)).slice(0, contextLength - prompt.length);
  return { prompt, before: text.slice(0, from), ids };
}

/** [vocab] The model's logits before each of `ids`. */
async function logitsOf(model: Model, prompt: readonly number[], ids: readonly number[]): Promise<Float32Array[]> {
  const cache = model.newCache();
  const all = [...prompt, ...ids];
  const found: Float32Array[] = [];
  for (let at = 0, end; at < all.length - 1; at = end) {
    end = Math.min(all.length - 1, at + model.allChunk);
    const rows = await model.forward(all.slice(at, end), cache, 'all');
    const vocab = rows.length / (end - at);
    for (let i = Math.max(at, prompt.length - 1); i < end; i++)
      found.push(rows.slice((i - at) * vocab, (i - at + 1) * vocab));
  }
  cache.dispose();
  return found;
}

/** The share that makes the rows likeliest, held back by DOUBT. */
function shareOf(rows: readonly Row[]): number {
  let share = 0.2;
  for (let step = 0; step < STEPS; step++) {
    const owed = rows.map(({ p0, followed }) => (share * followed) / ((1 - share) * p0 + share * followed + 1e-12));
    share = owed.reduce((sum, part) => sum + part, 0) / rows.length;
  }
  return (share * rows.length) / (rows.length + DOUBT);
}

/** The share of every group. */
function sharesOf(rows: readonly Row[]): Map<string, number> {
  const groups = new Set(rows.map(({ group }) => group));
  return new Map([...groups].map((group) => [group, shareOf(rows.filter((row) => row.group === group))]));
}

function bits(rows: readonly Row[], shares: ReadonlyMap<string, number>): number {
  return rows.reduce((sum, { p0, followed, group }) => {
    const share = shares.get(group) ?? 0;
    return sum - Math.log2((1 - share) * p0 + share * followed + 1e-12);
  }, 0);
}

function weightsOf(shares: ReadonlyMap<string, number>): MemoryWeights {
  const table = (place: 'alone' | 'beside', kind: Kind): number[] =>
    Array.from({ length: LONGEST + 1 }, (_, agreement) =>
      agreement < GRAM ? 0 : Number((shares.get(groupOf(place, kind, agreement)) ?? 0).toFixed(4)),
    );
  const tables = (place: 'alone' | 'beside'): Record<Kind, number[]> => ({
    one: table(place, 'one'),
    same: table(place, 'same'),
    mixed: table(place, 'mixed'),
  });
  return { base: BASE, longest: LONGEST, alone: tables('alone'), beside: tables('beside') };
}

async function main(): Promise<void> {
  const folder = readModelFolder(MODEL);
  const tokenizer = new Tokenizer(folder);
  const model = await Model.load(folder, 'cpu');
  const found: Rows[] = [];
  for (const project of readProjects(join(root, 'models/train/work/projects.jsonl'))) {
    found.push(await rowsOf(project, model, tokenizer));
    process.stderr.write(`${project.name}: ${found.at(-1)?.rows.length} tokens\n`);
  }
  await model.dispose();

  const all = found.flatMap(({ rows }) => rows);
  const silent = found.flatMap((rows) => rows.silent).reduce((sum, p0) => sum - Math.log2(p0 + 1e-12), 0);
  const tokens = found.reduce((sum, project) => sum + project.rows.length + project.silent.length, 0);
  const leftOut = found.reduce((sum, { project, rows }) => {
    const others = found.filter((other) => other.project !== project).flatMap((other) => other.rows);
    return sum + bits(rows, sharesOf(others));
  }, silent);
  const weights = weightsOf(sharesOf(all));

  const path = join(MODEL, 'generation_config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, `${JSON.stringify({ ...config, glassbox_memory: weights }, null, 2)}\n`);
  const round = (sum: number): number => Number((sum / tokens).toFixed(3));
  const measured = {
    projects: found.map(({ project }) => project),
    tokens,
    'tokens that the memory knows something of': all.length,
    'bits a token': {
      'without the memory': round(silent + bits(all, new Map())),
      'with it, of a project that was left out': round(leftOut),
    },
    ...weights,
  };
  writeFileSync(join(root, 'models/train/measured/memory.json'), `${JSON.stringify(measured)}\n`);
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
});
