// Looking into completions in the window: what is remembered of them, when the engine follows, and what the panel and the editor tell each
// other.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Api } from '../../../src/extension/extension';
import type { Driver } from '../driver';
import type { HostTest, TestContext } from './hostTest';
import { FOCUSED, ghost, glassbox, knownModel, open, setting, settledGhost, sleep, until } from './window';

/** Code whose next words are sure to be suggested, whatever was written before. */
const CODE = `export function area(width: number, height: number): number {
  return width * height;
}

export function volume(width: number, height: number, depth: number): number {
‸
}
`;

/** The panel in front, and closed after the test. */
async function showPanel(t: TestContext, api: Api, command = 'glassbox.showAttention'): Promise<void> {
  await vscode.commands.executeCommand(command);
  t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
  await until('the engine to follow', () => api.watching() || undefined);
}

/** A suggestion on show, of a model whose text is known: the alphabet. */
async function suggested(t: TestContext): Promise<{ api: Api; editor: vscode.TextEditor; text: string }> {
  const driver = t.needDriver();
  const api = await knownModel(t);
  const editor = await open(t, 'plaintext', 'looked into:‸');
  await driver.press('Enter');
  return { api, editor, text: await settledGhost(driver) };
}

/** Position of the first token on the page that begins a word of the document. */
async function tokenWith(driver: Driver, word: string): Promise<number> {
  return until('the tokens', async () => {
    const texts = await driver.webview
      .evaluate<[number, string][]>(
        `[...document.querySelectorAll('.token')].map((e) => [Number(e.dataset.position), e.textContent])`,
      )
      .catch(() => []);
    return texts.find(([, text]) => text !== '' && word.startsWith(text.slice(0, word.length)))?.[0];
  });
}

/** The token that is chosen in the panel, by its position. */
const SELECTED = `document.querySelector('.token[aria-selected="true"]')?.dataset.position ?? ''`;

/** How many pieces of text have a border that can be seen: in high contrast it says what colours say elsewhere. */
const BORDERED = `[...document.querySelectorAll('.view-overlays .cdr, .view-lines .cdr, .view-overlays [class*="ced-"], .view-lines [class*="ced-"]')].filter((e) => { const s = getComputedStyle(e); return s.borderTopStyle !== 'none' && s.borderTopWidth !== '0px' && s.borderTopColor !== 'rgba(0, 0, 0, 0)'; }).length`;

export const tests: HostTest[] = [
  {
    name: 'a suggestion on show, one that was accepted and one that was dismissed can be looked into',
    async run(t) {
      const driver = t.needDriver();
      const { api, text } = await suggested(t);
      const [shown] = api.history();
      assert.equal(shown?.fate, 'shown');
      assert.equal(shown.title, text.trim());
      await driver.press('Tab');
      await until('it to be accepted', () => api.history().find(({ fate }) => fate === 'accepted'));
      await until('the next suggestion', () => api.history().find(({ fate }) => fate === 'shown'));
      await until('it to be painted', async () => (await ghost(driver)) !== '' || undefined);
      await driver.press('Escape');
      const [dismissed, ...before] = await until('it to be dismissed', () => {
        const all = api.history();
        return all[0]?.fate === 'dismissed' ? all : undefined;
      });
      await until('the ghost text to go', async () => (await ghost(driver)) === '' || undefined);
      assert.ok(before.some(({ sequence, fate }) => sequence === shown.sequence && fate === 'accepted'));
      assert.notEqual(dismissed?.sequence, shown.sequence);
    },
  },
  {
    name: 'the engine follows what it writes while the panel is seen, and not while it is hidden or closed',
    async run(t) {
      const { api, editor } = await suggested(t);
      assert.equal(api.watching(), false);
      await showPanel(t, api, 'glassbox.whyThisSuggestion');
      // Another editor in the panel's group hides it.
      await vscode.window.showTextDocument(editor.document, { viewColumn: vscode.ViewColumn.Two });
      await until('the engine to stop following', () => !api.watching() || undefined);
      await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
      await until('the engine to follow again', () => api.watching() || undefined);
      await vscode.commands.executeCommand('glassbox.showAttention');
      await until('the panel to have the focus', () => vscode.window.activeTextEditor === undefined || undefined);
      await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
      await until('the engine to stop following', () => !api.watching() || undefined);
      const marked = api.marked(editor.document);
      assert.deepEqual([marked.outlined, marked.shaded.flat()], [[], []]);
    },
  },
  {
    name: 'what Generate has written can be looked into',
    async run(t) {
      const api = await glassbox();
      await setting(t, 'generate.maxTokens', 8);
      const editor = await open(t, 'typescript', CODE);
      await vscode.commands.executeCommand('glassbox.continueHere');
      const [entry] = await until('the text to be remembered', () => {
        const all = api.history();
        return all[0]?.fate === 'generated' ? all : undefined;
      });
      assert.ok(editor.document.getText().includes(entry?.title ?? 'nothing'));
    },
  },
  {
    name: 'a token chosen in the panel is outlined in the editor, and the caret in the editor chooses one in the panel',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      // The known model has no attention to speak of.
      const api = await glassbox();
      await setting(t, 'threshold', 'eager');
      await setting(t, 'workspaceMemory', false); // what other tests have written has no say
      const { document } = await open(t, 'typescript', CODE);
      await driver.type('  return width * ');
      await settledGhost(driver);
      await driver.press('Tab');
      await until('it to be accepted', () => api.history().find(({ fate }) => fate === 'accepted'));
      await driver.press('Escape');
      await showPanel(t, api, 'glassbox.whyThisSuggestion');
      const position = await tokenWith(driver, 'export');
      await driver.webview.evaluate(`document.querySelector('.token[data-position="${position}"]').click()`);
      const marked = await until('the token to be outlined', () => {
        const now = api.marked(document);
        return now.outlined.length > 0 ? now : undefined;
      });
      assert.match(document.getText(marked.outlined[0]), /^ex/);
      const last = await driver.webview.evaluate<number>(`document.querySelectorAll('.token').length - 1`);
      await driver.webview.evaluate(`document.querySelector('.token[data-position="${last}"]').click()`);
      await until('what it looked at to be shaded', () => api.marked(document).shaded.flat().length > 0 || undefined);
      await driver.screenshot('panel-and-editor');
      const workbench = vscode.workspace.getConfiguration('workbench');
      t.after(() => workbench.update('colorTheme', undefined, vscode.ConfigurationTarget.Global));
      for (const theme of ['Default High Contrast', 'Default High Contrast Light']) {
        await workbench.update('colorTheme', theme, vscode.ConfigurationTarget.Global);
        await until('the shading to have borders', async () =>
          (await driver.evaluate<number>(BORDERED)) >= 2 ? true : undefined,
        );
        await driver.screenshot(`panel-shading-${theme.toLowerCase().replaceAll(' ', '-')}`);
      }

      await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
      await driver.press('Control+Home');
      await driver.press('ArrowRight');
      await until('the token at the caret to be chosen', async () =>
        (await driver.webview.evaluate<string>(SELECTED)) === String(position) ? true : undefined,
      );
      const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
        'vscode.executeHoverProvider',
        document.uri,
        new vscode.Position(0, 1),
      );
      const said = hovers.flatMap(({ contents }) =>
        contents.map((each) => (typeof each === 'string' ? each : each.value)),
      );
      assert.match(said.join(), /completion/);

      await vscode.commands.executeCommand('workbench.action.webview.reloadWebviewAction');
      assert.equal(await tokenWith(driver, 'export'), position);
      await vscode.commands.executeCommand('glassbox.showAttention');
      await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
      await until('nothing to be drawn any more', () => {
        const { outlined, shaded } = api.marked(document);
        return (outlined.length === 0 && shaded.flat().length === 0) || undefined;
      });
    },
  },
  {
    name: 'while a suggestion is written its tokens appear in the panel',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      const editor = await open(t, 'plaintext', 'growing in the panel:‸');
      await showPanel(t, api);
      await until('the editor to have the focus', async () => {
        await vscode.window.showTextDocument(editor.document, vscode.ViewColumn.One);
        await sleep(300);
        return (await driver.evaluate<boolean>(FOCUSED)) || undefined;
      });
      await driver.press('Enter');
      const text = await settledGhost(driver);
      // The model has written on beyond what is suggested, and the line break before it anew.
      await until('the text in the panel', async () => {
        const written = `[...document.querySelectorAll('.token.written')].map((e) => e.textContent).join('')`;
        return (await driver.webview.evaluate<string>(written)).includes(text.trim()) || undefined;
      });
    },
  },
];
