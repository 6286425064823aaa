// Where a generated text goes, how it is drawn, and the list of earlier prompts: all in the one question of Generate.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { cycleText } from '../../cycleModel';
import { generate, promptBox } from './generating';
import type { HostTest } from './hostTest';
import { knownModel, open, setting, until } from './window';

const CODE = 'class A {\n  one() {\n    return 1;\n  }\n}\n';

export const tests: HostTest[] = [
  {
    name: 'generated text: it goes after the selection, or into a new document, where that is chosen',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 20);
      const editor = await open(t, 'typescript', `${CODE}‸`);
      editor.selection = new vscode.Selection(1, 0, 4, 0);
      const box = vscode.commands.executeCommand('glassbox.generate');
      await promptBox(driver);
      await driver.type('a method two');
      await until('the places', async () =>
        (await promptBox(driver)).list.includes('Write in a New Document') ? true : undefined,
      );
      await driver.screenshot('generate-places');
      await driver.press('ArrowDown');
      await driver.press('Enter');
      await box;
      assert.equal(editor.document.getText(), CODE.replace('  }\n', `  }\n  ${cycleText(20)}\n`));
      await driver.press('Control+z');
      await until('undo', () => editor.document.getText() === CODE || undefined);
      editor.selection = new vscode.Selection(0, 0, 0, 0); // undo has brought the selection back

      await (
        await generate(driver, 'a class B', 1)
      ).done;
      const opened = vscode.window.activeTextEditor?.document ?? assert.fail('no editor');
      assert.notEqual(opened, editor.document);
      assert.equal(opened.languageId, 'typescript');
      assert.equal(opened.getText(), cycleText(20));
      await driver.press('Escape');
      await until('its tab to close', () => vscode.window.activeTextEditor?.document === editor.document || undefined);
      assert.equal(editor.document.getText(), CODE);
    },
  },
  {
    name: 'generated text: how it is drawn is chosen on the way, stands in the title, and is remembered',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      for (const key of ['strategy', 'temperature', 'maxTokens']) await setting(t, `generate.${key}`, undefined);
      await open(t, 'python', 'x = 1\n‸');
      const box = vscode.commands.executeCommand('glassbox.generate');
      assert.equal((await promptBox(driver)).title, 'Generate: top-p 0.95 · temperature 0.6 · 200 tokens');
      await driver.type('half a pro');
      const press = (label: string): Promise<void> =>
        driver.click(`.quick-input-widget .action-label[aria-label^="${label}"]`);
      await press('Sampling Strategy');
      await until('the strategies', async () =>
        (await promptBox(driver)).list.includes('typical') ? true : undefined,
      );
      await driver.screenshot('generate-strategies');
      await driver.type('min-p');
      await driver.press('Enter');
      const titled = (title: string): Promise<true> =>
        until(title, async () => ((await promptBox(driver)).title === `Generate: ${title}` ? true : undefined));
      await titled('min-p 0.05 · temperature 0.6 · 200 tokens');
      await press('Length');
      await until('the length', async () => ((await promptBox(driver)).value === '200' ? true : undefined));
      await driver.type('25');
      await driver.press('Enter');
      await titled('min-p 0.05 · temperature 0.6 · 25 tokens');
      assert.equal((await promptBox(driver)).value, 'half a pro', 'what was typed is still there');
      await driver.press('Enter');
      await box;
      assert.equal(vscode.window.activeTextEditor?.document.getText(), `x = 1\n${cycleText(25)}`);
      assert.equal(vscode.workspace.getConfiguration('glassbox').get('generate.strategy'), 'min-p');
    },
  },
  {
    name: 'generated text: an earlier prompt can be taken out of the list',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'generate.maxTokens', 5);
      await open(t, 'python', '‸');
      await (
        await generate(driver, 'to be forgotten')
      ).done;
      const box = vscode.commands.executeCommand('glassbox.generate');
      assert.match((await promptBox(driver)).list, /to be forgotten/);
      await driver.click('.quick-input-list .action-label[aria-label="Remove from the List"]');
      await until('it to go', async () =>
        (await promptBox(driver)).list.includes('to be forgotten') ? undefined : true,
      );
      await driver.press('Escape');
      await box;
    },
  },
];
