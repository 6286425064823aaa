// The notification of a text that is being written: how far it is, with a button to stop it, and for a while what became of it. It goes when
// the text was decided about, so that none pile up.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import { KEYS } from './keys';

/** How long the last word stays, in milliseconds. */
const END_MS = 10_000;

export class Notification {
  readonly #closed: Promise<void>;
  #close: (() => void) | undefined;
  #progress: vscode.Progress<{ message?: string; increment?: number }> | undefined;
  #firstToken: number | undefined;
  #percent = 0;

  /** @param stop called when the button is pressed */
  constructor(stop: () => void) {
    this.#closed = new Promise((resolve) => (this.#close = resolve));
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: 'Glassbox',
      cancellable: true,
    };
    void vscode.window.withProgress(options, (progress, token) => {
      this.#progress = progress;
      this.#show(t('Reading…'), 0);
      token.onCancellationRequested(stop);
      return this.#closed;
    });
  }

  /** So many tokens are written, of at most so many. The pace is counted from the first token on: before it, the prompt is read. */
  report(tokens: number, most: number): void {
    this.#firstToken ??= performance.now();
    const seconds = (performance.now() - this.#firstToken) / 1000;
    this.#show(
      tokens === 1
        ? t('Writing…')
        : t(
            'Writing: {0} tokens, {1} a second. Keep: {2}, discard: {3}.',
            tokens,
            ((tokens - 1) / seconds).toFixed(0),
            KEYS.keep,
            KEYS.discard,
          ),
      (100 * tokens) / most,
    );
  }

  /** Says the last word. */
  end(message: string): void {
    this.#show(message, 100);
    setTimeout(() => this.close(), END_MS);
  }

  close(): void {
    this.#close?.();
  }

  #show(message: string, percent: number): void {
    const most = Math.min(percent, 100);
    this.#progress?.report({ message, increment: most - this.#percent });
    this.#percent = most;
  }
}
