// What is said when a text was written, or could not be, with the ways on.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import { EngineFailure } from '../engineClient';
import type { Lost } from './insertion';
import { KEYS } from './keys';

/** How much was written, and the keys that decide about it; screen readers read it out. @param tokens how many the model wrote */
export function writtenText(text: string, tokens: number): string {
  const lines = text.trimEnd().split('\n').length;
  const { keep, discard, again } = KEYS;
  return lines === 1
    ? t('1 line written ({0} tokens). Keep: {1}, discard: {2}, try again: {3}.', tokens, keep, discard, again)
    : t(
        '{0} lines written ({1} tokens). Keep: {2}, discard: {3}, try again: {4}.',
        lines,
        tokens,
        keep,
        discard,
        again,
      );
}

/** Says that the model wrote nothing. */
export function tellEmpty(): void {
  void vscode.window.showInformationMessage(
    t('The model has nothing to add here. Try another place or another prompt.'),
  );
}

/** Says what failed, and does what is chosen. @param tokens written before that */
export async function tellFailure(
  error: unknown,
  tokens: number,
  log: vscode.LogOutputChannel,
  retry: () => void,
): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  log.error(`generate: ${reason}`);
  const down = error instanceof EngineFailure && error.code === 'engine_down';
  const ways: Record<string, () => unknown> = {
    ...(down
      ? { [t('Restart')]: () => vscode.commands.executeCommand('glassbox.restartEngine') }
      : { [t('Try Again')]: retry }),
    [t('Show Log')]: () => log.show(),
  };
  const message =
    tokens === 0
      ? t('Glassbox could not generate: {0}', reason)
      : t('Glassbox stopped after {0} tokens, which stay where they are: {1}', tokens, reason);
  await offer(message, ways);
}

/** Says that there is no place to write any more, and saves the text. */
export async function tellLost(how: Lost, document: vscode.TextDocument, text: string): Promise<void> {
  const name = vscode.workspace.asRelativePath(document.uri);
  const { languageId: language } = document;
  const open = async (): Promise<void> => {
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language, content: text }));
  };
  await offer(
    {
      closed: t('Glassbox stopped writing, because {0} was closed.', name),
      reverted: t('Glassbox stopped writing, because {0} was closed or reverted.', name),
      readonly: t('Glassbox stopped writing, because {0} cannot be edited.', name),
    }[how],
    text === ''
      ? {}
      : {
          [t('Open the Text in a New Document')]: open,
          [t('Copy the Text')]: () => vscode.env.clipboard.writeText(text),
        },
  );
}

async function offer(message: string, ways: Record<string, () => unknown>): Promise<void> {
  const choice = await vscode.window.showErrorMessage(message, ...Object.keys(ways));
  if (choice !== undefined) await ways[choice]?.();
}
