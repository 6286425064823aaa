// The files that a document imports, found in the folders of its workspace.

import * as vscode from 'vscode';
import { importedPaths } from '../../completion/imports';
import { fileOf, pathForModel } from '../documents';

/** Lines at the beginning of a document in which imports are looked for. */
const HEAD_LINES = 400;

/** The files of the workspace that a document imports. */
export async function importedFiles(document: vscode.TextDocument): Promise<vscode.Uri[]> {
  const file = fileOf(document);
  const folder = vscode.workspace.getWorkspaceFolder(file);
  if (folder === undefined) return [];
  const path = pathForModel(document);
  const listings = new Map<string, Promise<Set<string>>>();
  const listing = (of: vscode.Uri): Promise<Set<string>> => {
    const found = listings.get(of.path) ?? namesIn(of);
    listings.set(of.path, found);
    return found;
  };
  const first = async (paths: readonly string[]): Promise<vscode.Uri | undefined> => {
    for (const each of paths) {
      const uri = vscode.Uri.joinPath(folder.uri, each);
      if ((await listing(vscode.Uri.joinPath(uri, '..'))).has(uri.path.slice(uri.path.lastIndexOf('/') + 1)))
        return uri;
    }
    return undefined;
  };
  const head = document.getText(new vscode.Range(0, 0, HEAD_LINES, 0));
  const inFolder = vscode.workspace.workspaceFolders?.length === 1 ? path : path.slice(path.indexOf('/') + 1);
  return (await Promise.all(importedPaths(inFolder, head).map(first))).filter((uri) => uri !== undefined);
}

/** Names of the files in a folder; none where there is no such folder. */
async function namesIn(folder: vscode.Uri): Promise<Set<string>> {
  try {
    const entries = await vscode.workspace.fs.readDirectory(folder);
    return new Set(entries.filter(([, type]) => type === vscode.FileType.File).map(([name]) => name));
  } catch {
    return new Set();
  }
}
