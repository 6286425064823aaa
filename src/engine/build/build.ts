// Makes a model folder that the engine runs at its fastest out of one that holds safetensors.

import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, writeFileSync } from 'node:fs';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { t } from '../../l10n';
import { EngineError } from '../errors';
import { writeGraph } from './graph';
import { checkWeights, EMBEDDING, weightsOf } from './matrices';
import { OnnxGraph } from './onnxFile';
import { cannotWrite, PartialFolder } from './partial';
import { rowBytes, type Bits } from './quantise';
import { damaged, Safetensors } from './safetensors';
import { readShape, type Shape } from './shape';

/** What a model needs beside its weights, and what belongs to it, where it is there. */
const NEEDED = ['tokenizer.json'];
const ALONG = [
  'generation_config.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'vocab.json',
  'merges.txt',
];
const PAPERS = /^(licen[cs]e|notice|readme)(\.\w+)?$/i;
/** Places of large arrays begin at pages, and the graph itself has a few hundred kilobytes. */
const SLACK = 32 << 20;

export interface BuildOptions {
  /** Folder with config.json, tokenizer.json and safetensors. */
  from: string;
  /** Folder to be made; it is not there yet, or empty. */
  into: string;
  /** Of the matrices in the layers; embedding and output always have 8. */
  bits: Bits;
  /** Told how much of the weights has been written, in [0, 1]. */
  onProgress?: (fraction: number) => void;
  /** Ends the build; what has been made of it is removed. */
  signal?: AbortSignal;
  /** Told of the finished folder before it gets to its place; what it throws keeps it from there. */
  check?: (built: Built) => Promise<void>;
  /** Of MatMulNBits: 4, the default, rounds activations to 8 bits; 0 does not. For comparing. */
  accuracy?: number;
  /** Bytes that are free where a folder lies; by default what the file system says. */
  freeBytes?: (dir: string) => Promise<number>;
}

/** What a check gets to see. */
export interface Built {
  dir: string;
  shape: Shape;
  weights: Safetensors;
}

/**
 * Builds a model folder in the Hugging Face layout that transformers.js reads.
 * @returns bytes of its weights
 * @throws EngineError naming the file at fault and the remedy; `cancelled` where `signal` ended it
 */
export async function buildModel(options: BuildOptions): Promise<number> {
  const { from, into, bits, onProgress, signal, check, accuracy = 4, freeBytes = free } = options;
  const source = resolve(from);
  const config = readSource(source);
  const shape = readShape(config, join(source, 'config.json'));
  const weights = await Safetensors.open(source);
  let partial: PartialFolder | undefined;
  try {
    checkWeights(weights, shape, source);
    partial = new PartialFolder(into);
    await checkSpace(partial.dir, sizeOf(shape, bits), freeBytes);
    const all = numbersOf(shape);
    let done = 0;
    const onPiece = (numbers: number): void => {
      if (signal?.aborted === true) throw cancelled();
      onProgress?.(Math.min(1, (done += numbers) / all));
    };
    onPiece(0);
    const bytes = await writeModel(partial.dir, `model_q${bits}`, shape, weights, { bits, accuracy, onPiece });
    copyAlong(source, partial.dir, config, shape, `model_q${bits}.onnx`);
    await check?.({ dir: partial.dir, shape, weights });
    if (signal?.aborted === true) throw cancelled();
    partial.finish();
    return bytes;
  } finally {
    await weights.close();
    partial?.drop();
  }
}

/** Whoever waited for a build does so no more. */
export function cancelled(): EngineError {
  return new EngineError('cancelled', t('The building of the model was cancelled.'));
}

/** config.json of a folder. */
function readSource(dir: string): Record<string, unknown> {
  if (!existsSync(dir) || !statSync(dir).isDirectory())
    throw new EngineError(
      'model_missing',
      t('There is no folder {0}. Choose a folder with config.json, tokenizer.json and safetensors.', dir),
    );
  for (const name of ['config.json', ...NEEDED])
    if (statSync(join(dir, name), { throwIfNoEntry: false })?.isFile() !== true)
      throw new EngineError(
        'model_missing',
        t('The model folder lacks {0}. Restore the file or choose another model folder.', join(dir, name)),
      );
  const path = join(dir, 'config.json');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    throw damaged(path, (error as Error).message);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(path, 'it is no JSON object');
  return value as Record<string, unknown>;
}

/** Writes onnx/NAME.onnx and its data. */
async function writeModel(
  dir: string,
  name: string,
  shape: Shape,
  weights: Safetensors,
  options: Parameters<typeof writeGraph>[3],
): Promise<number> {
  const data = `${name}.onnx_data`;
  const place = join(dir, 'onnx', data);
  try {
    const file = openSync(place, 'w');
    try {
      const graph = new OnnxGraph({ file, name: data });
      const model = await writeGraph(graph, shape, weights, options);
      writeFileSync(join(dir, 'onnx', `${name}.onnx`), model, { flush: true });
      fsyncSync(file);
      return graph.size + model.length;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    // A full disk, most of all: what is known to be wrong says so itself.
    throw typeof (error as NodeJS.ErrnoException).code === 'string' && !(error instanceof EngineError)
      ? cannotWrite(place, error)
      : error;
  }
}

/** Copies the tokenizer and the papers; config.json says where the data lies, and how long texts may be. */
function copyAlong(from: string, into: string, config: Record<string, unknown>, shape: Shape, file: string): void {
  const names = readdirSync(from).filter((name) => [...NEEDED, ...ALONG].includes(name) || PAPERS.test(name));
  for (const name of names.filter((each) => statSync(join(from, each), { throwIfNoEntry: false })?.isFile())) {
    try {
      copyFileSync(join(from, name), join(into, name));
    } catch (error) {
      throw cannotWrite(join(into, name), error);
    }
  }
  const changed = {
    ...config,
    max_position_embeddings: shape.context,
    // As the shape is read: where config.json leaves something out, others might guess otherwise.
    head_dim: shape.headDim,
    num_key_value_heads: shape.kvHeads,
    'transformers.js_config': { use_external_data_format: { [file]: true } },
  };
  writeFileSync(join(into, 'config.json'), `${JSON.stringify(changed, null, 2)}\n`, { flush: true });
}

/** Numbers in all weights. */
function numbersOf(shape: Shape): number {
  let sum = 0;
  for (const dims of weightsOf(shape).values()) sum += dims.reduce((product, dim) => product * dim, 1);
  return sum;
}

/** Bytes that the weights will have, but for a few. */
export function sizeOf(shape: Shape, bits: Bits): number {
  let sum = shape.context * shape.headDim * 4 + SLACK;
  for (const [name, [rows = 0, columns]] of weightsOf(shape)) {
    const outer = name === EMBEDDING || name === 'lm_head.weight';
    const row = columns === undefined ? { codes: 4, scales: 0, zeros: 0 } : rowBytes(columns, outer ? 8 : bits);
    sum += rows * (row.codes + row.scales + row.zeros);
  }
  return sum;
}

async function checkSpace(dir: string, needed: number, freeBytes: (dir: string) => Promise<number>): Promise<void> {
  const there = await freeBytes(dir);
  if (there >= needed) return;
  const inMb = (bytes: number): number => Math.ceil(bytes / 1e6);
  throw new EngineError(
    'disk_full',
    t(
      'The model needs {0} MB in {1}, where {2} MB are free. Make room, or choose another place.',
      inMb(needed),
      dirname(dir),
      inMb(there),
    ),
  );
}

async function free(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
