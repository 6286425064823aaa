// The panel when something goes away under it: the engine, the model, the document, a part of the text.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Api } from '../../../src/extension/extension';
import type { Driver } from '../driver';
import type { HostTest, TestContext } from './hostTest';
import { FOCUSED, glassbox, knownModel, open, setting, settledGhost, sleep, until } from './window';

/** Code whose next words are sure to be suggested. */
const CODE = `export function area(width: number, height: number): number {
  return width * height;
}

export function volume(width: number, height: number, depth: number): number {
‸
}
`;
const TOKENS = `document.querySelectorAll('.token').length`;
const NOTICE = `document.querySelector('.notice')?.textContent ?? ''`;
/** The text of all tokens that the model has written. */
const WRITTEN = `[...document.querySelectorAll('.token.written')].map((e) => e.textContent).join('')`;
const SECTIONS = `document.querySelector('.sections')?.innerText ?? ''`;

/** Waits until the page says something. */
async function says(driver: Driver, where: string, text: RegExp): Promise<string> {
  let last = '';
  return until(`${String(text)} on the page`, async () => {
    last = await driver.webview.evaluate<string>(where).catch(() => '');
    return text.test(last) ? last : undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}; it says: ${last.slice(0, 500)}`));
}

/** A document with an accepted suggestion, and the panel that shows it; the editor has the keys. */
async function lookedInto(t: TestContext): Promise<{ api: Api; driver: Driver; document: vscode.TextDocument }> {
  const driver = t.needDriver();
  const api = await glassbox();
  await setting(t, 'threshold', 'eager');
  await setting(t, 'workspaceMemory', false); // what other tests have written has no say
  const { document } = await open(t, 'typescript', CODE);
  t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
  await driver.type('  return width * ');
  await settledGhost(driver);
  await driver.press('Tab');
  await until('it to be accepted', () => api.history().find(({ fate }) => fate === 'accepted'));
  await driver.press('Escape');
  await vscode.commands.executeCommand('glassbox.whyThisSuggestion');
  await until(
    'the tokens',
    async () => (await driver.webview.evaluate<number>(TOKENS).catch(() => 0)) > 0 || undefined,
  );
  return { api, driver, document };
}

/** Keys go to the document beside the panel. */
async function backTo(driver: Driver, document: vscode.TextDocument): Promise<void> {
  await until('the editor to have the keys', async () => {
    await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
    await sleep(300);
    return (await driver.evaluate<boolean>(FOCUSED)) || undefined;
  });
}

/** What nobody has caught in this process from now on. */
function uncaught(t: TestContext): unknown[] {
  const all: unknown[] = [];
  const note = (error: unknown): void => void all.push(error);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  return all;
}

export const tests: HostTest[] = [
  {
    name: 'the panel says that the engine has died, and shows the next completion',
    timeoutMs: 120_000,
    async run(t) {
      const rejected = uncaught(t);
      const { api, driver, document } = await lookedInto(t);
      process.kill(api.enginePid() ?? assert.fail('no engine runs'), 'SIGKILL');
      await says(driver, NOTICE, /started anew/);
      assert.ok((await driver.webview.evaluate<number>(TOKENS)) > 0, 'what was on show stays');
      await backTo(driver, document);
      await driver.press('Control+End');
      await driver.type('export function perimeter(width: number, height: number): number {');
      await driver.press('Enter');
      await driver.type('return width * ');
      const text = await settledGhost(driver);
      await until('it in the panel', async () =>
        (await driver.webview.evaluate<string>(WRITTEN)).includes(text.trim().slice(0, 5)) ? true : undefined,
      );
      await says(driver, NOTICE, /^$/);
      assert.deepEqual(rejected, []);
    },
  },
  {
    name: 'the panel goes on with another model',
    timeoutMs: 120_000,
    async run(t) {
      const rejected = uncaught(t);
      const { driver, document } = await lookedInto(t);
      await knownModel(t);
      await says(driver, NOTICE, /started anew/);
      await backTo(driver, document);
      await driver.press('Control+End');
      await driver.type('abc');
      const text = await settledGhost(driver);
      assert.match(text, /^def/);
      await until('it in the panel', async () =>
        (await driver.webview.evaluate<string>(WRITTEN)).includes('def') ? true : undefined,
      );
      assert.deepEqual(rejected, []);
    },
  },
  {
    name: 'the panel says what has lost its place: in an edited document, and in one that was closed',
    timeoutMs: 120_000,
    async run(t) {
      const rejected = uncaught(t);
      const { api, driver, document } = await lookedInto(t);
      // The last of them: texts of other files stand before that of this one.
      const position = await until('a token of the first line', () =>
        driver.webview.evaluate<number | null>(
          `[...document.querySelectorAll('.token')].filter((e) => /^[\\s·]*ar(ea?)?$/.test(e.textContent)).map((e) => Number(e.dataset.position)).at(-1) ?? null`,
        ).then((found) => found ?? undefined),
      ); // prettier-ignore
      const choose = (): Promise<unknown> =>
        driver.webview.evaluate(`document.querySelector('.token[data-position="${position}"]').click()`);
      const outlined = (): string[] => api.marked(document).outlined.map((range) => document.getText(range));
      await choose();
      await until('it to be outlined', () => outlined().length > 0 || undefined);
      assert.match(outlined().join(), /^ ?ar/);

      await backTo(driver, document);
      await driver.press('Control+Home');
      for (let i = 0; i < 'export function '.length; i++) await driver.press('ArrowRight');
      for (let i = 0; i < 'area'.length; i++) await driver.press('Delete');
      await until('no outline', () => outlined().length === 0 || undefined);
      await says(driver, SECTIONS, /what was edited has lost its place/);
      await driver.press('Escape');

      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
      await until('the document to be closed', () => document.isClosed || undefined);
      await until('the history to forget it', () => api.history().length === 0 || undefined);
      await sleep(500);
      assert.ok((await driver.webview.evaluate<number>(TOKENS)) > 0, 'what was on show stays');
      await says(driver, SECTIONS, /what was edited has lost its place/);
      await choose();
      await sleep(300);
      assert.deepEqual(api.marked(document).outlined, []);
      assert.deepEqual(rejected, []);
    },
  },
];
