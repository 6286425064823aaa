// The one attention panel as VS Code has it: a webview with our page in it. It carries messages, checked, and says when it is seen; what
// they mean inspection.ts knows.

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { t } from '../../l10n';
import type { FromWebview, ToWebview } from '../../webviewProtocol';
import { readMessage } from './messages';
import { attentionPage } from './page';

export const VIEW_TYPE = 'glassbox.attention';

/** Told of what happens to the panel. */
export interface PanelListener {
  received(message: FromWebview): void;
  /** It is on the screen, or is not any more. A hidden page is destroyed by VS Code; the next one says `ready` again. */
  seen(visible: boolean): void;
  closed(): void;
}

/** A new panel beside the editor. */
export function newPanel(preserveFocus: boolean): vscode.WebviewPanel {
  return vscode.window.createWebviewPanel(VIEW_TYPE, t('Attention'), {
    viewColumn: vscode.ViewColumn.Beside,
    preserveFocus,
  });
}

export class Panel implements vscode.Disposable {
  readonly #panel: vscode.WebviewPanel;
  readonly #subscriptions: vscode.Disposable[];
  #visible: boolean;
  #closed = false;

  /** @param panel new, or brought back by VS Code after a reload */
  constructor(panel: vscode.WebviewPanel, extensionUri: vscode.Uri, listener: PanelListener) {
    this.#panel = panel;
    this.#visible = panel.visible;
    const file = (...path: string[]): vscode.Uri => vscode.Uri.joinPath(extensionUri, ...path);
    const { webview } = panel;
    panel.iconPath = file('media', 'icon.svg');
    this.#subscriptions = [
      panel.onDidDispose(() => {
        this.#closed = true;
        this.dispose();
        listener.closed();
      }),
      panel.onDidChangeViewState(() => {
        if (panel.visible === this.#visible) return;
        this.#visible = panel.visible;
        listener.seen(panel.visible);
      }),
      webview.onDidReceiveMessage((message: unknown) => {
        const known = readMessage(message);
        if (known !== undefined) listener.received(known);
      }),
    ];
    webview.options = { enableScripts: true, localResourceRoots: [file('dist'), file('media')] };
    webview.html = attentionPage({
      nonce: randomBytes(16).toString('base64'),
      cspSource: webview.cspSource,
      script: webview.asWebviewUri(file('dist', 'webview.js')).toString(),
      style: webview.asWebviewUri(file('media', 'panel.css')).toString(),
      language: vscode.env.language,
      strings: vscode.l10n.bundle ?? {},
    });
  }

  /** It is on the screen. */
  get visible(): boolean {
    return this.#visible;
  }

  post(message: ToWebview): void {
    if (!this.#closed && this.#visible) void this.#panel.webview.postMessage(message);
  }

  reveal(preserveFocus: boolean): void {
    this.#panel.reveal(undefined, preserveFocus);
  }

  dispose(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.dispose();
    if (!this.#closed) this.#panel.dispose();
    this.#closed = true;
  }
}
