// One question of the editor, and waiting no longer than it stands.

import type * as vscode from 'vscode';
import type { Place } from './generations';

/** One question of the editor. */
export interface Question extends Place {
  position: vscode.Position;
  invoked: boolean;
  /** The selected entry of the editor's list: what is shown must begin with it and take its place. */
  selected: vscode.SelectedCompletionInfo | undefined;
  token: vscode.CancellationToken;
  /** False as soon as the document has changed or the editor no longer waits. */
  stands: () => boolean;
  /** When it came, on the clock of performance.now(). */
  at: number;
}

/** Resolves when the editor no longer waits, or after so many milliseconds. */
export function cancelledOrAfter(token: vscode.CancellationToken, ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      cancelled.dispose();
      resolve(undefined);
    };
    const timer = setTimeout(end, ms);
    const cancelled = token.onCancellationRequested(end);
  });
}
