// Joins the panel and the editors: what is pointed at in the panel is drawn where it stands, and where the caret stands the panel is told.

import { posix } from 'node:path';
import * as vscode from 'vscode';
import { t } from '../../l10n';
import type { WebviewPoint } from '../../webviewProtocol';
import { levelOf, LEVELS, makeDecorations, type Decorations } from './decorations';
import type { Place, Places } from './places';

/** Between two carets that are told, in milliseconds. */
const CARET_MS = 80;

/** What is drawn in a document. */
export interface Marked {
  outlined: vscode.Range[];
  /** By strength, the weakest first. */
  shaded: vscode.Range[][];
}

export class EditorLink implements vscode.Disposable {
  readonly #caret: (sequence: number, position: number) => void;
  #places: Places | undefined;
  #point: WebviewPoint | undefined;
  #decorations: Decorations | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #subscriptions: vscode.Disposable[];

  /** @param caret told on which token the caret stands */
  constructor(caret: (sequence: number, position: number) => void) {
    this.#caret = caret;
    this.#subscriptions = [
      vscode.window.onDidChangeVisibleTextEditors(() => this.#draw()),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor, kind }) => {
        // Whoever types looks at the text: the next completion will be on show anyway.
        const chosen =
          kind === vscode.TextEditorSelectionChangeKind.Mouse || kind === vscode.TextEditorSelectionChangeKind.Keyboard;
        if (chosen && textEditor === vscode.window.activeTextEditor) this.#tellSoon();
      }),
    ];
  }

  /** The tokens that are meant. */
  get places(): Places | undefined {
    return this.#places;
  }

  /** From now on these tokens are meant. */
  show(places: Places | undefined): void {
    if (places?.sequence !== this.#places?.sequence) this.#point = undefined;
    this.#places = places;
    this.#draw();
  }

  /** A token is pointed at in the panel. @returns file and line that are shown now, if there are @throws Error where the file cannot be opened */
  async point(point: WebviewPoint): Promise<string | undefined> {
    if (point.sequence !== this.#places?.sequence) return undefined;
    this.#point = point.position < 0 ? undefined : point;
    this.#draw();
    return point.reveal ? this.#reveal(this.#places.at[point.position]) : undefined;
  }

  /** The token at a place in a document; −1: none. */
  tokenAt(document: vscode.TextDocument, position: vscode.Position): number {
    const uri = document.uri.toString();
    let before = -1;
    for (const [index, place] of this.#places?.at.entries() ?? []) {
      if (place?.uri !== uri || !place.range.contains(position)) continue;
      if (!place.range.end.isEqual(position)) return index;
      before = index; // the one before the caret, unless another follows it
    }
    return before;
  }

  /** What is drawn in a document now. */
  marked(document: vscode.TextDocument): Marked {
    const marked: Marked = { outlined: [], shaded: Array.from({ length: LEVELS }, () => []) };
    const point = this.#point;
    if (point === undefined || this.#places === undefined) return marked;
    const uri = document.uri.toString();
    const { at } = this.#places;
    const range = (position: number): vscode.Range | undefined =>
      at[position]?.uri === uri ? at[position].range : undefined;
    const outlined = range(point.position);
    if (outlined !== undefined) marked.outlined.push(outlined);
    point.shares.forEach((share, position) => {
      const key = range(position);
      const level = levelOf(share);
      if (key !== undefined && level > 0) marked.shaded[level - 1]?.push(key);
    });
    return marked;
  }

  /** Takes everything out of the editors. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#places = this.#point = undefined;
    for (const type of [this.#decorations?.outline, ...(this.#decorations?.shades ?? [])]) type?.dispose();
    this.#decorations = undefined;
  }

  dispose(): void {
    this.clear();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #draw(): void {
    if (this.#point === undefined && this.#decorations === undefined) return;
    const { outline, shades } = (this.#decorations ??= makeDecorations());
    for (const editor of vscode.window.visibleTextEditors) {
      const { outlined, shaded } = this.marked(editor.document);
      editor.setDecorations(outline, outlined);
      shades.forEach((type, i) => editor.setDecorations(type, shaded[i] ?? []));
    }
  }

  /** Shows a place; the focus stays where it is. */
  async #reveal(place: Place | undefined): Promise<string | undefined> {
    if (place === undefined) return undefined;
    const shown = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === place.uri);
    const column = shown?.viewColumn ?? vscode.ViewColumn.One;
    const document = shown?.document ?? (await vscode.workspace.openTextDocument(vscode.Uri.parse(place.uri, true)));
    const editor =
      shown ?? (await vscode.window.showTextDocument(document, { viewColumn: column, preserveFocus: true }));
    editor.revealRange(place.range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    this.#draw();
    return t('{0}, line {1}', posix.basename(document.uri.path), place.range.start.line + 1);
  }

  #tellSoon(): void {
    if (this.#places === undefined) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const editor = vscode.window.activeTextEditor;
      if (editor === undefined || this.#places === undefined) return;
      const position = this.tokenAt(editor.document, editor.selection.active);
      if (position >= 0) this.#caret(this.#places.sequence, position);
    }, CARET_MS);
  }
}
