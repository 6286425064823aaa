// The commands that write: they stream into the editor and are undone in one step.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { cycleText } from '../../cycleModel';
import type { HostTest } from './hostTest';
import { knownModel, open, setting, sleep, until } from './window';

const CODE = `/** Adds two numbers. */
function add(a: number, b: number): number {
  ‸
`;

/** Counts how often a document changes. */
function countChanges(document: vscode.TextDocument): { count: () => number; dispose: () => void } {
  let changes = 0;
  const listening = vscode.workspace.onDidChangeTextDocument((event) => {
    if (event.document === document && event.contentChanges.length > 0) changes++;
  });
  return { count: () => changes, dispose: () => void listening.dispose() };
}

export const tests: HostTest[] = [
  {
    name: 'Continue Here streams at the cursor and is undone in one step',
    async run(t) {
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 60);
      await setting(t, 'generate.temperature', 0);
      const editor = await open(t, 'typescript', CODE);
      const before = editor.document.getText();
      const changes = countChanges(editor.document);
      t.after(() => changes.dispose());
      await vscode.commands.executeCommand('glassbox.continueHere');
      const written = editor.document.getText();
      assert.equal(written, before.replace('{\n  ', `{\n  ${cycleText(60)}`));
      assert.ok(changes.count() >= 3, `${changes.count()} changes`);
      await vscode.commands.executeCommand('undo');
      assert.equal(editor.document.getText(), before);
      await vscode.commands.executeCommand('redo');
      assert.equal(editor.document.getText(), written);
    },
  },
  {
    name: 'Generate asks for a prompt, streams, undoes in one step, and remembers the prompt',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 40);
      const editor = await open(t, 'python', 'import math\n\n‸');
      const before = editor.document.getText();
      for (const round of [1, 2]) {
        const done = vscode.commands.executeCommand('glassbox.generate');
        await until('the prompt box', () =>
          driver
            .evaluate<boolean>(`!!document.querySelector('.quick-input-widget:not([style*="display: none"]) input')`)
            .then((shown) => shown || undefined),
        );
        if (round === 1) await driver.type('the area of a circle');
        else
          await until('the earlier prompt', () =>
            driver
              .evaluate<boolean>(
                `document.querySelector('.quick-input-list')?.textContent.includes('the area of a circle') ?? false`,
              )
              .then((shown) => shown || undefined),
          );
        if (round === 2) await driver.screenshot('generate-history');
        await driver.press('Enter');
        await done;
        assert.equal(editor.document.getText(), before + cycleText(40), 'the prompt is for the model only');
        await vscode.commands.executeCommand('undo');
        assert.equal(editor.document.getText(), before);
      }
    },
  },
  {
    name: 'suggestions keep out of the way while a text is written',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      await setting(t, 'generate.maxTokens', 300);
      await setting(t, 'generate.temperature', 1);
      const editor = await open(t, 'typescript', CODE);
      await driver.type('re');
      await until(
        'a suggestion to be asked for',
        () => (api.modelRequests() > 0 && !api.status().generating) || undefined,
      );
      await sleep(500);
      const before = editor.document.getText();
      const done = vscode.commands.executeCommand('glassbox.continueHere');
      await until('the first text', () => editor.document.getText() !== before || undefined);
      await driver.type('!');
      await done;
      const goesOn = cycleText(305).slice(5); // from the e of “re” on
      assert.equal(
        editor.document.getText().replace('!', '').length,
        before.length + goesOn.length,
        'all of it was written',
      );
    },
  },
  {
    name: 'Generate opens a new document where none is open',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 20);
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      const done = vscode.commands.executeCommand('glassbox.generate');
      await sleep(500);
      await driver.type('function main() {');
      await driver.press('Enter');
      await done;
      assert.equal(vscode.window.activeTextEditor?.document.getText(), `function main() {${cycleText(20)}`);
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    },
  },
  {
    name: 'Generate can be cancelled from its notification and keeps what was written',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      await setting(t, 'generate.maxTokens', 900);
      await setting(t, 'generate.temperature', 1);
      const editor = await open(t, 'typescript', CODE);
      const before = editor.document.getText();
      const done = vscode.commands.executeCommand('glassbox.continueHere');
      await until('the first text', () => editor.document.getText() !== before || undefined);
      await vscode.commands.executeCommand('notifications.showList');
      await driver.screenshot('generating');
      await until('the Cancel button', () =>
        driver
          .evaluate<boolean>(
            `(() => {
              const button = [...document.querySelectorAll('.notifications-center .monaco-button')].find((b) => b.textContent === 'Cancel');
              button?.click();
              return button !== undefined;
            })()`,
          )
          .then((clicked) => clicked || undefined),
      );
      await done;
      assert.equal(api.status().generating, false);
      const cancelled = editor.document.getText();
      assert.ok(cancelled.length < before.length + 800, `${cancelled.length} characters: not cancelled`);
      await sleep(500);
      assert.equal(editor.document.getText(), cancelled);
    },
  },
];
