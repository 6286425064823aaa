// What the user copied last, where it is code that may be shown to the model.

import * as vscode from 'vscode';
import { looksSecret } from '../../completion/secrets';
import { fileOf } from '../documents';
import type { Exclusion } from '../exclusion';

const SHORTEST = 10;
const LONGEST = 2000;

/**
 * The copied text, if it is of several lines: a password or an address is one. Nothing while another window has the focus, nor in a browser,
 * which would ask the user for leave.
 */
export async function copiedText(exclusion: Exclusion): Promise<string | undefined> {
  if (!vscode.window.state.focused || vscode.env.uiKind !== vscode.UIKind.Desktop) return undefined;
  const text = (await vscode.env.clipboard.readText()).replaceAll('\r\n', '\n').trimEnd();
  if (text.length < SHORTEST || text.length > LONGEST || !text.trim().includes('\n') || looksSecret(text))
    return undefined;
  // It may have been copied from a file that must not be read.
  for (const document of vscode.workspace.textDocuments)
    if (document.getText().replaceAll('\r\n', '\n').includes(text) && !(await exclusion.mayRead(fileOf(document))))
      return undefined;
  return text;
}
