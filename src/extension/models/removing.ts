// Removes a downloaded model from this machine, after asking.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import { setModel } from '../config';
import type { Hub } from './hub';
import type { ModelsParts } from './models';

/**
 * Asks and removes. A model in use gives its place to the one that comes with the product first: a file that is mapped into memory
 * cannot be deleted everywhere.
 * @param dir folder in the store
 * @param label what the list calls it
 */
export async function removeStored(parts: ModelsParts, hub: Hub, dir: string, label: string): Promise<void> {
  const name = label.replace(/\$\([\w-]+\)\s*/g, '');
  const remove = { label: `$(trash) ${t('Remove')}`, detail: t('{0} is deleted. It can be downloaded again.', dir) };
  const keep = { label: `$(close) ${t('Keep')}` };
  const answer = await vscode.window.showQuickPick([remove, keep], {
    title: t('Remove {0} from this machine?', name),
    ignoreFocusOut: true,
  });
  if (answer !== remove) return;
  if (parts.config().model === dir) await setModel('');
  try {
    await hub.room.removeModel(dir);
    parts.log.info(`removed ${dir}`);
  } catch (error) {
    void vscode.window.showErrorMessage(t('Glassbox: {0}', error instanceof Error ? error.message : String(error)));
  }
}
