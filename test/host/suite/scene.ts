// What there was to see when a test failed, in words: on another machine nobody has the window before him. Called by index.ts.

import * as vscode from 'vscode';
import type { Api } from '../../../src/extension/extension';
import type { Question } from '../../../src/extension/why';
import type { Driver } from '../driver';

/** Where the focus is and what else the window shows; an expression for the workbench's page. */
const WINDOW = `({
  focus: (() => {
    const names = [];
    for (let e = document.activeElement; e && e !== document.body; e = e.parentElement)
      if (e.id || e.classList.length > 0) names.push(e.id ? '#' + e.id : '.' + [...e.classList].slice(0, 2).join('.'));
    return names.slice(0, 8).join(' < ');
  })(),
  hasFocus: document.hasFocus(),
  messages: [...document.querySelectorAll('.notification-list-item-message, .dialog-message, .quick-input-widget:not([style*="none"]) .monaco-list-row')]
    .map((e) => e.textContent.trim()).slice(0, 8),
})`;

/** The editor, the extension and the window as they are now. */
export async function scene(driver: Driver | undefined): Promise<string> {
  const api = vscode.extensions.getExtension<Api>('glassbox.glassbox')?.exports;
  const editor = vscode.window.activeTextEditor;
  const seen = {
    document: editor && `${editor.document.uri.toString()} ${editor.document.languageId} ${editor.document.version}`,
    text: editor?.document.getText().slice(-300),
    cursor: editor && `${editor.selection.active.line}:${editor.selection.active.character}`,
    engine: api?.status().engine.kind,
    generating: api?.status().generating,
    asked: api?.modelRequests(),
    editorAsked: place(api?.why.question),
    why: api?.why.last?.text,
    window: driver && (await driver.evaluate<object>(WINDOW)),
  };
  return JSON.stringify(seen, undefined, 1);
}

/** Where the editor last asked for a suggestion: a place beside the cursor's, or none, shows that it did not ask where the test typed. */
function place(question: Question | undefined): string | undefined {
  return question && `${question.version} at ${question.position.line}:${question.position.character}`;
}

/** Closes inputs, menus and messages. */
export async function tidy(): Promise<void> {
  for (const command of [
    'workbench.action.closeQuickOpen',
    'notifications.clearAll',
    'workbench.action.closeAllEditors',
  ])
    await vscode.commands.executeCommand(command);
}
