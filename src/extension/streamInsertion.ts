// Writes growing text into a document at the cursor, as one undo step. Edits are made one after the other while the editor is on
// screen; text that comes while it is not waits for the end.

import * as vscode from 'vscode';

/** Edits refused in a row before the document is taken for read-only. */
const MAX_REFUSALS = 20;

export class StreamInsertion {
  readonly #document: vscode.TextDocument;
  /** Where the next text goes; moved by edits that others make before it. */
  #offset: number;
  /** Text not yet written. */
  #waiting = '';
  #writing: Promise<void> | undefined;
  #ended = false;
  #started = false;
  /** Set while an edit of ours is applied: its change event does not move the offset twice. */
  #ours = false;
  /** There is no place to write any more. */
  #gone = false;
  #lost: ((reason: string) => void) | undefined;
  readonly #subscriptions: vscode.Disposable[];

  constructor(editor: vscode.TextEditor) {
    this.#document = editor.document;
    this.#offset = editor.document.offsetAt(editor.selection.active);
    this.#subscriptions = [
      vscode.workspace.onDidChangeTextDocument((event) => event.document === this.#document && this.#moved(event)),
      // Changing a document's language closes and opens it, too.
      vscode.workspace.onDidCloseTextDocument(
        (document) => document === this.#document && document.isClosed && this.#lose('The document was closed.'),
      ),
    ];
  }

  /** Calls `listener` when the document was closed or refuses edits, so that there is no place to write any more. */
  onLost(listener: (reason: string) => void): void {
    this.#lost = listener;
  }

  append(text: string): void {
    if (this.#gone) return;
    this.#waiting += text;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Writes what is left and closes the undo step. */
  async end(): Promise<void> {
    await this.#writing;
    this.#ended = true;
    await this.#write();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  async #write(): Promise<void> {
    let refusals = 0;
    while (!this.#gone) {
      // The last character is kept for the end, because only an edit can close the undo step.
      const text = this.#ended
        ? this.#waiting
        : this.#waiting.slice(0, -(Array.from(this.#waiting).at(-1) ?? '').length || undefined);
      const editor = vscode.window.visibleTextEditors.find((visible) => visible.document === this.#document);
      if (text === '' || (editor === undefined && !this.#ended)) return;
      this.#waiting = this.#waiting.slice(text.length);
      const at = this.#document.positionAt(this.#offset);
      const { version } = this.#document;
      this.#ours = true;
      const done =
        editor === undefined
          ? await this.#writeUnseen(at, text)
          : await editor.edit((edit) => edit.insert(at, text), {
              undoStopBefore: !this.#started,
              undoStopAfter: this.#ended,
            });
      this.#ours = false;
      if (!done || this.#document.version === version) {
        // Somebody edited at the same moment: the offset has moved, so try again from there. A read-only document never takes it
        // (and the editor says that it did).
        this.#waiting = text + this.#waiting;
        if (++refusals === MAX_REFUSALS) return this.#lose(`${this.#document.fileName} cannot be edited.`);
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      refusals = 0;
      this.#started = true;
      this.#offset +=
        this.#document.eol === vscode.EndOfLine.CRLF ? text.replace(/\r?\n/g, '\r\n').length : text.length;
      const end = this.#document.positionAt(this.#offset);
      editor?.revealRange(new vscode.Range(end, end));
    }
  }

  #lose(reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#waiting = '';
    this.#lost?.(reason);
  }

  async #writeUnseen(at: vscode.Position, text: string): Promise<boolean> {
    const edit = new vscode.WorkspaceEdit();
    edit.insert(this.#document.uri, at, text);
    return vscode.workspace.applyEdit(edit);
  }

  #moved(event: vscode.TextDocumentChangeEvent): void {
    for (const change of event.contentChanges) {
      if (this.#ours && change.rangeOffset === this.#offset && change.rangeLength === 0) continue;
      if (change.rangeOffset < this.#offset)
        this.#offset += change.text.length - Math.min(change.rangeLength, this.#offset - change.rangeOffset);
    }
  }
}
