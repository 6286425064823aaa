// What the extension needs to know of documents: which are for people to write in, and what a document is called.

import * as vscode from 'vscode';
import { cellsAround, notebookOf } from './notebooks';

/** Documents that the editor itself fills, or in which a suggestion would be out of place. */
const NOT_FOR_WRITING = new Set([
  'output',
  'debug',
  'vscode-scm',
  'comment',
  'git',
  'search-editor',
  'vscode-interactive-input',
  'glassbox-statistics',
]);

export function isForWriting({ uri }: vscode.TextDocument): boolean {
  if (NOT_FOR_WRITING.has(uri.scheme) || uri.scheme.startsWith('chat')) return false;
  return vscode.workspace.fs.isWritableFileSystem(uri.scheme) !== false; // undefined: new documents and notebooks
}

/** Of a longer document only so many characters around a place are looked at: all that anybody reads, and a key in a large file costs no more than in a small one. */
const MAX_BEFORE = 96_000;
const MAX_AFTER = 32_000;
/** The beginning moves in steps of this many characters, so that it stays where it is while one types. */
const STEP = 32_000;

/**
 * The document before and after a range; in a notebook with the cells around it. Lines end in \n, as the model writes them, whatever the
 * file has.
 */
export function textAround(document: vscode.TextDocument, range: vscode.Range): { before: string; after: string } {
  const start = document.offsetAt(range.start);
  let first = document.positionAt(Math.max(0, Math.ceil((start - MAX_BEFORE) / STEP) * STEP));
  if (first.character < STEP) first = first.with({ character: 0 });
  const last = document.positionAt(document.offsetAt(range.end) + MAX_AFTER);
  const unix = (part: vscode.Range): string => document.getText(part).replaceAll('\r\n', '\n');
  const own = { before: unix(new vscode.Range(first, range.start)), after: unix(new vscode.Range(range.end, last)) };
  const cells = cellsAround(document, lineComment(document.languageId));
  return cells === undefined ? own : { before: cells.before + own.before, after: own.after + cells.after };
}

/** Language ids whose files do not end in the id. */
const ENDINGS: Record<string, string> = {
  typescript: 'ts',
  typescriptreact: 'tsx',
  javascript: 'js',
  javascriptreact: 'jsx',
  python: 'py',
  markdown: 'md',
  jsonc: 'json',
  plaintext: 'txt',
  shellscript: 'sh',
};

/**
 * The document's path as the model sees it: see `pathOf`. A new document is named for its language, and a notebook's cell as if the
 * notebook were a file of the cell's language.
 */
export function pathForModel(document: vscode.TextDocument): string {
  const ending = ENDINGS[document.languageId] ?? document.languageId;
  const notebook = notebookOf(document);
  if (notebook?.isUntitled ?? document.isUntitled) return `untitled.${ending}`;
  const path = pathOf(notebook?.uri ?? document.uri);
  return notebook === undefined ? path : path.replace(/\.[^./]*$/, `.${ending}`);
}

/** A file's path as the model and the workspace memory know it: relative to the workspace, with '/', and with the folder's name where there are several. */
export function pathOf(uri: vscode.Uri): string {
  return vscode.workspace.asRelativePath(uri);
}

/** The file in which a document lies: of a notebook's cell, the notebook. */
export function fileOf(document: vscode.TextDocument): vscode.Uri {
  return notebookOf(document)?.uri ?? document.uri;
}

const HASH = [
  'python',
  'ruby',
  'shellscript',
  'yaml',
  'toml',
  'perl',
  'r',
  'makefile',
  'dockerfile',
  'elixir',
  'powershell',
  'julia',
  'coffeescript',
  'ini',
  'properties',
];
const DASHES = ['sql', 'lua', 'haskell'];
const NONE = ['plaintext', 'markdown', 'json', 'html', 'xml', 'css', 'latex', 'restructuredtext'];

/** What a line comment begins with in a language; '' where there are none. */
export function lineComment(languageId: string): string {
  if (HASH.includes(languageId)) return '# ';
  if (DASHES.includes(languageId)) return '-- ';
  return NONE.includes(languageId) ? '' : '// ';
}
