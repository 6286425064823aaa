// An offer that the model makes: its text, the run that writes it, and what is known of it at the end.

import type * as vscode from 'vscode';
import { Offer } from '../completion/offer';
import type { Completion, CompletionRequest } from '../protocol';

export class ModelOffer extends Offer {
  /** Ends the run. */
  readonly abort = new AbortController();
  /** True: another run took its place, or it failed: the text is not the whole, and nobody is to wait for more. */
  lost = false;
  /** Why it failed. */
  failure: string | undefined;
  /** What the engine said at the end. */
  completion: Completion | undefined;
  /** What the engine was asked. */
  request: CompletionRequest | undefined;
  /** The engine's name for it, under which it can be looked into; undefined until the engine has said something. */
  id: number | undefined;
  /** It was made ahead: the engine has no other texts at its place. */
  ahead = false;
  /** Other texts at its place, once somebody asked for them. */
  others: Promise<ModelOffer[]> | undefined;
  /** How it first came to be shown; undefined as long as it was not. */
  shown: { ms: number; from: 'memory' | 'model'; counted: boolean } | undefined;
  readonly #waiting = new Set<() => void>();

  /** There is more text, or it has ended: whoever waits looks again. */
  changed(): void {
    for (const resume of [...this.#waiting]) resume();
  }

  /** Takes the whole as the engine gave it at the end. */
  complete(completion: Completion): void {
    this.append(completion.text.slice(this.text.length));
    this.completion = completion;
    this.finish();
  }

  /** Resolves when the offer has changed, the editor no longer waits, or so many milliseconds have passed. */
  change(token?: vscode.CancellationToken, limitMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const resume = (): void => {
        this.#waiting.delete(resume);
        cancelled?.dispose();
        clearTimeout(timer);
        resolve();
      };
      const cancelled = token?.onCancellationRequested(resume);
      const timer = limitMs === undefined ? undefined : setTimeout(resume, limitMs);
      this.#waiting.add(resume);
    });
  }
}
