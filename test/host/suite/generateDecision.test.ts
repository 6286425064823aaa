// What can be done about a written text: keep it, discard it, have another one, edit the prompt; each by one key, and undone in one step.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { cycleText } from '../../cycleModel';
import { generate, lenses, lensesShown, promptBox } from './generating';
import type { HostTest, TestContext } from './hostTest';
import { Scratch } from './scratch';
import { knownModel, open, setting, sleep, until } from './window';

const CODE = 'function add(a: number, b: number): number {\n\t‸\n}\n';
const THEMES = ['Default Dark Modern', 'Default Light Modern'];

/** A model that writes something else every time. */
async function changeable(t: TestContext): Promise<void> {
  await knownModel(t);
  await setting(t, 'generate.maxTokens', 30);
  await setting(t, 'generate.temperature', 2);
  await setting(t, 'generate.repetitionPenalty', 2);
  await setting(t, 'topP', 1);
}

/** Runs a command and waits until the document says something else than before. */
async function changed(document: vscode.TextDocument, run: () => unknown): Promise<string> {
  const before = document.getText();
  await run();
  return until('the document to change', () => {
    const now = document.getText();
    return now === before ? undefined : now;
  });
}

export const tests: HostTest[] = [
  {
    name: 'generated text: it is marked until one key keeps it; one undo takes it back, redo brings it',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 60);
      const editor = await open(t, 'typescript', CODE);
      await editor.edit((edit) => edit.setEndOfLine(vscode.EndOfLine.CRLF));
      const { document } = editor;
      const before = document.getText();
      await vscode.commands.executeCommand('glassbox.continueHere');
      await lensesShown(driver, true);
      assert.equal(
        await lenses(driver),
        'Keep (Ctrl+Enter) | Discard (Escape) | Try Again (Ctrl+Alt+R) | Edit Prompt (Ctrl+Alt+P)',
      );
      const said = (): Promise<boolean> =>
        driver.evaluate<boolean>(`document.body.textContent.includes('3 lines written (')`);
      assert.ok(await said(), 'how much was written');
      const workbench = vscode.workspace.getConfiguration('workbench');
      t.after(() => workbench.update('colorTheme', undefined, vscode.ConfigurationTarget.Global));
      for (const theme of THEMES) {
        await workbench.update('colorTheme', theme, vscode.ConfigurationTarget.Global);
        await sleep(1500);
        await driver.screenshot(`generated-${theme.toLowerCase().replaceAll(' ', '-')}`);
      }
      await vscode.window.showTextDocument(document);
      await driver.press('Control+Enter');
      await lensesShown(driver, false);
      const written = document.getText();
      assert.equal(written, before.replace('{\r\n\t', `{\r\n\t${cycleText(60).replaceAll('\n', '\r\n')}`));
      await driver.press('Control+z');
      await until('undo', () => document.getText() === before || undefined);
      await driver.press('Control+y');
      await until('redo', () => document.getText() === written || undefined);
    },
  },
  {
    name: 'generated text: Escape brings back what was replaced, the selection, and a document without changes',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 40);
      const scratch = new Scratch(t, { 'area.py': 'def area(r):\n    x = r\n    return x\n\nend = 1\n' });
      const editor = await scratch.show('area.py', 0);
      const { document } = editor;
      const before = document.getText();
      const selections = [new vscode.Selection(1, 0, 3, 0), new vscode.Selection(4, 1, 4, 2)];
      editor.selections = selections;
      await (
        await generate(driver, 'the area of a circle')
      ).done;
      const written = `def area(r):\n    ${cycleText(40)}\n\nend = 1\n`;
      assert.equal(document.getText(), written, 'the lines of the first selection were replaced');
      await driver.press('Escape');
      await until('the old text', () => document.getText() === before || undefined);
      await lensesShown(driver, false);
      assert.deepEqual(vscode.window.activeTextEditor?.selections, selections);
      assert.equal(document.isDirty, false, 'as saved');
    },
  },
  {
    name: 'generated text: after two more tries one undo brings back what was before all of them',
    async run(t) {
      const driver = t.needDriver();
      await changeable(t);
      const editor = await open(t, 'typescript', CODE);
      const { document } = editor;
      const before = document.getText();
      await vscode.commands.executeCommand('glassbox.continueHere');
      const texts = [document.getText()];
      for (const last of ['key', 'command']) {
        if (last === 'command') await vscode.commands.executeCommand('glassbox.tryAgain');
        else {
          await changed(document, () => driver.press('Control+Alt+r'));
          await until('the next text to be complete', async () => {
            const now = document.getText();
            await sleep(1500);
            return now !== before && now === document.getText() ? true : undefined;
          });
        }
        texts.push(document.getText());
      }
      assert.equal(new Set(texts).size, 3, 'three texts');
      await vscode.commands.executeCommand('glassbox.keepText');
      await vscode.commands.executeCommand('undo');
      assert.equal(document.getText(), before);
      await vscode.commands.executeCommand('redo');
      assert.equal(document.getText(), texts[2]);
    },
  },
  {
    name: 'generated text: Escape discards it while it is still written, whatever was typed elsewhere',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      await setting(t, 'generate.maxTokens', 900);
      const editor = await open(t, 'typescript', CODE);
      const { document } = editor;
      const before = document.getText();
      const done = vscode.commands.executeCommand('glassbox.continueHere');
      await until('the first text', () => document.getText() !== before || undefined);
      const mine = '// mine\n';
      const insert = (): Thenable<boolean> => editor.edit((edit) => edit.insert(new vscode.Position(0, 0), mine));
      await until('an edit between two of ours', async () => ((await insert()) ? true : undefined));
      await driver.press('Escape');
      await done;
      await until('the old text', () => document.getText() === mine + before || undefined);
      assert.equal(api.status().generating, false);
    },
  },
  {
    name: 'generated text: typing keeps it, and Escape leaves it alone from then on',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 20);
      const editor = await open(t, 'typescript', CODE);
      await vscode.commands.executeCommand('glassbox.continueHere');
      await lensesShown(driver, true);
      const written = editor.document.getText();
      await driver.type('!');
      await lensesShown(driver, false);
      await driver.press('Escape');
      await sleep(500);
      assert.equal(editor.document.getText().replace('!', ''), written);
      await vscode.commands.executeCommand('undo');
      assert.equal(editor.document.getText(), written, 'typing is undone by itself');
    },
  },
  {
    name: 'generated text: the prompt can be edited, and the new text takes the place of the old',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 20);
      const editor = await open(t, 'python', 'x = 1\n‸');
      const { document } = editor;
      await (
        await generate(driver, 'a long story')
      ).done;
      await driver.press('Control+Alt+p');
      assert.equal((await promptBox(driver)).value, 'a long story');
      await driver.press('End');
      await driver.type(' indeed');
      const versions = document.version;
      await driver.press('Enter');
      await until('the new text', () => (document.version > versions + 1 ? true : undefined));
      await until('it to be complete', () => document.getText() === `x = 1\n${cycleText(20)}` || undefined);
      const box = vscode.commands.executeCommand('glassbox.generate');
      assert.match((await promptBox(driver)).list, /a long story indeed/);
      await driver.press('Escape');
      await box;
      await vscode.commands.executeCommand('undo');
      assert.equal(document.getText(), 'x = 1\n');
    },
  },
  {
    name: 'generated text: a second one keeps the first',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 900);
      const editor = await open(t, 'typescript', '‸\n');
      const { document } = editor;
      const first = vscode.commands.executeCommand('glassbox.continueHere');
      await until('the first text', () => document.getText().length > 5 || undefined);
      await setting(t, 'generate.maxTokens', 20);
      await vscode.commands.executeCommand('glassbox.continueHere');
      await first;
      const both = document.getText();
      await lensesShown(driver, true);
      await driver.press('Escape');
      await until('the second to go', () => document.getText().length < both.length || undefined);
      await lensesShown(driver, false);
      const kept = document.getText();
      assert.ok(kept.length > 6 && cycleText(900).startsWith(kept.trimEnd()), kept);
    },
  },
];
