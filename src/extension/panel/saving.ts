// Saves a file that the panel has made, where the user wants it.

import { posix } from 'node:path';
import * as vscode from 'vscode';
import { t } from '../../l10n';
import type { WebviewExport } from '../../webviewProtocol';

/** Asks where to, writes, and says what became of it. Never rejects. */
export async function save({ name, data }: WebviewExport): Promise<void> {
  try {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const ending = posix.extname(name).slice(1);
    const target = await vscode.window.showSaveDialog({
      ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, name) }),
      filters: { [ending.toUpperCase()]: [ending] },
      title: t('Save from the attention panel'),
    });
    if (target === undefined) return;
    const path = target.scheme === 'file' ? target.fsPath : target.path;
    try {
      await vscode.workspace.fs.writeFile(target, data);
    } catch (error) {
      return void vscode.window.showErrorMessage(failureOf(error, path));
    }
    await tellSaved(path, target);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(t('The file could not be saved: {0}', reason));
  }
}

/** What is known of a file that cannot be written, in words. @param path as people know it */
function failureOf(error: unknown, path: string): string {
  const code = error instanceof vscode.FileSystemError ? error.code : '';
  if (code === 'FileNotFound') return t('{0} could not be saved: there is no such folder, or it takes no files.', path);
  if (code === 'NoPermissions') return t('{0} could not be saved: you may not write there.', path);
  return t('{0} could not be saved: {1}', path, error instanceof Error ? error.message : String(error));
}

async function tellSaved(path: string, target: vscode.Uri): Promise<void> {
  const openIt = t('Open');
  const chosen = await vscode.window.showInformationMessage(t('Saved as {0}', path), openIt);
  if (chosen === openIt) await vscode.commands.executeCommand('vscode.open', target);
}
