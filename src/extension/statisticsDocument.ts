// Shows the statistics in a read-only document, and erases them. The document follows what is counted while it is open.

import * as vscode from 'vscode';
import { t } from '../l10n';
import type { Statistics } from './statistics';
import { report } from './statisticsReport';

/** Also named in package.json, for the button over the document. */
const SCHEME = 'glassbox-statistics';
/** An open document is written anew at most this often, in milliseconds. */
const REFRESH_MS = 1000;

export class StatisticsDocument implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #statistics: Statistics;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #subscriptions: vscode.Disposable[];
  #timer: NodeJS.Timeout | undefined;

  constructor(statistics: Statistics) {
    this.#statistics = statistics;
    this.#subscriptions = [
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      { dispose: statistics.onChange(() => this.#refreshSoon()) },
    ];
  }

  provideTextDocumentContent(): string {
    return report(this.#statistics.tally, new Date(), vscode.env.language);
  }

  async show(): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${t('Glassbox Statistics')}.md` });
    this.#changed.fire(uri); // a document opened before may be an old one
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  async erase(): Promise<void> {
    const erase = t('Erase');
    const question = t('Erase the statistics of all time? It cannot be undone.');
    if ((await vscode.window.showWarningMessage(question, erase)) === erase) this.#statistics.erase();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #refreshSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const { uri } of vscode.workspace.textDocuments) if (uri.scheme === SCHEME) this.#changed.fire(uri);
    }, REFRESH_MS);
  }
}
