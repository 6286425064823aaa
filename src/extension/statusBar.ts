// One item in the status bar: loading, ready, generating, asleep, off, failed. A click opens the menu of what one can do about it.

import * as vscode from 'vscode';
import type { EngineState } from './engineClient';

/** What the item shows is derived from this alone. */
export interface Status {
  engine: EngineState;
  enabled: boolean;
  generating: boolean;
}

interface Look {
  text: string;
  /** For the tooltip and for screen readers. */
  meaning: string;
  error?: boolean;
}

export class StatusBar implements vscode.Disposable {
  readonly #item: vscode.StatusBarItem;

  constructor() {
    this.#item = vscode.window.createStatusBarItem('glassbox.status', vscode.StatusBarAlignment.Right, 100);
    this.#item.name = 'Glassbox';
    this.#item.command = 'glassbox.showMenu';
    this.#item.show();
  }

  show(status: Status): void {
    const { text, meaning, error = false } = look(status);
    this.#item.text = text;
    this.#item.tooltip = `Glassbox: ${meaning}`;
    this.#item.accessibilityInformation = { label: `Glassbox: ${meaning}` };
    this.#item.backgroundColor = error ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
  }

  dispose(): void {
    this.#item.dispose();
  }
}

/** Text and meaning of a status. */
export function look({ engine, enabled, generating }: Status): Look {
  switch (engine.kind) {
    case 'stopped':
    case 'loading':
      return { text: '$(loading~spin) Glassbox', meaning: 'the model is being loaded' };
    case 'failed':
      return { text: '$(error) Glassbox', meaning: `failed. ${engine.reason}`, error: true };
    case 'asleep':
      return { text: '$(circle-outline) Glassbox', meaning: `${engine.info.name} sleeps until it is needed` };
    case 'ready': {
      const { name, device } = engine.info;
      const model = `${name} on ${device}`;
      if (generating) return { text: '$(sync~spin) Glassbox', meaning: `generating with ${model}` };
      if (!enabled) return { text: '$(circle-slash) Glassbox', meaning: `suggestions are off (${model} is loaded)` };
      return { text: '$(sparkle) Glassbox', meaning: `ready, ${model}` };
    }
  }
}

interface MenuEntry extends vscode.QuickPickItem {
  command?: string;
  arguments?: unknown[];
}

/** The menu behind the item. */
export async function showMenu({ engine, enabled }: Status): Promise<void> {
  const entries: MenuEntry[] = [
    { label: look({ engine, enabled, generating: false }).meaning, kind: vscode.QuickPickItemKind.Separator },
    ...(engine.kind === 'failed'
      ? [{ label: '$(debug-restart) Restart', detail: engine.reason, command: 'glassbox.restartEngine' }]
      : []),
    {
      label: enabled ? '$(circle-slash) Turn suggestions off' : '$(check) Turn suggestions on',
      command: 'glassbox.toggle',
    },
    { label: '$(pencil) Generate…', command: 'glassbox.generate' },
    { label: '$(eye) Show attention', command: 'glassbox.showAttention' },
    ...(engine.kind === 'failed'
      ? []
      : [{ label: '$(debug-restart) Restart engine', command: 'glassbox.restartEngine' }]),
    { label: '$(output) Show log', command: 'glassbox.showLog' },
    { label: '$(gear) Settings', command: 'workbench.action.openSettings', arguments: ['@ext:glassbox.glassbox'] },
  ];
  const picked = await vscode.window.showQuickPick(entries, { title: 'Glassbox' });
  if (picked?.command !== undefined) await vscode.commands.executeCommand(picked.command, ...(picked.arguments ?? []));
}
