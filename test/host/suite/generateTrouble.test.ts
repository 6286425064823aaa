// What happens to a text that is being written when its document or the engine goes away, or nobody may write there.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { cycleText } from '../../cycleModel';
import { answer, lensesShown } from './generating';
import type { HostTest } from './hostTest';
import { Scratch } from './scratch';
import { knownModel, open, setting, sleep, until } from './window';

export const tests: HostTest[] = [
  {
    name: 'generated text: the document is closed meanwhile, and what was written can be opened anew',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 900);
      const scratch = new Scratch(t, { 'closed.py': 'x = 1\n' });
      const editor = await scratch.show('closed.py');
      const done = vscode.commands.executeCommand('glassbox.continueHere');
      await until('some text', () => editor.document.getText().length > 12 || undefined);
      await until('the tab to close', async () => {
        // The editor gives up where somebody edits while it reads the file.
        await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
        await sleep(200);
        return vscode.window.activeTextEditor === undefined || undefined;
      });
      await done;
      await answer(driver, 'was closed', 'Open the Text in a New Document');
      const text = await until('the new document', () => vscode.window.activeTextEditor?.document.getText());
      assert.ok(text.length >= 6 && cycleText(900).startsWith(text), text);
    },
  },
  {
    name: 'generated text: the engine dies, and what it wrote stays to be decided about',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      await setting(t, 'generate.maxTokens', 900);
      const editor = await open(t, 'python', 'x = 1\n‸');
      const { document } = editor;
      const done = vscode.commands.executeCommand('glassbox.continueHere');
      await until('some text', () => document.getText().length > 12 || undefined);
      process.kill(api.enginePid() ?? assert.fail('no engine'), 'SIGKILL');
      await done;
      const written = document.getText();
      assert.ok(written.length > 12);
      await lensesShown(driver, true);
      await vscode.commands.executeCommand('notifications.showList');
      await driver.screenshot('generate-engine-died');
      await setting(t, 'generate.maxTokens', 20);
      await answer(driver, 'stopped after', 'Try Again');
      await until('another text', () => document.getText() === `x = 1\n${cycleText(20)}` || undefined);
      await vscode.commands.executeCommand('glassbox.discardText');
      assert.equal(document.getText(), 'x = 1\n');
    },
  },
  {
    name: 'generated text: a document that cannot be edited says so and offers the text',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 60);
      const scratch = new Scratch(t, { 'locked.py': 'x = 1\n' });
      const editor = await scratch.show('locked.py');
      await vscode.commands.executeCommand('workbench.action.files.setActiveEditorReadonlyInSession');
      t.after(() => vscode.commands.executeCommand('workbench.action.files.setActiveEditorWriteableInSession'));
      await vscode.commands.executeCommand('glassbox.continueHere');
      assert.equal(editor.document.getText(), 'x = 1\n');
      await answer(driver, 'cannot be edited', 'Copy the Text');
      await until('the text', async () =>
        cycleText(60).startsWith((await vscode.env.clipboard.readText()) || ' ') ? true : undefined,
      );
    },
  },
  {
    name: 'generated text: discarded before the first token, the document was never touched',
    async run(t) {
      const api = await knownModel(t);
      await setting(t, 'generate.maxTokens', 100);
      const editor = await open(t, 'python', `${'x = 1\n'.repeat(300)}‸`);
      const { version } = editor.document;
      const done = vscode.commands.executeCommand('glassbox.continueHere');
      await until('the request', () => api.status().generating || undefined);
      await vscode.commands.executeCommand('glassbox.discardText');
      await done;
      await until('the engine to be free', () => !api.status().generating || undefined);
      await sleep(300);
      assert.equal(editor.document.version, version);
    },
  },
  {
    name: 'generated text: in a cell of a notebook it is written and discarded as anywhere',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 20);
      const cell = new vscode.NotebookCellData(vscode.NotebookCellKind.Code, 'x = 1\n', 'python');
      const notebook = await vscode.workspace.openNotebookDocument('jupyter-notebook', new vscode.NotebookData([cell]));
      await vscode.window.showNotebookDocument(notebook);
      t.after(() => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));
      await vscode.commands.executeCommand('notebook.cell.edit');
      const document = notebook.cellAt(0).document;
      const editor = await until('the cell to have the focus', () =>
        vscode.window.activeTextEditor?.document === document ? vscode.window.activeTextEditor : undefined,
      );
      editor.selection = new vscode.Selection(1, 0, 1, 0);
      await vscode.commands.executeCommand('glassbox.continueHere');
      assert.equal(document.getText(), `x = 1\n${cycleText(20)}`);
      await driver.screenshot('generated-notebook');
      await driver.press('Escape');
      await until('the old text', () => document.getText() === 'x = 1\n' || undefined);
    },
  },
];
