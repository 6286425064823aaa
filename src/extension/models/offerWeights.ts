// A repository of the hub, looked at before anything is downloaded: whether it can be run, and in which form to take it.

import * as vscode from 'vscode';
import { isBuildable } from '../../catalog/buildable';
import { familyOf } from '../../catalog/families';
import { fitOf, type MachineFacts } from '../../catalog/fit';
import { NEEDED, weightsChoices, type WeightsChoice } from '../../catalog/weights';
import type { RepoDescription } from '../../download';
import { t } from '../../l10n';
import { fitInWords } from './entries';
import { bytesInWords } from './sizes';

/**
 * The forms in which a repository can be had, or why it cannot.
 * @returns the choices, at least one; or a sentence that names what is in the way
 */
export function choicesOf({ name, files, config }: RepoDescription): WeightsChoice[] | string {
  const family = familyOf(config);
  if ('unsupported' in family) return t('{0} cannot be run: {1}', name, family.unsupported);
  const paths = new Set(files.map(({ path }) => path));
  const missing = NEEDED.find((path) => !paths.has(path));
  if (missing !== undefined)
    return t(
      '{0} has no {1}, without which no text can be read. Look for an export of it with ONNX in its name.',
      name,
      missing,
    );
  const choices = weightsChoices(files, family.kind === 'encoder-decoder').filter(
    ({ build }) => !build || isBuildable(config),
  );
  if (choices.length > 0) return choices;
  return t(
    '{0} has no ONNX export that is known, and a graph can be built from safetensors for Llama, Mistral and Qwen models only. Look for an export of it with ONNX in its name.',
    name,
  );
}

/**
 * Asks which form to take.
 * @param suggested id of the choice that comes first
 * @returns undefined where nothing was chosen
 */
export async function offerWeights(
  description: RepoDescription,
  choices: readonly WeightsChoice[],
  machine: MachineFacts,
  suggested: string | undefined,
): Promise<WeightsChoice | undefined> {
  const suits = (choice: WeightsChoice): number =>
    choice.id === suggested ? 2 : fitOf(choice.weightsBytes, machine).verdict === 'suits' ? 1 : 0;
  const items = [...choices]
    .sort((a, b) => suits(b) - suits(a))
    .map((choice) => ({
      label: `$(cloud-download) ${choice.build ? t('original weights, built into a 4-bit graph here') : choice.label}`,
      description: t('{0} to download', bytesInWords(choice.downloadBytes)),
      detail: [
        ...(choice.build ? [t('{0} when it is built', bytesInWords(choice.weightsBytes))] : []),
        fitInWords(fitOf(choice.weightsBytes, machine)),
        ...(choice.build ? [] : [choice.id]),
      ].join(' · '),
      choice,
    }));
  const family = familyOf(description.config);
  const licence = description.licence === undefined ? '' : ` · ${t('licence: {0}', description.licence)}`;
  const picked = await vscode.window.showQuickPick(items, {
    title: `${description.name} · ${description.revision.slice(0, 7)}${licence}`,
    placeHolder:
      'kind' in family && family.kind === 'encoder-decoder'
        ? t('Which weights? Such a model rewrites texts in Generate, and makes no suggestions.')
        : t('Which weights? Nothing is downloaded before you choose.'),
    ignoreFocusOut: true,
  });
  return picked?.choice;
}
