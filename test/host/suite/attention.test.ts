// The attention panel in the window: a real heat map of the last completion, in every kind of theme.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { HostTest } from './hostTest';
import { glassbox, open, setting, settledGhost, sleep, until } from './window';

const THEMES = ['Default Dark Modern', 'Default Light Modern', 'Default High Contrast', 'Default High Contrast Light'];

/** Distinct colours on that of the page's pictures which has most. */
const COLOURS = `Math.max(0, ...[...document.querySelectorAll('canvas')].filter((canvas) => canvas.width > 0).map((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return colours.size;
}))`;

/** The selection of the layer: its label says so. */
const LAYERS = `[...document.querySelectorAll('select')].find((e) => e.closest('label')?.textContent.startsWith('Layer') || e.ariaLabel === 'Layer')`;

/** All pictures of the page, as text. */
const PICTURES = `[...document.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL()).join()`;

/** Chooses the layer with this index; −1: the last. */
const chooseLayer = (index: number): string =>
  `(() => { const s = ${LAYERS}; s.selectedIndex = ${index} < 0 ? s.options.length - 1 : ${index}; s.dispatchEvent(new Event('input', { bubbles: true })); s.dispatchEvent(new Event('change', { bubbles: true })); })()`;

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
      assert.match(text, /glassbox-small/);
      assert.ok(
        (await driver.webview.evaluate<number>(`document.querySelectorAll('select').length`)) >= 2,
        'layer and head can be chosen',
      );

      const first = await driver.webview.evaluate<string>(PICTURES);
      await driver.webview.evaluate(chooseLayer(-1));
      await until('another map', async () =>
        (await driver.webview.evaluate<string>(PICTURES)) !== first ? true : undefined,
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
      await driver.webview.evaluate(chooseLayer(3));
      await sleep(1500);
      await driver.screenshot('readme-answer');
      // One token chosen: what it looked at is shaded in the editor.
      await driver.webview.evaluate(`[...document.querySelectorAll('.token')].at(-1).click()`);
      await driver.webview.evaluate(
        `[...document.querySelectorAll('h2')].find((e) => e.textContent === 'The text').scrollIntoView()`,
      );
      await sleep(1500);
      await driver.screenshot('readme-attention');
    },
  },
];
