// The token that opens gated models: kept in the editor's secret storage, one for each address, and nowhere else.

import * as vscode from 'vscode';
import { t } from '../../l10n';

/** The token for an address; undefined where there is none. */
export async function tokenFor(secrets: vscode.SecretStorage, endpoint: string): Promise<string | undefined> {
  return (await secrets.get(keyOf(endpoint))) || undefined;
}

/** Asks for the token of an address and keeps it; an empty one is forgotten. */
export async function setHubToken(secrets: vscode.SecretStorage, endpoint: string): Promise<void> {
  if (!URL.canParse(endpoint)) {
    const why = t('"{0}" is not the address of a hub. Write one such as https://huggingface.co.', endpoint);
    void vscode.window.showErrorMessage(t('Glassbox: {0}', why));
    return;
  }
  const had = await tokenFor(secrets, endpoint);
  const given = await vscode.window.showInputBox({
    title: t('Token for {0}', new URL(endpoint).host),
    prompt:
      had === undefined
        ? t(
            'It opens models that ask for an agreement. It is kept in the secret storage of the editor and sent to this address alone.',
          )
        : t('There is one already: a new one takes its place, and nothing at all removes it.'),
    password: true,
    ignoreFocusOut: true,
    validateInput: (text) => (/\s/.test(text.trim()) ? t('A token has no spaces.') : undefined),
  });
  if (given === undefined) return;
  if (given.trim() === '') await secrets.delete(keyOf(endpoint));
  else await secrets.store(keyOf(endpoint), given.trim());
  void vscode.window.showInformationMessage(
    given.trim() === '' ? t('The token was removed.') : t('The token is kept in the secret storage of the editor.'),
  );
}

function keyOf(endpoint: string): string {
  return `hub token for ${new URL(endpoint).origin}`;
}
