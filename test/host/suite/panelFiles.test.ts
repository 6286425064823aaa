// The panel and files: tokens that come from another file, and what is saved from the panel.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Driver } from '../driver';
import { promptBox } from './generating';
import type { HostTest } from './hostTest';
import { Scratch } from './scratch';
import { glassbox, open, setting, settledGhost, sleep, until } from './window';

const TOKENS = `document.querySelectorAll('.token').length`;

const FILES = {
  'prices.ts':
    'export function priceWithTax(net: number, taxRate: number): number {\n  return net * (1 + taxRate);\n}\n',
  'cart.ts': `import { priceWithTax } from './prices';\n\nconst net = 10;\nconst taxRate = 0.19;\n${'\n'.repeat(60)}const gross = priceWithTax(\n`,
};

/** All tokens on the page: where they stand in the sequence, and their texts without white space and what stands for it. */
const TEXTS = `[...document.querySelectorAll('.token')].map((e) => [Number(e.dataset.position), e.textContent.replace(/[\\s·⏎]/g, '')])`;

/** Position of the token with which a text begins; undefined: it is not there. */
function beginOf(text: string, tokens: readonly [number, string][]): number | undefined {
  const at = tokens.map(([, each]) => each).join('').indexOf(text); // prettier-ignore
  let before = 0;
  return at < 0 ? undefined : tokens.find(([, each]) => (before += each.length) > at)?.[0];
}

/** Asks the page to save in a format, as its reader does. */
const saveAs = (format: string): string => `(() => {
  const select = [...document.querySelectorAll('select')].find((e) => [...e.options].some((o) => o.value === 'svg'));
  select.value = ${JSON.stringify(format)};
  select.dispatchEvent(new Event('change', { bubbles: true }));
  const button = [...document.querySelectorAll('button')].find((e) => e.textContent === 'Save');
  button.click();
})()`;

/** Whether the dialog is there. */
const ASKS = `[...document.querySelectorAll('.quick-input-widget')].some((e) => e.checkVisibility())`;
const NOTIFICATIONS = `[...document.querySelectorAll('.notification-list-item-message')].map((e) => e.textContent).join('\\n')`;

/** Saves from the panel: the dialog asks where to, the path is put in; without a path it is sent away. */
async function save(driver: Driver, format: string, path: string | undefined): Promise<void> {
  await driver.webview.evaluate(saveAs(format));
  await until('the file dialog', async () => ((await promptBox(driver)).value !== '' ? true : undefined));
  if (path === undefined) return driver.press('Escape');
  await until('the path', async () => {
    // As if it were pasted: what is typed the dialog completes, in a slow window over keys that come later.
    await driver.press('Control+A');
    await driver.evaluate(`document.execCommand('insertText', false, ${JSON.stringify(path)})`);
    await sleep(500);
    return (await promptBox(driver)).value === path ? true : undefined;
  });
  await until('the dialog to close', async () => {
    await sleep(500); // it reads the folder, and takes no key meanwhile
    await driver.press('Enter');
    await sleep(500);
    return (await driver.evaluate<boolean>(ASKS)) ? undefined : true;
  });
}

export const tests: HostTest[] = [
  {
    name: 'a token in the panel that comes from another file is shown there',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      await setting(t, 'threshold', 'eager');
      await setting(t, 'workspaceMemory', false); // of a file that the memory speaks for nothing is shown to the model
      const scratch = new Scratch(t, FILES);
      await scratch.show('prices.ts');
      const { document } = await scratch.show('cart.ts', 64);
      await until('the other file', () =>
        api.otherFiles(document).find(({ path }) => path === scratch.path('prices.ts')),
      );
      await driver.type('net');
      await settledGhost(driver);
      await until('it to be accepted', async () => {
        // By its command: in the list of words, which may be open, Tab means the word.
        await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
        return api.history().find(({ fate }) => fate === 'accepted');
      });
      await driver.press('Escape');
      await vscode.commands.executeCommand('glassbox.whyThisSuggestion');
      let seen = '';
      const position = await until('a token of the other file', async () => {
        try {
          seen = await driver.webview.evaluate<string>('document.body.innerText');
          return beginOf('returnnet*(1', await driver.webview.evaluate<[number, string][]>(TEXTS));
        } catch (error) {
          seen = String(error); // the page is on its way
          return undefined;
        }
      }).catch((error: unknown) => assert.fail(`${String(error)}: ${seen}`));
      assert.ok(vscode.window.visibleTextEditors.every(({ document: each }) => each === document));
      const other = vscode.workspace.textDocuments.find(({ uri }) => uri.path.endsWith('prices.ts'));
      const prices = other ?? assert.fail('prices.ts is not open');
      await until('it to be outlined', async () => {
        await driver.webview.evaluate(`document.querySelector('.token[data-position="${position}"]').click()`);
        await sleep(500); // where tokens stand is told after a while
        return api.marked(prices).outlined.length > 0 || undefined;
      });
      const [range] = api.marked(prices).outlined;
      assert.match(prices.getText(range), /return/);
      assert.equal(range?.end.line, 1);
      await until('the other file to be on the screen', () =>
        vscode.window.visibleTextEditors.find(({ document: each }) => each === prices),
      );
      await driver.screenshot('panel-other-file');
    },
  },
  {
    name: 'what the panel shows is saved where the dialog says, as numbers and as pictures',
    timeoutMs: 180_000,
    async run(t) {
      const driver = t.needDriver();
      if (process.platform !== 'linux') t.skip('needs a folder in which nobody can write');
      await glassbox();
      const files = vscode.workspace.getConfiguration('files');
      await files.update('simpleDialog.enable', true, vscode.ConfigurationTarget.Global);
      t.after(() => files.update('simpleDialog.enable', undefined, vscode.ConfigurationTarget.Global));
      const scratch = new Scratch(t, { 'here.txt': '' });
      await setting(t, 'generate.maxTokens', 8);
      await open(t, 'typescript', 'export const pi =‸\n');
      await vscode.commands.executeCommand('glassbox.continueHere');
      await vscode.commands.executeCommand('glassbox.showAttention');
      t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
      t.after(() => vscode.commands.executeCommand('notifications.clearAll'));
      const tokens = await until('the tokens', async () => {
        const count = await driver.webview.evaluate<number>(TOKENS).catch(() => 0);
        return count > 8 ? count : undefined;
      });
      await until('a picture', () =>
        driver.webview
          .evaluate<boolean>(`[...document.querySelectorAll('canvas')].some((e) => e.width > 100)`)
          .then((there) => there || undefined),
      );

      const saved = async (format: string): Promise<Buffer> => {
        const path = join(scratch.dir, `saved.${format}`);
        await save(driver, format, path);
        return until(path, async () => {
          await sleep(200);
          return existsSync(path) && readFileSync(path).length > 0 ? readFileSync(path) : undefined;
        });
      };
      const csv = (await saved('csv')).toString();
      assert.match(csv, /^\uFEFFrank,position,id,token,weight,shown,file,line\r\n1,/);
      const json = JSON.parse((await saved('json')).toString()) as { tokens: unknown[]; weights: number[][] };
      assert.equal(json.tokens.length, json.weights.length);
      assert.ok(Math.abs(json.weights.length - tokens) <= 1, `${json.weights.length} rows of ${tokens} tokens`);
      for (const row of json.weights)
        assert.ok(Math.abs(row.reduce((sum, weight) => sum + weight, 0) - 1) < 0.01, 'a row sums to 1');
      assert.match((await saved('svg')).toString(), /<svg[^]*<\/svg>/);
      assert.deepEqual([...(await saved('png')).subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);

      await vscode.commands.executeCommand('notifications.clearAll');
      await save(driver, 'csv', undefined);
      await sleep(1000);
      assert.doesNotMatch(
        await driver.evaluate<string>(NOTIFICATIONS),
        /saved/,
        'nothing is said, for nothing was saved',
      );
      const written = await vscode.workspace.fs.readDirectory(vscode.Uri.file(scratch.dir));
      assert.equal(written.length, 5);

      await save(driver, 'csv', '/proc/saved.csv');
      await vscode.commands.executeCommand('notifications.showList');
      const said = await until('the error', async () => {
        const text = await driver.evaluate<string>(NOTIFICATIONS);
        return text.includes('could not be saved') ? text : undefined;
      });
      assert.match(said, /\/proc\/saved\.csv could not be saved: there is no such folder/);
    },
  },
];
