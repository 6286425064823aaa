// One item in the status bar: loading, ready, generating, asleep, off, failed. A click opens the menu of what one can do about it.

import * as vscode from 'vscode';
import { look, tooltipLines, type Facts, type Status } from './status';

export class StatusBar implements vscode.Disposable {
  readonly #item: vscode.StatusBarItem;

  constructor() {
    this.#item = vscode.window.createStatusBarItem('glassbox.status', vscode.StatusBarAlignment.Right, 100);
    this.#item.name = 'Glassbox';
    this.#item.command = 'glassbox.showMenu';
    this.#item.show();
  }

  show(status: Status, facts: Facts): void {
    const { text, error = false } = look(status);
    const lines = tooltipLines(status, facts);
    const tooltip = new vscode.MarkdownString();
    for (const [index, line] of lines.entries()) {
      if (index > 0) tooltip.appendMarkdown('\n\n');
      tooltip.appendText(line);
    }
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: lines.join('. '), role: 'button' };
    this.#item.backgroundColor = error ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
  }

  dispose(): void {
    this.#item.dispose();
  }
}
