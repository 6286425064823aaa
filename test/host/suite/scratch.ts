// Files for one test, in a folder of the workspace that goes with the test.

import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { Driver } from '../driver';
import type { TestContext } from './hostTest';
import { settled } from './window';

let made = 0;

export class Scratch {
  /** Path of the folder, and the same relative to the workspace. */
  readonly dir: string;
  readonly name = `scratch-${process.pid}-${++made}`;

  readonly #driver: Driver | undefined;

  constructor(t: TestContext, files: Record<string, string>) {
    this.#driver = t.driver;
    const [workspace] = vscode.workspace.workspaceFolders ?? assert.fail('no workspace');
    this.dir = join((workspace as vscode.WorkspaceFolder).uri.fsPath, this.name);
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    t.after(() => rmSync(this.dir, { recursive: true, force: true }));
    t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.dir, name)), { recursive: true });
    writeFileSync(join(this.dir, name), text);
  }

  remove(name: string): void {
    rmSync(join(this.dir, name), { recursive: true });
  }

  /** Path as the model knows it. */
  path(name: string): string {
    return `${this.name}/${name}`;
  }

  uri(name: string): vscode.Uri {
    return vscode.Uri.file(join(this.dir, name));
  }

  /** Shows a file with the cursor at the end of a line, from 0; by default the last. */
  async show(name: string, line?: number): Promise<vscode.TextEditor> {
    const document = await vscode.workspace.openTextDocument(this.uri(name));
    const { end } = document.lineAt(line ?? document.lineCount - 1).range;
    // Set with the opening: set afterwards it may arrive in a slow window when keys have been typed.
    const selection = new vscode.Range(end, end);
    const editor = await vscode.window.showTextDocument(document, { preview: false, selection });
    await settled(this.#driver, document);
    return editor;
  }
}

/** What the provider answers at the cursor when it is asked for a suggestion. */
export async function suggested(
  provider: vscode.InlineCompletionItemProvider,
  { document, selection }: vscode.TextEditor,
): Promise<vscode.InlineCompletionItem[]> {
  const asked = new vscode.CancellationTokenSource();
  const context = { triggerKind: vscode.InlineCompletionTriggerKind.Invoke, selectedCompletionInfo: undefined };
  const answer = await provider.provideInlineCompletionItems(document, selection.active, context, asked.token);
  asked.dispose();
  return answer instanceof Array ? answer : (answer?.items ?? []);
}
