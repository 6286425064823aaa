// What the status bar leads to: the menu, the statistics, the walkthrough; and that a screen reader gets a suggestion's text.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Driver } from '../driver';
import { promptBox } from './generating';
import type { HostTest, TestContext } from './hostTest';
import { glassbox, knownModel, open, settledGhost, sleep, until } from './window';

const THEMES = ['Default Dark Modern', 'Default Light Modern'];

/** The rows of the menu on show. */
const ROWS = `[...document.querySelectorAll('.quick-input-widget:not([style*="display: none"]) .monaco-list-row')].map((row) => row.ariaLabel ?? '')`;

/** Whether the walkthrough shows a picture. */
const PICTURE = `[...document.querySelectorAll('.getting-started-media')].some((e) => e.getBoundingClientRect().width > 100 && e.childElementCount > 0)`;

/** Opens the menu and returns its rows, once keys go to it. */
async function openMenu(driver: Driver): Promise<string[]> {
  void vscode.commands.executeCommand('glassbox.showMenu');
  await promptBox(driver);
  return until('the menu', async () => {
    const rows = await driver.evaluate<string[]>(ROWS);
    return rows.length > 3 ? rows : undefined;
  });
}

/** Chooses the entry that what is typed leaves first. */
async function choose(driver: Driver, typed: string): Promise<void> {
  const rows = await openMenu(driver);
  await driver.type(typed);
  await until(`the entry ${typed} first`, async () => {
    const [first = ''] = await driver.evaluate<string[]>(ROWS);
    return first.includes(typed) || undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}: ${rows.join(' | ')}`));
  await driver.press('Enter');
}

const settings = (scope: vscode.ConfigurationScope): vscode.WorkspaceConfiguration =>
  vscode.workspace.getConfiguration('glassbox', scope);

/** Does something in every theme. */
async function inThemes(t: TestContext, look: (theme: string) => Promise<void>): Promise<void> {
  const workbench = vscode.workspace.getConfiguration('workbench');
  t.after(() => workbench.update('colorTheme', undefined, vscode.ConfigurationTarget.Global));
  for (const theme of THEMES) {
    await workbench.update('colorTheme', theme, vscode.ConfigurationTarget.Global);
    await sleep(1000);
    await look(theme.includes('Dark') ? 'dark' : 'light');
  }
}

export const tests: HostTest[] = [
  {
    name: 'for everyone: the status menu turns a language and a file off and on again, and says how sure the model must be',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      await glassbox();
      const dir = mkdtempSync(join(tmpdir(), 'glassbox-menu-'));
      t.after(() => rmSync(dir, { recursive: true, force: true }));
      const file = join(dir, 'a[1].py');
      writeFileSync(file, 'x = 1\n');
      const document = await vscode.workspace.openTextDocument(file);
      await vscode.window.showTextDocument(document);
      t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
      t.after(() => settings(document).update('exclude', undefined, vscode.ConfigurationTarget.Global));
      t.after(() => settings({ languageId: 'python' }).update('enabled', undefined, vscode.ConfigurationTarget.Global, true)); // prettier-ignore
      t.after(() => settings(document).update('threshold', undefined, vscode.ConfigurationTarget.Global));

      await inThemes(t, async (theme) => {
        const rows = await openMenu(driver);
        assert.ok(
          rows.some((row) => row.includes('Turn off for the language python')),
          rows.join(' | '),
        );
        await driver.screenshot(`menu-${theme}`);
        await driver.press('Escape');
      });

      await choose(driver, 'Turn off for the language python');
      await until('python to be off', () => settings(document).get('enabled') === false || undefined);
      assert.equal(settings({ languageId: 'typescript' }).get('enabled'), true);
      await choose(driver, 'Turn on for the language python');
      await until('python to be on', () => settings(document).get('enabled') === true || undefined);

      await choose(driver, 'Turn off for the file');
      await until(
        'the file to be excluded',
        () => settings(document).get<string[]>('exclude')?.length === 1 || undefined,
      );
      await choose(driver, 'Turn on for the file');
      await until(
        'the file not to be excluded',
        () => settings(document).get<string[]>('exclude')?.length === 0 || undefined,
      );

      await choose(driver, 'How sure the model must be');
      await until('the three choices', async () => {
        const rows = await driver.evaluate<string[]>(ROWS);
        return rows.length === 3 && rows[1]?.includes('now') ? true : undefined;
      });
      await driver.type('Careful');
      await driver.press('Enter');
      await until('the threshold', () => settings(document).get('threshold') === 'careful' || undefined);
    },
  },
  {
    name: 'for everyone: statistics count what is shown, accepted and typed, are shown in a document, and can be erased',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      const today = async (row: string): Promise<number> => {
        await vscode.commands.executeCommand('glassbox.statistics');
        const text = vscode.window.activeTextEditor?.document.getText() ?? '';
        return Number(new RegExp(`^\\| ${row} +\\| +([\\d,]+) \\|`, 'm').exec(text)?.[1]?.replace(',', ''));
      };
      const rows = ['Shown', 'Accepted, whole or in part', 'Keys saved'];
      const before = new Map<string, number>();
      for (const row of rows) before.set(row, await today(row));
      await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
      const editor = await open(t, 'plaintext', 'counted:‸');
      await driver.type(' abc');
      const text = await settledGhost(driver);
      const accepted = (): boolean => editor.document.getText().startsWith(`counted: abc${text.slice(0, 5)}`);
      // A window that is busy may lose a key.
      await until('the accepted text', async () => {
        await driver.press('Tab');
        for (let waited = 0; waited < 3000 && !accepted(); waited += 50) await sleep(50);
        return accepted() || undefined;
      });
      t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
      for (const row of rows)
        await until(`more under ${row}`, async () => (await today(row)) > (before.get(row) ?? 0) || undefined);
      const document = vscode.window.activeTextEditor?.document ?? assert.fail('no document');
      assert.equal(document.languageId, 'markdown');
      assert.match(document.getText(), /^\| Asked of the model +\| +[1-9]/m);
      await inThemes(t, async (theme) => void (await driver.screenshot(`statistics-${theme}`)));

      await vscode.commands.executeCommand('vscode.open', document.uri);
      void vscode.commands.executeCommand('glassbox.eraseStatistics');
      t.after(() => vscode.commands.executeCommand('notifications.clearAll'));
      const button = '.notifications-center .monaco-text-button';
      await until('the question', async () => {
        await vscode.commands.executeCommand('notifications.showList');
        return (await driver.evaluate<boolean>(`Boolean(document.querySelector('${button}'))`)) || undefined;
      });
      await driver.screenshot('statistics-erase');
      await driver.click(button);
      await until('empty statistics', () => /^\| Shown +\| +0 \|/m.test(document.getText()) || undefined);
    },
  },
  {
    name: 'for everyone: the walkthrough opens with its pictures, and its sample gets a suggestion',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      await glassbox();
      t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
      await vscode.commands.executeCommand('workbench.action.closeSidebar'); // pictures are shown in a wide editor only
      t.after(() => vscode.commands.executeCommand('workbench.view.explorer'));
      await vscode.commands.executeCommand(
        'workbench.action.openWalkthrough',
        'glassbox.glassbox#glassbox.start',
        false,
      );
      const steps = await until('the steps', async () => {
        const titles = await driver.evaluate<string[]>(
          `[...document.querySelectorAll('.getting-started-step .step-title')].map((e) => e.textContent ?? '')`,
        );
        return titles.length > 0 ? titles : undefined;
      });
      assert.equal(steps.length, 6, steps.join(' | '));
      await inThemes(t, async (theme) => {
        for (const [index, title] of steps.entries()) {
          await driver.evaluate(`document.querySelectorAll('.getting-started-step')[${index}].click()`);
          await sleep(1500);
          await driver.screenshot(`walkthrough-${index + 1}-${theme}`);
          assert.ok(await driver.evaluate<boolean>(PICTURE), `no picture beside ${title}`);
        }
      });
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      await vscode.commands.executeCommand('glassbox.trySuggestion');
      t.after(() => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));
      const text = await settledGhost(driver);
      await driver.screenshot('sample');
      assert.match(text, /\w/);
    },
  },
  {
    name: 'for everyone: a screen reader gets the text of a suggestion in the accessible view',
    timeoutMs: 90_000,
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      const editor = vscode.workspace.getConfiguration('editor');
      await editor.update('accessibilitySupport', 'on', vscode.ConfigurationTarget.Global);
      t.after(() => editor.update('accessibilitySupport', undefined, vscode.ConfigurationTarget.Global));
      await sleep(1500); // the window makes its editors anew
      await open(t, 'plaintext', 'spoken:‸');
      await driver.type(' abc');
      await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
      const text = await settledGhost(driver);
      await driver.press('Alt+F2');
      const view = await until('the accessible view', () =>
        driver
          .evaluate<string>(`document.querySelector('.accessible-view .view-lines')?.textContent ?? ''`)
          .then((shown) => (shown === '' ? undefined : shown)),
      );
      await driver.screenshot('accessible-view');
      await driver.press('Escape');
      assert.ok(view.replaceAll('\u00a0', ' ').includes(text.slice(0, 10)), `${view} for ${text}`);
    },
  },
];
