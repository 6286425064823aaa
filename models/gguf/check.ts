// Compares llama.cpp, reading the GGUF file, with the engine, reading the ONNX file: greedy tokens after the same ids, and the ids
// that each makes of the files of this repository.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { argmax } from '../../src/engine/sampler';
import { Tokenizer } from '../../src/engine/tokenizer';
import { BadInput } from './badInput';
import { convert, type ConvertOptions } from './convert';
import type { TensorType } from './file';
import { loadPeer, type PeerModel } from './peer';
import { PROMPTS, type Prompt } from './prompts';

const TOKENS = 32;
/** Two logits of the engine closer than this may change places by rounding alone. */
const TIE = 1e-3;
/** Files to encode: larger ones are data, and llama.cpp is slow on them. */
const MAX_BYTES = 32 * 1024;

/** One prompt: the engine's tokens, and its logits before each. */
interface Expected {
  ids: number[];
  tokens: number[];
  logits: Float32Array[];
}

/**
 * Prints one line for each type and prompt that differs, a table, and one JSON line.
 * @param source the model folder, and how llama.cpp splits text
 * @param root the repository: its files are encoded, node-llama-cpp and the GGUF files go into ignored folders of it
 * @returns true where every f32 difference is a tie
 * @throws BadInput where the repository is no git checkout
 */
export async function check(source: Omit<ConvertOptions, 'type'>, root: string): Promise<boolean> {
  const files = filesOf(root);
  const peer = await loadPeer(join(root, '.peers'));
  const folder = readModelFolder(source.model, 'onnx/model.onnx');
  const tokenizer = new Tokenizer(folder);
  const expected = await greedy(folder, tokenizer);
  const llama = await peer.getLlama({ build: 'never', gpu: false, logLevel: peer.LlamaLogLevel.error });
  const out = join(root, 'models', 'gguf', 'out');
  mkdirSync(out, { recursive: true });
  const report: Record<string, unknown> = {};
  let good = true;
  for (const type of ['f32', 'f16', 'q8_0'] as TensorType[]) {
    const path = join(out, `${folder.name}-${type}.gguf`);
    writeFileSync(path, convert({ ...source, type }));
    const model = await llama.loadModel({ modelPath: path });
    const found = await continuations(
      model,
      expected.map(({ ids }) => ids),
    );
    const gaps: number[] = [];
    for (const [i, { tokens, logits }] of expected.entries()) {
      const at = tokens.findIndex((token, n) => token !== found[i]?.[n]);
      if (at < 0) continue;
      const row = logits[at] as Float32Array;
      const gap = (row[tokens[at] as number] as number) - (row[found[i]?.[at] as number] as number);
      gaps.push(gap);
      print(
        `${type}: ${PROMPTS[i]?.path ?? ''} differs from token ${at + 1} of ${TOKENS} on; there the engine's logits are ${gap.toFixed(4)} apart`,
      );
    }
    good &&= type !== 'f32' || gaps.every((gap) => gap < TIE);
    report[type] = { equal: expected.length - gaps.length, of: expected.length, gaps };
    print(
      `${type}: ${expected.length - gaps.length} of ${expected.length} prompts give the same ${TOKENS} tokens  (${statSync(path).size} bytes)`,
    );
    if (type === 'f32') report['ids'] = compareIds(tokenizer, model, folder.tokenizerJson, files);
    await model.dispose();
  }
  await llama.dispose();
  print(JSON.stringify(report));
  return good;
}

/** The engine's greedy tokens after each prompt. */
async function greedy(folder: ReturnType<typeof readModelFolder>, tokenizer: Tokenizer): Promise<Expected[]> {
  const model = await Model.load(folder, 'cpu');
  const all: Expected[] = [];
  for (const prompt of PROMPTS) {
    const ids = frame(tokenizer, prompt);
    const [tokens, logits, cache]: [number[], Float32Array[], ReturnType<Model['newCache']>] = [
      [],
      [],
      model.newCache(),
    ];
    while (tokens.length < TOKENS) {
      const row = Float32Array.from(await model.forward(tokens.length === 0 ? ids : tokens.slice(-1), cache));
      logits.push(row);
      tokens.push(argmax(row));
    }
    all.push({ ids, tokens, logits });
  }
  await model.dispose();
  return all;
}

/** `begin [separator path]` and the model's frame, or without the marks where nothing follows or the model has none. */
function frame(tokenizer: Tokenizer, { path, prefix, suffix }: Prompt): number[] {
  const { bosId, fim } = tokenizer;
  const [before, after] = [prefix, suffix].map((text) => tokenizer.encodeText(text)) as [number[], number[]];
  return [
    ...(bosId === undefined ? [] : [bosId]),
    ...(fim?.fileSeparator === undefined ? [] : [fim.fileSeparator, ...tokenizer.encodeText(`${path}\n`)]),
    ...(fim === undefined || suffix === ''
      ? before
      : fim.frame.flatMap((part) => (part === 'prefix' ? before : part === 'suffix' ? after : [part]))),
  ];
}

/** llama.cpp's greedy tokens after each prompt. */
async function continuations(model: PeerModel, prompts: readonly number[][]): Promise<number[][]> {
  const context = await model.createContext({ contextSize: 1024, threads: 1 });
  const sequence = context.getSequence();
  const all: number[][] = [];
  for (const ids of prompts) {
    await sequence.clearHistory();
    const tokens: number[] = [];
    for await (const token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
      tokens.push(token);
      if (tokens.length === TOKENS) break;
    }
    all.push(tokens);
  }
  await context.dispose();
  return all;
}

/** The text files that git knows in the repository. */
function filesOf(root: string): string[] {
  let names = '';
  try {
    names = execFileSync('git', ['ls-files', '*.ts', '*.mjs', '*.py', '*.json', '*.md'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    // No git, or no checkout: no names either way.
  }
  if (names === '') throw new BadInput(`--check compares the files that git lists, and it lists none in ${root}.`);
  return names
    .trim()
    .split('\n')
    .map((name) => join(root, name));
}

/** How many of the engine's tokens llama.cpp makes too, at the same place in the text, over the files of this repository. */
function compareIds(
  tokenizer: Tokenizer,
  model: PeerModel,
  json: Record<string, unknown>,
  files: readonly string[],
): Record<string, number> {
  const { vocab } = json['model'] as { vocab: Record<string, number> };
  const bytes = new Map(Object.entries(vocab).map(([token, id]) => [id, token.length])); // one letter a byte
  const places = (ids: readonly number[]): string[] => {
    let at = 0;
    return ids.map((id) => `${(at += bytes.get(id) ?? 0)}:${id}`);
  };
  const result = { files: 0, equalFiles: 0, tokens: 0, equalTokens: 0 };
  for (const path of files) {
    const text = statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : '';
    if (text === '' || text.length > MAX_BYTES) continue;
    const ours = places(tokenizer.encodeText(text));
    const theirs = new Set(places(model.tokenize(text, false)));
    const equal = ours.filter((place) => theirs.has(place)).length;
    result.files++;
    result.tokens += ours.length;
    result.equalTokens += equal;
    if (equal === ours.length) result.equalFiles++;
  }
  const share = ((100 * result.equalTokens) / result.tokens).toFixed(1);
  print(
    `ids: ${share} % of ${result.tokens} tokens in ${result.files} files of this repository are the same in llama.cpp`,
  );
  return result;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
