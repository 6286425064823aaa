// Which files of a repository make a model that the engine can run: configuration, tokenizer, one graph and its weights.

import { t } from '../l10n';
import { DownloadError } from './errors';
import type { RepoDescription, RepoFile } from './types';

const NEEDED = ['config.json', 'tokenizer.json'];
const WELCOME = [
  'generation_config.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'LICENSE',
  'LICENSE.txt',
  'LICENSE.md',
];
/** What people call weights → how exports call their files; the first is the best where nothing is said. */
const KINDS: Record<string, string[]> = {
  q8: ['model_quantized', 'model_q8', 'model_int8', 'model_uint8', 'decoder_model_merged_quantized'],
  q4: ['model_q4'],
  q4f16: ['model_q4f16'],
  fp16: ['model_fp16'],
  fp32: ['model', 'decoder_model_merged'],
  int8: ['model_int8'],
  uint8: ['model_uint8'],
  bnb4: ['model_bnb4'],
};
/** Weights in the order of preference, as the engine has them. */
const PREFERRED = ['q8', 'q4', 'q4f16', 'fp16', 'fp32'];

/**
 * Chooses the files to download.
 * @param weights a kind (q8, q4, q4f16, fp16, fp32, int8, uint8, bnb4) or the path of an ONNX file in the repository; by default small
 * and fast ones first
 * @returns their paths
 * @throws DownloadError `unsuitable`, which names what there is
 */
export function filesToFetch({ name, files }: RepoDescription, weights?: string): string[] {
  const paths = new Set(files.map((file) => file.path));
  const missing = NEEDED.find((path) => !paths.has(path));
  if (missing !== undefined)
    throw new DownloadError(
      'unsuitable',
      t(
        '{0} has no {1}, so Glassbox cannot run it. Choose a repository with an ONNX export for transformers.js.',
        name,
        missing,
      ),
    );
  const graph = weights?.endsWith('.onnx') === true ? weights : findGraph(paths, weights);
  if (graph === undefined || !paths.has(graph)) {
    const there = [...paths].filter((path) => path.endsWith('.onnx'));
    throw new DownloadError(
      'unsuitable',
      there.length === 0
        ? t(
            '{0} has no ONNX weights, so Glassbox cannot run it. Look for a repository with an ONNX export of the model.',
            name,
          )
        : t('{0} has no weights "{1}". There are {2}.', name, weights ?? 'model', there.join(', ')),
    );
  }
  const small = [...NEEDED, ...WELCOME].filter((path) => paths.has(path));
  return [...small, ...files.filter((file) => isDataOf(graph, file)).map(({ path }) => path), graph];
}

function findGraph(paths: ReadonlySet<string>, weights: string | undefined): string | undefined {
  const kinds = weights === undefined ? PREFERRED : Object.hasOwn(KINDS, weights) ? [weights] : [];
  for (const folder of ['onnx/', ''])
    for (const file of kinds.flatMap((kind) => KINDS[kind] ?? []))
      if (paths.has(`${folder}${file}.onnx`)) return `${folder}${file}.onnx`;
  return undefined;
}

/** Weights beside a graph: model.onnx_data, model.onnx_data_1, model.onnx.data. */
function isDataOf(graph: string, { path }: RepoFile): boolean {
  return path.startsWith(graph) && /^(_data(_\d+)?|\.data)$/.test(path.slice(graph.length));
}
