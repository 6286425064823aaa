// What the extension needs to know of documents: which are for people to write in, and what a document is called.

import * as vscode from 'vscode';

/** Documents that the editor itself fills, or in which a suggestion would be out of place. */
const NOT_FOR_WRITING = new Set([
  'output',
  'debug',
  'vscode-scm',
  'comment',
  'git',
  'search-editor',
  'vscode-interactive-input',
]);

export function isForWriting(document: vscode.TextDocument): boolean {
  return !NOT_FOR_WRITING.has(document.uri.scheme) && !document.uri.scheme.startsWith('chat');
}

/** The document before and after a range. Lines end in \n, as the model writes them, whatever the file has. */
export function textAround(document: vscode.TextDocument, range: vscode.Range): { before: string; after: string } {
  const text = document.getText();
  const unix = (part: string): string => part.replaceAll('\r\n', '\n');
  return {
    before: unix(text.slice(0, document.offsetAt(range.start))),
    after: unix(text.slice(document.offsetAt(range.end))),
  };
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

/** The document's path as the model sees it: relative to the workspace, with '/'; a new document is named for its language. */
export function pathForModel(document: vscode.TextDocument): string {
  if (document.isUntitled) return `untitled.${ENDINGS[document.languageId] ?? document.languageId}`;
  return vscode.workspace.asRelativePath(document.uri, false);
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
