// The attention panel in the window: a real heat map of the last completion, in every kind of theme.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { HostTest } from './hostTest';
import { glassbox, open, setting, settledGhost, sleep, until } from './window';

const THEMES = ['Default Dark Modern', 'Default Light Modern', 'Default High Contrast', 'Default High Contrast Light'];

/** Distinct colours on the page's canvas. */
const COLOURS = `(() => {
  const canvas = document.querySelector('canvas');
  if (!canvas || canvas.width === 0) return 0;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return colours.size;
})()`;

export const tests: HostTest[] = [
  {
    name: 'the panel shows a heat map of the last completion, for the head that is chosen, in every theme',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      await glassbox();
      await setting(t, 'temperature', 0);
      await open(t, 'typescript', 'export function area(width: number, height: number): number {\n  ‸\n}\n');
      await setting(t, 'generate.maxTokens', 16);
      await vscode.commands.executeCommand('glassbox.continueHere');
      await vscode.commands.executeCommand('glassbox.showAttention');
      t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
      const colours = await until('a heat map', async () => {
        const count = await driver.webview.evaluate<number>(COLOURS).catch(() => 0);
        return count > 10 ? count : undefined;
      });
      console.log(`${colours} colours`);
      const text = await driver.webview.evaluate<string>('document.body.innerText');
      assert.match(text, /\d+ tokens \(\d+ prompt \+ \d+ generated\) · glassbox-small · exact softmax weights/);
      assert.ok(
        (await driver.webview.evaluate<number>(`document.querySelectorAll('select').length`)) >= 2,
        'layer and head can be chosen',
      );

      const picture = `document.querySelector('canvas').toDataURL()`;
      const first = await driver.webview.evaluate<string>(picture);
      await driver.webview.evaluate(
        `(() => { const s = document.querySelectorAll('select')[0]; s.selectedIndex = s.options.length - 1; s.dispatchEvent(new Event('change', { bubbles: true })); })()`,
      );
      await until('another map', async () =>
        (await driver.webview.evaluate<string>(picture)) !== first ? true : undefined,
      );

      const workbench = vscode.workspace.getConfiguration('workbench');
      t.after(() => workbench.update('colorTheme', undefined, vscode.ConfigurationTarget.Global));
      for (const theme of THEMES) {
        await workbench.update('colorTheme', theme, vscode.ConfigurationTarget.Global);
        await sleep(1000);
        assert.ok((await driver.webview.evaluate<number>(COLOURS)) > 10, theme);
        await driver.screenshot(`attention-${theme.toLowerCase().replaceAll(' ', '-')}`);
      }
    },
  },
  {
    name: 'a suggestion in the sample folder, and beside it what the model looked at',
    async run(t) {
      const driver = t.needDriver();
      await glassbox();
      await setting(t, 'temperature', 0);
      const workbench = vscode.workspace.getConfiguration('workbench');
      await workbench.update('colorTheme', 'Default Dark Modern', vscode.ConfigurationTarget.Global);
      t.after(() => workbench.update('colorTheme', undefined, vscode.ConfigurationTarget.Global));
      const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? assert.fail('no folder is open');
      const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder, 'basket.ts'));
      const editor = await vscode.window.showTextDocument(document);
      t.after(() => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));
      const end = document.positionAt(document.getText().lastIndexOf('}'));
      await editor.edit((edit) => edit.insert(end, '\n  names(): string[] {\n\n  }\n'));
      const cursor = end.translate(2);
      editor.selection = new vscode.Selection(cursor, cursor);
      await sleep(1000);
      await driver.type('    ');
      console.log(`names(): ${await settledGhost(driver)}`);
      await driver.screenshot('readme-ghost-text');
      await driver.press('Tab');
      await vscode.commands.executeCommand('workbench.action.closeSidebar');
      t.after(() => vscode.commands.executeCommand('workbench.view.explorer'));
      await vscode.commands.executeCommand('glassbox.showAttention');
      t.after(() => vscode.commands.executeCommand('workbench.action.closeActiveEditor'));
      await until('a heat map', async () =>
        (await driver.webview.evaluate<number>(COLOURS).catch(() => 0)) > 10 ? true : undefined,
      );
      await driver.webview.evaluate(
        `(() => { const s = document.querySelectorAll('select')[0]; s.selectedIndex = 3; s.dispatchEvent(new Event('change', { bubbles: true })); })()`,
      );
      await sleep(1500);
      await driver.screenshot('readme-attention');
    },
  },
];
