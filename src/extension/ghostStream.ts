// Makes shown ghost text grow. The stable API has no way to lengthen a suggestion, but a provider that is registered anew is asked
// anew at the same document version, and its answer takes the place of what is shown without a blank frame. Knows nothing of
// models: the completion provider says when there is more, this file says when to ask the editor again.

import * as vscode from 'vscode';

/** The least time between two answers, so that the editor draws each of them. */
const INTERVAL_MS = 60;
/** An editor that has not asked again after this long does not do so at all. */
const PATIENCE_MS = 1500;
/** This often in a row, that is: once may be a stall. */
const TIMES = 3;
/** First version seen to ask a newly registered provider again; 1.104 was seen not to. */
const GROWS_FROM = [1, 110] as const;

/** Where a growing suggestion is shown. */
interface Place {
  document: vscode.TextDocument;
  version: number;
  position: vscode.Position;
  /** What is shown there. */
  offer: object;
}

export class GhostStream implements vscode.Disposable {
  readonly #register: () => vscode.Disposable;
  readonly #log: vscode.LogOutputChannel;
  readonly #extensionId: string;
  #registration: vscode.Disposable;
  #place: Place | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Runs out when the editor was triggered and did not ask. */
  #patience: NodeJS.Timeout | undefined;
  #more = false;
  #canGrow = grows(vscode.version);
  #unheard = 0;
  readonly #subscriptions: vscode.Disposable[];

  /**
   * @param register registers the completion provider
   * @param extensionId publisher.name
   */
  constructor(register: () => vscode.Disposable, extensionId: string, log: vscode.LogOutputChannel) {
    this.#register = register;
    this.#extensionId = extensionId;
    this.#log = log;
    this.#registration = register();
    this.#subscriptions = [
      vscode.workspace.onDidChangeTextDocument(
        (event) => event.document === this.#place?.document && event.contentChanges.length > 0 && this.stop(),
      ),
      vscode.window.onDidChangeTextEditorSelection(
        (event) => event.textEditor.document === this.#place?.document && !this.#stillThere() && this.stop(),
      ),
      vscode.window.onDidChangeActiveTextEditor(() => this.stop()),
    ];
  }

  /** False where the editor is too old to ask a newly registered provider, or has been seen not to. */
  get canGrow(): boolean {
    return this.#canGrow;
  }

  /** The editor has asked the provider. */
  asked(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#unheard = 0;
  }

  /** A suggestion that will grow is about to be shown. */
  shown(document: vscode.TextDocument, position: vscode.Position, offer: object): void {
    this.#place = { document, version: document.version, position, offer };
    this.#schedule();
  }

  /** There is more text of an offer than was shown. */
  changed(offer: object): void {
    if (this.#place?.offer !== offer) return;
    this.#more = true;
    this.#schedule();
  }

  /** The suggestion was accepted, dismissed, or no longer fits. */
  stop(): void {
    if (this.#place === undefined) return;
    clearTimeout(this.#timer);
    clearTimeout(this.#patience);
    this.#timer = this.#patience = this.#place = undefined;
    this.#more = false;
  }

  dispose(): void {
    this.stop();
    this.#registration.dispose();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #schedule(): void {
    if (!this.#more || this.#timer !== undefined || this.#patience !== undefined || !this.#canGrow) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#refresh();
    }, INTERVAL_MS);
  }

  #refresh(): void {
    if (!this.#stillThere()) return this.stop();
    this.#more = false;
    this.#registration.dispose();
    this.#registration = this.#register();
    this.#patience = setTimeout(() => this.#gaveUp(), PATIENCE_MS);
    void vscode.commands.executeCommand('editor.action.inlineSuggest.trigger', {
      providerId: `${this.#extensionId}:*`,
      explicit: false,
    });
  }

  #gaveUp(): void {
    this.#patience = undefined;
    if (this.#stillThere() && vscode.window.state.focused && ++this.#unheard >= TIMES) {
      this.#canGrow = false;
      this.#log.info(
        'This version of the editor does not ask again for a suggestion that it shows: suggestions appear line by line instead of growing.',
      );
    }
    this.stop();
  }

  #stillThere(): boolean {
    const editor = vscode.window.activeTextEditor;
    const place = this.#place;
    return (
      place !== undefined &&
      editor?.document === place.document &&
      place.document.version === place.version &&
      editor.selection.active.isEqual(place.position) &&
      editor.selection.isEmpty
    );
  }
}

/** Whether a version of the editor lets shown ghost text grow. */
export function grows(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > GROWS_FROM[0] || (major === GROWS_FROM[0] && minor >= GROWS_FROM[1]);
}
