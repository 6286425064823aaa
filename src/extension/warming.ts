// When the cursor comes to rest in another place, what will be asked there is read beforehand. Knows where and when; the completion
// provider knows what, and the engine gives way to any request. On its battery, the machine does nothing that nobody may need.

import * as vscode from 'vscode';
import { runsOnBattery } from '../machine/power';

/** The cursor rests when it has not moved for this long, in milliseconds. */
const REST_MS = 250;

export class Warming implements vscode.Disposable {
  readonly #warm: (editor: vscode.TextEditor, signal: AbortSignal) => void;
  #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  readonly #subscriptions: vscode.Disposable[];

  /** @param warm has the engine read what would be asked at the editor's cursor */
  constructor(warm: (editor: vscode.TextEditor, signal: AbortSignal) => void) {
    this.#warm = warm;
    this.#subscriptions = [
      vscode.window.onDidChangeActiveTextEditor(() => this.moved()),
      vscode.window.onDidChangeTextEditorSelection(
        ({ textEditor }) => textEditor === vscode.window.activeTextEditor && this.moved(),
      ),
    ];
  }

  /** The place where something may be asked next is another one. */
  moved(): void {
    this.#stop();
    this.#timer = setTimeout(() => {
      const editor = vscode.window.activeTextEditor;
      if (editor !== undefined && !runsOnBattery()) this.#warm(editor, this.#abort.signal);
    }, REST_MS);
  }

  dispose(): void {
    this.#stop();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#abort = new AbortController();
  }
}
