// Which files of a repository are downloaded where nobody is there to choose: the command line's way to the choices of catalog/weights.ts.

import { isBuildable } from '../catalog/buildable';
import { familyOf } from '../catalog/families';
import { filesWith, NEEDED, weightsChoices } from '../catalog/weights';
import { t } from '../l10n';
import { DownloadError } from './errors';
import type { RepoDescription } from './types';

/**
 * Chooses the files to download.
 * @param weights a data type (q8, q4, q4f16, fp16, fp32, int8, uint8, bnb4), `safetensors` for the original weights, or the path of an
 * ONNX file in the repository; by default the small and fast export, else the original weights
 * @returns their paths, the ONNX file last
 * @throws DownloadError `unsuitable`, which names what is in the way, or what there is
 */
export function filesToFetch({ name, files, config }: RepoDescription, weights?: string): string[] {
  const unsuitable = (message: string): DownloadError => new DownloadError('unsuitable', message);
  const family = familyOf(config);
  if ('unsupported' in family) throw unsuitable(t('{0} cannot be run: {1}', name, family.unsupported));
  const paths = new Set(files.map(({ path }) => path));
  const missing = NEEDED.find((path) => !paths.has(path));
  if (missing !== undefined)
    throw unsuitable(
      t(
        '{0} has no {1}, without which no text can be read. Look for an export of it with ONNX in its name.',
        name,
        missing,
      ),
    );
  const pair = family.kind === 'encoder-decoder';
  const choices = weightsChoices(files, pair).filter(({ build }) => !build || isBuildable(config));
  const chosen =
    weights === undefined ? choices[0] : choices.find(({ id, label, build }) => id === weights || (!build && label === weights)); // prettier-ignore
  if (chosen !== undefined) return chosen.files;
  // A file of an encoder–decoder model is no model without the others.
  if (!pair && weights?.endsWith('.onnx') === true && paths.has(weights)) return filesWith(files, [weights]);
  const there = pair ? choices.map(({ id }) => id) : [...paths].filter((path) => path.endsWith('.onnx'));
  throw unsuitable(
    there.length === 0
      ? t('{0} has no ONNX weights that are known. Look for an export of it with ONNX in its name.', name)
      : t('{0} has no weights "{1}". There are {2}.', name, weights ?? 'model', there.join(', ')),
  );
}
