// Which of a repository's files make up a model: the forms of weights that are offered, and for each the files to download. Pure.

/** A file of a repository; the size in bytes. */
export interface ListedFile {
  path: string;
  size: number;
}

/** One form in which a repository has its weights. */
export interface WeightsChoice {
  /** What tells it apart: the ONNX file that is loaded, or `safetensors`. */
  id: string;
  /** The data type as exports name it: fp32, fp16, q8, q4, q4f16, bnb4; of safetensors, what is built of it: 4-bit. */
  label: string;
  /** All files to download, the configuration and the tokenizer included. */
  files: string[];
  /** Bytes to download. */
  downloadBytes: number;
  /** Bytes that the weights take up once they are here and built. */
  weightsBytes: number;
  /** It is built into a graph here. */
  build: boolean;
}

/** Data types by what stands behind the name of the model in a file's name; best first, for a machine without a GPU. */
const LABELS: [suffix: string, label: string][] = [
  ['_quantized', 'q8'],
  ['_q8', 'q8'],
  ['_int8', 'int8'],
  ['_uint8', 'uint8'],
  ['_q4', 'q4'],
  ['_q4f16', 'q4f16'],
  ['_fp16', 'fp16'],
  ['', 'fp32'],
  ['_bnb4', 'bnb4'],
];
/** Names of exported decoders, and of the pairs that encoder–decoder models come in; best first. */
const DECODERS = ['model', 'decoder_model_merged'];
const ENCODER = 'encoder_model';
/** Where exports lie in a repository or folder; '' is the folder itself. */
const PLACES = ['onnx/', ''];
/** The ONNX files that a decoder alone may be in, best first: what is there of these is loaded. */
export const DECODER_FILES: readonly string[] = DECODERS.flatMap((decoder) =>
  LABELS.flatMap(([suffix]) => PLACES.map((place) => `${place}${decoder}${suffix}.onnx`)),
);
/** What a download leaves in a model's folder: where the model comes from, and each file's checksum. */
export const LOCK_FILE = 'glassbox.lock.json';
/** What is read besides the weights; of these, the first two must be there. */
const BESIDES = [
  'config.json',
  'tokenizer.json',
  'generation_config.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'LICENSE',
  'LICENSE.txt',
  'LICENSE.md',
];
export const NEEDED = BESIDES.slice(0, 2);
/** Bytes that a weight takes up in the graph that is built: four bits, a scale for each 32, the embedding in eight. */
const BUILT_BYTES_PER_WEIGHT = 0.72;

/**
 * The forms in which a repository has its weights, those best for most machines first.
 * @param files all its files
 * @param encoderDecoder true: a decoder alone is no model
 */
export function weightsChoices(files: readonly ListedFile[], encoderDecoder = false): WeightsChoice[] {
  const sizes = new Map(files.map(({ path, size }) => [path, size]));
  const bytes = (paths: readonly string[]): number => paths.reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0);
  const choices: WeightsChoice[] = [];
  for (const decoder of encoderDecoder ? ['decoder_model_merged'] : DECODERS)
    for (const [suffix, label] of LABELS)
      for (const folder of PLACES) {
        const path = `${folder}${decoder}${suffix}.onnx`;
        if (!sizes.has(path) || choices.some((other) => other.label === label)) continue;
        const encoder = `${folder}${ENCODER}${suffix}.onnx`;
        if (encoderDecoder && !sizes.has(encoder)) continue;
        const all = filesWith(files, encoderDecoder ? [encoder, path] : [path]);
        const weightsBytes = bytes(all.filter((file) => file.includes('.onnx')));
        choices.push({ id: path, label, files: all, downloadBytes: bytes(all), weightsBytes, build: false });
      }
  if (!encoderDecoder) choices.push(...builtChoice(files, bytes));
  return choices;
}

/** From the original weights, where they lie in one file or have an index. Two bytes a weight, as nearly all are published. */
function builtChoice(files: readonly ListedFile[], bytes: (paths: readonly string[]) => number): WeightsChoice[] {
  const paths = files.map(({ path }) => path);
  const shards = paths.filter((path) => /^model-\d+-of-\d+\.safetensors$/.test(path));
  const whole = paths.includes('model.safetensors') ? ['model.safetensors'] : shards;
  const index = 'model.safetensors.index.json';
  if (whole.length === 0 || (whole === shards && !paths.includes(index))) return [];
  const all = filesWith(files, [...whole, ...(whole === shards ? [index] : [])]);
  const weightsBytes = Math.round((bytes(whole) / 2) * BUILT_BYTES_PER_WEIGHT);
  return [{ id: 'safetensors', label: '4-bit', files: all, downloadBytes: bytes(all), weightsBytes, build: true }];
}

/**
 * A model's files, the ones to be loaded last: what is not whole has none of them.
 * @param weights the files to be loaded
 * @returns what is read besides, data files that carry the weights' names, and the weights
 */
export function filesWith(files: readonly ListedFile[], weights: readonly string[]): string[] {
  const paths = files.map(({ path }) => path);
  const data = paths.filter((path) => weights.some((file) => isDataOf(file, path)));
  return [...BESIDES.filter((path) => paths.includes(path)), ...data, ...weights];
}

/** Weights beside a graph: model.onnx_data, model.onnx_data_1, model.onnx.data. */
function isDataOf(graph: string, path: string): boolean {
  return path.startsWith(graph) && /^(_data(_\d+)?|\.data)$/.test(path.slice(graph.length));
}
