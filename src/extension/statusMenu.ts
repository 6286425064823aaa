// Shows the menu behind the status bar item: gathers what is known of the place of the cursor, and does what was chosen.

import { posix } from 'node:path';
import * as vscode from 'vscode';
import { t } from '../l10n';
import {
  isEnabled,
  isExcludedAlone,
  setEnabledIn,
  setExcluded,
  setThreshold,
  THRESHOLDS,
  type Threshold,
} from './config';
import { fileOf, isForWriting } from './documents';
import type { Exclusion } from './exclusion';
import {
  menuEntries,
  thresholdWords,
  type MenuActions,
  type MenuEntry,
  type MenuFacts,
  type Place,
} from './menuEntries';
import type { Facts, Status } from './status';

const SNOOZE = 'editor.action.inlineSuggest.snooze';

/** Shows the menu and does what was chosen. */
export async function showMenu(
  status: Status & Facts & { threshold: Threshold; suggested: boolean },
  exclusion: Exclusion,
): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const canSnooze = (await vscode.commands.getCommands(true)).includes(SNOOZE); // the oldest editors that we run in have none
  const place = document === undefined ? undefined : await placeOf(document, exclusion);
  const facts: MenuFacts = { ...status, canSnooze, place };
  const actions: MenuActions = {
    run: (command, ...args) => vscode.commands.executeCommand(command, ...args),
    enableLanguage: setEnabledIn,
    excludeFile: (excluded) => document !== undefined && setExcluded(fileOf(document), excluded),
    chooseThreshold: () => chooseThreshold(status.threshold),
  };
  const picked = await vscode.window.showQuickPick(menuEntries(facts, actions).map(toItem), {
    title: 'Glassbox',
    placeHolder: t('What would you like to do?'),
    matchOnDescription: true,
    matchOnDetail: true,
  });
  await picked?.run?.();
}

function toItem(entry: MenuEntry): MenuEntry & vscode.QuickPickItem {
  const { Default, Separator } = vscode.QuickPickItemKind;
  return { ...entry, kind: entry.run === undefined ? Separator : Default };
}

/** @returns undefined where nobody writes */
async function placeOf(document: vscode.TextDocument, exclusion: Exclusion): Promise<Place | undefined> {
  if (!isForWriting(document)) return undefined;
  const place = { languageId: document.languageId, enabled: isEnabled(document) };
  const uri = fileOf(document);
  if (document.isUntitled || uri.scheme === 'untitled') return place;
  const name = posix.basename(uri.path);
  const excluded = await exclusion.reasonAgainst(document);
  return { ...place, file: { name, excludedAlone: isExcludedAlone(uri), excluded } };
}

function chooseThreshold(present: Threshold): void {
  const items = THRESHOLDS.map((threshold) => ({
    ...thresholdWords(threshold),
    ...(threshold === present ? { description: t('now') } : {}),
    threshold,
  }));
  const pick = vscode.window.createQuickPick<(typeof items)[number]>();
  pick.title = t('How sure the model must be');
  pick.items = items;
  pick.activeItems = items.filter(({ threshold }) => threshold === present);
  pick.onDidAccept(() => {
    const [chosen] = pick.selectedItems;
    pick.hide();
    if (chosen !== undefined) void setThreshold(chosen.threshold);
  });
  pick.onDidHide(() => pick.dispose());
  pick.show();
}
