// Writes growing text into a document in place of a range, as one undo step, and takes it back. Edits are made one after the other
// while the editor is on screen; text that comes while it is not waits until the text is complete.

import * as vscode from 'vscode';
import { isTabOf, tabsOf } from './tabs';

/** Edits refused in a row before the document is taken for read-only. */
const MAX_REFUSALS = 20;
/** Between two edits of ours, in milliseconds: the editor reverts a document only where nobody edits while it reads the file. */
const PAUSE_MS = 50;
/** Undo steps that a text may have become, because the document was saved while it was written. */
const MAX_UNDO_STEPS = 20;

/** Why there is no place to write any more: the document was closed, or set back to what it was, or takes no edits. */
export type Lost = 'closed' | 'reverted' | 'readonly';

/** What happens to the text from outside. */
export interface InsertionListener {
  /** The text grew, moved or went. */
  changed(): void;
  /** Somebody else edited the document. @param undo by undo or redo */
  edited(undo: boolean): void;
  /** There is no place to write any more. */
  lost(how: Lost): void;
}

export class Insertion {
  readonly document: vscode.TextDocument;
  readonly #listener: InsertionListener;
  readonly #subscriptions: vscode.Disposable[];
  /** The document, what the text replaces, and the selections, as they were. */
  readonly #before: string;
  readonly #replaced: string;
  readonly #selections: readonly vscode.Selection[];
  /** Where the text stands, or, before anything is written, what it replaces: offset and length. Moved by edits that others make. */
  #start: number;
  #length: number;
  #written = false;
  /** Somebody else edited, so that undo would take back more than the text. */
  #edited = false;
  #waiting = '';
  #writing: Promise<void> | undefined;
  /** Write even where no editor shows the document. */
  #unseen = false;
  /** The edit of ours that is being applied: its change event does not move the text twice. */
  #ours: { offset: number; length: number } | 'any' | undefined;
  #gone = false;

  constructor(editor: vscode.TextEditor, range: vscode.Range, listener: InsertionListener) {
    const { document } = editor;
    this.document = document;
    this.#listener = listener;
    this.#before = document.getText();
    this.#replaced = document.getText(range);
    this.#selections = editor.selections;
    this.#start = document.offsetAt(range.start);
    this.#length = this.#replaced.length;
    this.#subscriptions = [
      vscode.workspace.onDidChangeTextDocument((event) => event.document === document && this.#changed(event)),
      // Changing a document's language closes and opens it, too.
      vscode.workspace.onDidCloseTextDocument(
        (closed) => closed === document && document.isClosed && this.#lose('closed'),
      ),
      // Without its tab, a document may stay open for minutes, and nobody sees what is written there.
      vscode.window.tabGroups.onDidChangeTabs(
        ({ closed }) =>
          closed.some((tab) => isTabOf(tab, document)) && tabsOf(document).length === 0 && this.#lose('closed'),
      ),
    ];
  }

  /** Where the text stands; before anything is written, what it will replace. */
  get range(): vscode.Range {
    return this.#rangeOf(this.#start, this.#length);
  }

  /** Something of the text stands in the document. */
  get written(): boolean {
    return this.#written;
  }

  /** Text goes on at the end. */
  append(text: string): void {
    if (this.#gone) return;
    this.#waiting += text;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Writes what waits, whether or not the document is on screen. */
  async settle(): Promise<void> {
    await this.#writing;
    this.#unseen = true;
    await this.#write();
    this.#unseen = false;
  }

  /** Takes the text back: the document and the selections are as before, but for what others edited meanwhile. */
  async rollback(): Promise<void> {
    this.#waiting = '';
    await this.#writing;
    if (this.#gone || !this.#written) return;
    this.#ours = 'any';
    if (!this.#edited) await this.#undo();
    // An edit is refused where somebody else edits at the same moment.
    for (let tries = 0; tries < MAX_REFUSALS && this.document.getText() !== this.#before; tries++) {
      const all = this.#rangeOf(0, this.document.getText().length);
      if (await (this.#edited ? this.#replace(this.range, this.#replaced) : this.#replace(all, this.#before))) break;
    }
    this.#ours = undefined;
    this.#length = this.#replaced.length;
    this.#written = false;
    const editor = this.#editor;
    if (editor !== undefined) editor.selections = this.#selections;
    this.#listener.changed();
  }

  /** Leaves the text as it stands. What others edit from now on is undone by itself. */
  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.dispose();
    const editor = this.#editor;
    const closed = this.#gone || !this.#written || this.#edited || editor === undefined;
    this.#gone = true;
    if (closed) return;
    // Only an edit can close an undo step; this one changes nothing.
    await editor.edit((edit) => edit.insert(this.range.end, ''), { undoStopBefore: false, undoStopAfter: true });
  }

  get #editor(): vscode.TextEditor | undefined {
    return vscode.window.visibleTextEditors.find(({ document }) => document === this.document);
  }

  #rangeOf(start: number, length: number): vscode.Range {
    return new vscode.Range(this.document.positionAt(start), this.document.positionAt(start + length));
  }

  async #write(): Promise<void> {
    let refusals = 0;
    while (!this.#gone) {
      const text = this.#waiting;
      const editor = this.#editor;
      if (text === '' || (editor === undefined && !this.#unseen)) return;
      this.#waiting = '';
      // The first text takes the place of what it replaces, the rest follows it.
      const at = this.#written ? new vscode.Range(this.range.end, this.range.end) : this.range;
      const offset = this.document.offsetAt(at.start);
      const follows = editor?.selection.active.isEqual(this.#written ? at.end : editor.selection.active) === true;
      const { version } = this.document;
      this.#ours = { offset, length: this.document.offsetAt(at.end) - offset };
      const done = await (editor === undefined ? this.#replace(at, text) : this.#edit(editor, at, text));
      this.#ours = undefined;
      if (!done || this.document.version === version) {
        // Somebody edited at the same moment: the place has moved, so try again from there. A read-only document never takes it
        // (and the editor says that it did).
        this.#waiting = text + this.#waiting;
        if (++refusals === MAX_REFUSALS) return this.#lose('readonly');
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      refusals = 0;
      const crlf = this.document.eol === vscode.EndOfLine.CRLF;
      const length = crlf ? text.replace(/\r?\n/g, '\r\n').length : text.length;
      this.#length = this.#written ? this.#length + length : length;
      this.#written = true;
      if (editor !== undefined && follows) {
        // The cursor goes along, unless it was moved away.
        const { end } = this.range;
        if (!editor.selection.isEmpty || !editor.selection.active.isEqual(end))
          editor.selection = new vscode.Selection(end, end);
        editor.revealRange(new vscode.Range(end, end));
      }
      this.#listener.changed();
      if (editor !== undefined) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** Undoes until the document is as it was; where that is not possible, it is left to an edit. */
  async #undo(): Promise<void> {
    // In a notebook, undo may mean the notebook.
    if (this.document.uri.scheme === 'vscode-notebook-cell') return;
    for (let step = 0; step < MAX_UNDO_STEPS && this.document.getText() !== this.#before; step++) {
      const { version } = this.document;
      if (vscode.window.activeTextEditor?.document !== this.document) return;
      await vscode.commands.executeCommand('undo');
      if (this.document.version === version) return;
    }
  }

  /** As a part of the undo step that the first edit begins. @returns false where it was refused, or the editor has just been closed */
  async #edit(editor: vscode.TextEditor, at: vscode.Range, text: string): Promise<boolean> {
    try {
      return await editor.edit((edit) => (at.isEmpty ? edit.insert(at.start, text) : edit.replace(at, text)), {
        undoStopBefore: !this.#written,
        undoStopAfter: false,
      });
    } catch {
      return false;
    }
  }

  async #replace(range: vscode.Range, text: string): Promise<boolean> {
    const edit = new vscode.WorkspaceEdit();
    edit.replace(this.document.uri, range, text);
    return vscode.workspace.applyEdit(edit);
  }

  #lose(how: Lost): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#waiting = '';
    this.#listener.lost(how);
  }

  #changed({ contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    if (this.#ours === 'any' || contentChanges.length === 0) return;
    let others = false;
    for (const change of contentChanges) {
      const ours = this.#ours;
      if (ours !== undefined && change.rangeOffset === ours.offset && change.rangeLength === ours.length) continue;
      others = true;
      this.#move(change);
    }
    if (!others) return;
    this.#edited = true;
    // Who closes a document without saving it has it reverted first; another edit would keep it open.
    if (this.#written && reason === undefined && this.document.getText() === this.#before) this.#lose('reverted');
    else this.#listener.edited(reason !== undefined);
    this.#listener.changed();
  }

  #move({ rangeOffset, rangeLength, text }: vscode.TextDocumentContentChangeEvent): void {
    const grown = text.length - rangeLength;
    const end = this.#start + this.#length;
    const changedEnd = rangeOffset + rangeLength;
    if (changedEnd <= this.#start) this.#start += grown;
    else if (rangeOffset < end) {
      this.#start = Math.min(this.#start, rangeOffset);
      this.#length = Math.max(end, changedEnd) + grown - this.#start;
    }
  }
}
