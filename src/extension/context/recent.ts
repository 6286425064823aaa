// Where the user has been: which files were shown, and where something was changed.

import * as vscode from 'vscode';

const MAX_FILES = 20;
const MAX_EDITS = 8;
/** An edit within this many lines of the last one belongs to it. */
const SAME_PLACE = 10;

/** A place in a file. */
export interface Place {
  uri: vscode.Uri;
  line: number;
}

export class Recent implements vscode.Disposable {
  /** The first line on show when it was last seen, by file; the last visited last. */
  readonly #files = new Map<string, Place>();
  /** The latest last. */
  #edits: Place[] = [];
  readonly #subscriptions: vscode.Disposable[];

  constructor() {
    vscode.window.visibleTextEditors.forEach((editor) => this.#seen(editor));
    this.#subscriptions = [
      vscode.window.onDidChangeActiveTextEditor((editor) => editor && this.#seen(editor)),
      vscode.window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => {
        if (textEditor === vscode.window.activeTextEditor) this.#seen(textEditor);
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges, reason }) => {
        // What is changed out of sight, or in many places at once, or by undoing, is nobody's work there.
        const isShown = vscode.window.visibleTextEditors.some((editor) => editor.document === document);
        if (isShown && isFile(document) && reason === undefined && contentChanges.length === 1)
          this.#edited(document.uri, contentChanges[0] as vscode.TextDocumentContentChangeEvent);
      }),
    ];
  }

  /** The files that were shown, the last first. */
  get files(): Place[] {
    return [...this.#files.values()].reverse();
  }

  /** Where something was changed, the last first. */
  get edits(): Place[] {
    return [...this.#edits].reverse();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #seen({ document, visibleRanges }: vscode.TextEditor): void {
    if (!isFile(document)) return;
    const key = document.uri.toString();
    this.#files.delete(key);
    this.#files.set(key, { uri: document.uri, line: visibleRanges[0]?.start.line ?? 0 });
    const oldest = this.#files.keys().next();
    if (this.#files.size > MAX_FILES && oldest.done !== true) this.#files.delete(oldest.value);
  }

  #edited(uri: vscode.Uri, { range, text }: vscode.TextDocumentContentChangeEvent): void {
    const key = uri.toString();
    const line = range.start.line;
    const added = text.split('\n').length - 1 - (range.end.line - line);
    for (const edit of this.#edits) if (edit.uri.toString() === key && edit.line > range.end.line) edit.line += added;
    this.#edits = this.#edits.filter((edit) => edit.uri.toString() !== key || Math.abs(edit.line - line) > SAME_PLACE);
    this.#edits.push({ uri, line: line + Math.max(0, added) });
    this.#edits = this.#edits.slice(-MAX_EDITS);
  }
}

/** Whether a document is a file or a new document, not something that the editor or a notebook has made, nor an old version in a comparison. */
function isFile({ uri }: vscode.TextDocument): boolean {
  return uri.scheme === 'untitled' || vscode.workspace.fs.isWritableFileSystem(uri.scheme) === true;
}
