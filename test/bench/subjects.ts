// What the engines are measured on: a model in the form that each of them reads, and ids to give it.

import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { convert } from '../../models/gguf/convert';
import { readModelFolder } from '../../src/engine/modelFolder';
import { seededRandom } from '../../src/engine/random';
import { Tokenizer } from '../../src/engine/tokenizer';
import type { SubjectName } from './options';
import { writeRandomGguf } from './random/gguf';
import { writeOnnxFolder } from './random/onnx';
import { QWEN } from './random/shape';

export interface Subject {
  name: string;
  /** The model folder; ours and transformers.js's. */
  folder: string;
  /** transformers.js's name for the weights in it. */
  dtype: string;
  /** llama.cpp's file, where there is one. */
  gguf: string | undefined;
  /** At least as many ids as were asked for. */
  ids: number[];
}

/** Names of weights → transformers.js's names. */
const DTYPES: Record<string, string> = {
  model_quantized: 'q8',
  model_q4: 'q4',
  model_q4f16: 'q4f16',
  model_fp16: 'fp16',
  model: 'fp32',
};

/** A subject by its name; its files are made where they are missing. @param count ids that are needed */
export function subject(name: SubjectName, root: string, count: number): Subject {
  const models = join(root, '.peers', 'models');
  mkdirSync(models, { recursive: true });
  return name === 'small' ? small(root, models, count) : qwen(models, count);
}

/** Any model folder, without a file for llama.cpp. */
export function folderSubject(dir: string, count: number): Subject {
  const folder = readModelFolder(resolve(dir));
  return {
    name: folder.name,
    folder: folder.dir,
    dtype: DTYPES[basename(folder.weightsPath, '.onnx')] ?? 'fp32',
    gguf: undefined,
    ids: randomIds(count, folder.config.vocab),
  };
}

/** Random weights in the shape of Qwen2.5-0.5B, 4 bits in both files; speed does not depend on what the numbers are. */
function qwen(models: string, count: number): Subject {
  const folder = join(models, 'random-qwen2.5-0.5b');
  const gguf = `${folder}-q4_0.gguf`;
  const made = (path: string, make: (path: string) => void): void => {
    if (existsSync(path)) return;
    process.stderr.write(`making ${path}\n`);
    make(`${path}.new`);
    renameSync(`${path}.new`, path); // whole, or not there
  };
  made(folder, (path) => writeOnnxFolder(path, QWEN));
  made(gguf, (path) => writeRandomGguf(path, QWEN, readModelFolder(folder)));
  return { name: 'qwen', folder, dtype: 'q4', gguf, ids: randomIds(count, QWEN.vocab) };
}

function randomIds(count: number, vocab: number): number[] {
  const random = seededRandom(1);
  return Array.from({ length: count }, () => Math.floor(random() * vocab));
}

/** The model that comes with the product: 8 bits in ONNX, and as q8_0; its ids are held-out code, which does not change. */
function small(root: string, models: string, count: number): Subject {
  const folder = join(root, 'models', 'glassbox-small');
  const gguf = join(models, 'glassbox-small-q8_0.gguf');
  const source = join(folder, 'onnx', 'model.onnx');
  if (!existsSync(gguf) || statSync(gguf).mtimeMs < statSync(source).mtimeMs)
    writeFileSync(gguf, convert({ model: folder, type: 'q8_0' }));
  const heldout = readFileSync(join(root, 'models', 'eval', 'heldout.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const files = heldout.map((line) => JSON.parse(line) as { path: string; text: string });
  const text = files.filter(({ path }) => path.endsWith('.ts') && !path.endsWith('.d.ts')).map((file) => file.text);
  const ids = new Tokenizer(readModelFolder(folder)).encodeText(text.join('\n'));
  return { name: 'small', folder, dtype: 'q8', gguf, ids: ids.slice(0, count) };
}
