// The text of files for the model: the one place where other files are read, and where it is seen to that an excluded one never is.

import * as vscode from 'vscode';
import { isHandwritten } from '../../completion/excerpt';
import type { Exclusion } from '../exclusion';

/** Larger files are generated, or data. */
export const MAX_BYTES = 256 * 1024;

/**
 * The text of a file as it stands in the editor, or else on disk, lines ending in \n.
 * @returns undefined where it may not be read, is not there, or was not written by people
 */
export async function readText(uri: vscode.Uri, exclusion: Exclusion): Promise<string | undefined> {
  if (!(await exclusion.mayRead(uri))) return undefined;
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  if (open !== undefined && !open.isDirty && (await isGone(uri))) return undefined;
  const text = open === undefined ? await readFile(uri) : open.getText();
  if (text === undefined || text.length > MAX_BYTES || !isHandwritten(text)) return undefined;
  return text.replaceAll('\r\n', '\n');
}

/** Whether a file was deleted: the editor keeps its text for minutes after its last tab was closed. */
async function isGone(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return false;
  } catch (error) {
    return error instanceof vscode.FileSystemError && error.code === 'FileNotFound' && uri.scheme !== 'untitled';
  }
}

async function readFile(uri: vscode.Uri): Promise<string | undefined> {
  try {
    const { size, type } = await vscode.workspace.fs.stat(uri);
    if (size > MAX_BYTES || type !== vscode.FileType.File) return undefined; // a link may lead anywhere, to a secret file, too
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  } catch {
    return undefined; // it is gone
  }
}
