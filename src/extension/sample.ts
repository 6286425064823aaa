// A document to try suggestions in, for newcomers: something obvious is missing where the cursor stands.

import * as vscode from 'vscode';
import { t } from '../l10n';

/** What stands before and after the cursor, below the words. */
const BEFORE = `export class Counter {
  constructor() {
    this.count = 0;
  }

  increment() {
    this.count += 1;
  }

  reset() {
    `;
const AFTER = '\n  }\n}\n';

/** Opens the document and has the editor ask for a suggestion. */
export async function trySuggestion(): Promise<void> {
  const words = [
    t('Grey text is a suggestion: Tab takes it, Escape sends it away.'),
    t('Type on where it is wrong. Nothing leaves this machine.'),
  ];
  const before = `${words.map((line) => `// ${line}\n`).join('')}\n${BEFORE}`;
  const document = await vscode.workspace.openTextDocument({ language: 'javascript', content: before + AFTER });
  const cursor = document.positionAt(before.length);
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(cursor, cursor) });
  await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
}
