// The tabs in which a document is shown as text.

import * as vscode from 'vscode';

/** Whether a tab shows a document. */
export function isTabOf({ input }: vscode.Tab, { uri }: vscode.TextDocument): boolean {
  return input instanceof vscode.TabInputText && input.uri.toString() === uri.toString();
}

/** All tabs that show a document. */
export function tabsOf(document: vscode.TextDocument): vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).filter((tab) => isTabOf(tab, document));
}
