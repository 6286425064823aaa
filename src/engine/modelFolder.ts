// Reads a model folder in the Hugging Face layout and says which weights to load. It knows files and JSON, not ONNX.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { DECODER_FILES, LOCK_FILE } from '../catalog/weights';
import { t } from '../l10n';
import { readCalibration, type CalibrationWeights } from './calibration';
import { readCopyingWeights, type CopyingWeights } from './copying';
import { readMemoryWeights, type MemoryWeights } from './memory/voice';
import { hasSafetensors } from './build/safetensors';
import { EngineError } from './errors';
import { readConfig, type ModelConfig } from './modelConfig';
import { findDecoder, isEncoderDecoder, readSeq2Seq, type Seq2SeqFiles } from './seq2seq/folder';

export interface ModelFolder {
  dir: string;
  name: string;
  config: ModelConfig;
  /** Absolute path of the ONNX file. */
  weightsPath: string;
  /** The same, relative to the folder, for people. */
  weights: string;
  /** What only an encoder–decoder model has; undefined: it is a decoder. */
  seq2seq: Seq2SeqFiles | undefined;
  /** How far its text so far is trusted beside the model; see copying.ts. */
  copying: CopyingWeights | undefined;
  /** How far the workspace memory is trusted; see memory/voice.ts. */
  memory: MemoryWeights | undefined;
  /** How often it is right where it gives a text a probability; see calibration.ts. */
  calibration: CalibrationWeights | undefined;
  tokenizerJson: Record<string, unknown>;
  tokenizerConfig: Record<string, unknown>;
}

/**
 * Reads a model folder.
 * @param dir the folder
 * @param weights an ONNX file inside it, relative; by default the best of those that are there
 * @throws EngineError `model_missing` or `model_damaged`, naming the file
 */
export function readModelFolder(dir: string, weights?: string): ModelFolder {
  const folder = resolve(dir);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new EngineError(
      'model_missing',
      t(
        'There is no model folder {0}. Give the path of a folder with config.json, tokenizer.json and onnx/model.onnx.',
        folder,
      ),
    );
  }
  const config = readJson(folder, 'config.json');
  const encoderDecoder = isEncoderDecoder(config);
  const weightsPath =
    weights !== undefined ? resolve(folder, weights) : encoderDecoder ? findDecoder(folder) : findWeights(folder);
  if (!existsSync(weightsPath)) {
    throw new EngineError(
      'model_missing',
      t('The weights {0} are missing. Restore the file or choose another model folder.', weightsPath),
    );
  }
  const generation = existsSync(join(folder, 'generation_config.json'))
    ? readJson(folder, 'generation_config.json')
    : {};
  const settings = readConfig(config, generation, join(folder, 'config.json'));
  return {
    dir: folder,
    name: nameOf(folder),
    config: settings,
    weightsPath,
    weights: relative(folder, weightsPath).replaceAll('\\', '/'),
    seq2seq: encoderDecoder ? readSeq2Seq(folder, weightsPath, settings.vocab, config, generation) : undefined,
    copying: readCopyingWeights(generation, join(folder, 'generation_config.json')),
    memory: readMemoryWeights(generation, join(folder, 'generation_config.json')),
    calibration: readCalibration(generation, join(folder, 'generation_config.json')),
    tokenizerJson: readJson(folder, 'tokenizer.json'),
    tokenizerConfig: existsSync(join(folder, 'tokenizer_config.json')) ? readJson(folder, 'tokenizer_config.json') : {},
  };
}

/** A downloaded model is called as the hub calls it: its folder is called after a commit. */
function nameOf(folder: string): string {
  try {
    const { name } = readJson(folder, LOCK_FILE);
    if (typeof name === 'string' && name !== '') return name.slice(name.lastIndexOf('/') + 1);
  } catch {
    // It was not downloaded by us.
  }
  return basename(folder);
}

/** Whether a folder holds an encoder–decoder model, as far as its `config.json` can be read. */
export function isEncoderDecoderFolder(dir: string): boolean {
  try {
    return isEncoderDecoder(readJson(resolve(dir), 'config.json'));
  } catch {
    return false; // whoever loads it says what is wrong
  }
}

function findWeights(folder: string): string {
  for (const file of DECODER_FILES) {
    const path = join(folder, file);
    if (existsSync(path)) return path;
  }
  const onnx = statSync(join(folder, 'onnx'), { throwIfNoEntry: false })?.isDirectory()
    ? readdirSync(join(folder, 'onnx')).filter((f) => f.endsWith('.onnx'))
    : [];
  if (onnx.length === 1) return join(folder, 'onnx', onnx[0] as string);
  if (hasSafetensors(folder))
    throw new EngineError(
      'model_not_built',
      t(
        'The model folder {0} has safetensors but no ONNX files. Have it built: choose it with the command "Glassbox: Choose Model", or run "glassbox build --from {0} --into FOLDER".',
        folder,
      ),
    );
  throw new EngineError(
    'model_missing',
    t(
      'The model folder {0} has no onnx/model.onnx (nor model_quantized, model_q4, model_fp16). Export the model to ONNX, or choose another folder.',
      folder,
    ),
  );
}

function readJson(folder: string, file: string): Record<string, unknown> {
  const path = join(folder, file);
  if (!existsSync(path))
    throw new EngineError(
      'model_missing',
      t('The model folder lacks {0}. Restore the file or choose another model folder.', path),
    );
  let written: string;
  try {
    written = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw new EngineError(
      'model_damaged',
      t('{0} cannot be read ({1}). Restore the file.', path, (error as Error).message),
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch (error) {
    throw new EngineError(
      'model_damaged',
      t('{0} is not valid JSON ({1}). Restore the file.', path, (error as Error).message),
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new EngineError('model_damaged', t('{0} does not hold a JSON object. Restore the file.', path));
  }
  return value as Record<string, unknown>;
}
