// A notebook's cells as one text: what is written in a cell goes on from the cells above it.

import * as vscode from 'vscode';

/** Most characters of the cells on either side. */
const MAX_CHARS = 32_000;

/** The notebook in which a document is a cell. */
export function notebookOf(document: vscode.TextDocument): vscode.NotebookDocument | undefined {
  return cellOf(document)?.notebook;
}

/**
 * What stands in the cells above a cell and below it; undefined where the document is none.
 * @param mark what a line comment begins with in its language; cells in other languages become comments
 */
export function cellsAround(
  document: vscode.TextDocument,
  mark: string,
): { before: string; after: string } | undefined {
  const cell = cellOf(document);
  if (cell === undefined) return undefined;
  const cells = cell.notebook.getCells();
  const above = texts(cells.slice(0, cell.index).reverse(), document, mark).reverse();
  const below = texts(cells.slice(cell.index + 1), document, mark);
  return { before: above.map((text) => `${text}\n\n`).join(''), after: below.map((text) => `\n\n${text}`).join('') };
}

function cellOf(document: vscode.TextDocument): vscode.NotebookCell | undefined {
  if (document.uri.scheme !== 'vscode-notebook-cell') return undefined;
  for (const notebook of vscode.workspace.notebookDocuments) {
    const found = notebook.getCells().find((cell) => cell.document === document);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Texts of cells, as many as there is room for, the nearest first. */
function texts(cells: readonly vscode.NotebookCell[], { languageId }: vscode.TextDocument, mark: string): string[] {
  const found: string[] = [];
  let left = MAX_CHARS;
  for (const { document } of cells) {
    const text = document.getText().replaceAll('\r\n', '\n').trimEnd();
    left -= text.length;
    if (left < 0) break;
    if (text !== '') found.push(document.languageId === languageId ? text : text.replace(/^/gm, mark));
  }
  return found;
}
