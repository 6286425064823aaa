// What became of the editor's last question: why nothing is shown, in words, or how the suggestion came about. The menu and a command
// say it.

import * as vscode from 'vscode';

/** Why nothing is shown. */
export interface Reason {
  /** A sentence or two. */
  text: string;
  /** What one can do about it, where there is something. */
  remedy?: { title: string; command: string; arguments?: unknown[] };
}

/** A suggestion that was given to the editor. */
export interface Given {
  /** From the key, or the editor's question where no key was the cause, to the answer, in milliseconds. */
  ms: number;
  from: 'memory' | 'model';
  /** In [0, 1], that all of it is right; undefined while it is still being written. */
  probability: number | undefined;
  /** The server that wrote it. */
  server?: { host: string; sure: boolean };
}

/** Where and in which version of the document the editor asked. */
export interface Question {
  document: vscode.TextDocument;
  version: number;
  position: vscode.Position;
}

export class Why implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  #last: Reason | undefined;
  #given: Given | undefined;
  #question: Question | undefined;

  /** Why the last answer to the editor was empty; undefined when it was not, or the editor has not asked yet. */
  get last(): Reason | undefined {
    return this.#last;
  }

  /** What the last answer was, if it was not empty. */
  get given(): Given | undefined {
    return this.#given;
  }

  /** What the last answer was about. */
  get question(): Question | undefined {
    return this.#question;
  }

  /** The editor asks. */
  asked(question: Question): void {
    this.#question = question;
  }

  set(reason: Reason | undefined): void {
    this.#given = undefined;
    this.#become(reason);
  }

  gave(given: Given): void {
    this.#given = given;
    this.#become(undefined);
  }

  /** The settings have changed: what was said of the last question may no longer hold. */
  forget(): void {
    this.#question = undefined;
    this.set(undefined);
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #become(reason: Reason | undefined): void {
    if (reason?.text === this.#last?.text) return;
    this.#last = reason;
    this.#changed.fire();
  }
}
