// Watches what is typed and accepted: the rhythm of the keys, the time from a key to its answer, and what the statistics count.

import * as vscode from 'vscode';
import type { Rhythm } from '../completion/rhythm';
import { isForWriting } from './documents';
import type { ModelOffer } from './modelOffer';
import type { Statistics } from './statistics';

/** A key: one character, or a line break with its indentation, or what the editor closes at once. */
const KEY = /^(?:[^\n]|\r?\n[ \t]*(?:\r?\n[ \t]*)?|\(\)|\[\]|\{\}|""|''|``|<>)$/su;

export class TypingWatch implements vscode.Disposable {
  readonly #rhythm: Rhythm;
  readonly #statistics: Statistics;
  /** The last change by hand. */
  #changed: { document: vscode.TextDocument; version: number; at: number } | undefined;
  /** What is on show. */
  #shown: { offer: ModelOffer; document: vscode.TextDocument; offset: number; text: string } | undefined;
  readonly #subscription: vscode.Disposable;

  constructor(rhythm: Rhythm, statistics: Statistics) {
    this.#rhythm = rhythm;
    this.#statistics = statistics;
    this.#subscription = vscode.workspace.onDidChangeTextDocument((event) => this.#change(event));
  }

  /** When the key was hit that made the editor ask, on the clock of performance.now(); undefined where it was no key. */
  keyBefore(document: vscode.TextDocument): number | undefined {
    const changed = this.#changed;
    this.#changed = undefined; // the next question about this version has another cause
    return changed?.document === document && changed.version === document.version ? changed.at : undefined;
  }

  /** An offer is given to the editor. */
  shows(offer: ModelOffer, document: vscode.TextDocument, position: vscode.Position, text: string): void {
    this.#shown = { offer, document, offset: document.offsetAt(position), text };
  }

  /** An offer will not grow any more: it counts as shown, once, if it was. */
  ended({ shown, text }: ModelOffer): void {
    if (shown === undefined || shown.counted) return;
    shown.counted = true;
    this.#statistics.shown({ characters: text.length, ms: shown.ms, from: shown.from });
  }

  /** The editor says that a suggestion was accepted to its end. @param characters its length */
  accepted(characters: number): void {
    if (this.#shown !== undefined) this.ended(this.#shown.offer);
    this.#statistics.accepted(characters);
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  #change({ document, contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    const change = contentChanges[0];
    if (change === undefined || document !== vscode.window.activeTextEditor?.document || !isForWriting(document))
      return;
    const at = performance.now();
    this.#changed = { document, version: document.version, at };
    const shown = this.#shown?.document === document ? this.#shown : undefined;
    this.#shown = undefined;
    if (reason !== undefined) return; // undone or done again
    const typed = change.text.replaceAll('\r\n', '\n');
    if (shown !== undefined && contentChanges.length === 1 && !KEY.test(typed)) {
      const written = change.rangeOffset + typed.length - shown.offset;
      const part = written > 0 ? typed.slice(-written) : '';
      if (part !== '' && shown.text.startsWith(part)) {
        // The whole is counted when the editor says that it was accepted.
        if (part.length === shown.text.length) this.#shown = shown;
        else {
          this.ended(shown.offer);
          this.#statistics.accepted(part.length);
        }
        return;
      }
    }
    if (!KEY.test(typed)) return;
    this.#rhythm.key(at);
    this.#statistics.typed(1);
  }
}
