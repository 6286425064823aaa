// How a generated text looks until it is kept: highlighted, with what can be done about it above.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import { KEYS } from './keys';

/** The text to be marked. */
export interface Marked {
  document: vscode.TextDocument;
  range: vscode.Range;
}

export class Marks implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #highlight = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor('diffEditor.insertedTextBackground'),
    overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.addedForeground'),
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.#changed.event;
  readonly #subscriptions = [
    this.#highlight,
    this.#changed,
    vscode.languages.registerCodeLensProvider('*', this),
    vscode.window.onDidChangeVisibleTextEditors(() => this.#paint()),
  ];
  #marked: Marked | undefined;

  /** Marks a text in place of the one before; undefined: none. */
  show(marked: Marked | undefined): void {
    const before = this.#marked;
    this.#marked = marked;
    this.#paint();
    const same = before?.document === marked?.document && before?.range.start.line === marked?.range.start.line;
    if (!same) this.#changed.fire(); // a lens that is asked for anew flickers
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (this.#marked?.document !== document) return [];
    const { start } = this.#marked.range;
    const lens = (title: string, command: string, tooltip: string): vscode.CodeLens =>
      new vscode.CodeLens(new vscode.Range(start, start), { title, command, tooltip });
    return [
      lens(t('Keep ({0})', KEYS.keep), 'glassbox.keepText', t('The text stays.')),
      lens(t('Discard ({0})', KEYS.discard), 'glassbox.discardText', t('What was there comes back.')),
      lens(t('Try Again ({0})', KEYS.again), 'glassbox.tryAgain', t('Another text in its place.')),
      lens(t('Edit Prompt ({0})', KEYS.edit), 'glassbox.editPrompt', t('Another text for another prompt.')),
    ];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #paint(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const ours = editor.document === this.#marked?.document;
      editor.setDecorations(this.#highlight, ours && this.#marked !== undefined ? [this.#marked.range] : []);
    }
  }
}
