// Where nothing is shown, it says why, and what one can do about it.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Api } from '../../../src/extension/extension';
import type { Driver } from '../driver';
import type { HostTest, TestContext } from './hostTest';
import { Scratch } from './scratch';
import { ghost, glassbox, knownModel, open, setting, settledGhost, sleep, until } from './window';

interface Situation {
  name: string;
  /** The document, its cursor at ‸. */
  text: string;
  language?: string;
  /** What is done there; by default a key. */
  act?: (t: TestContext, editor: vscode.TextEditor, api: Api) => unknown;
  reason: RegExp;
  /** Command of the remedy. */
  remedy?: string;
}

const trigger = (): Thenable<unknown> => vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');

const SITUATIONS: Situation[] = [
  { name: 'before a word', text: 'f(‸value)', reason: /before a word/ },
  {
    name: 'an empty document',
    text: '‸',
    act: trigger,
    reason: /Nothing stands before the cursor/,
  },
  {
    name: 'suggestions are off',
    text: 'a‸',
    act: async (t) => {
      await setting(t, 'enabled', false);
      await t.needDriver().type('b');
    },
    reason: /^Suggestions are off\.$/,
    remedy: 'glassbox.toggle',
  },
  {
    name: 'off for the language',
    text: 'a‸',
    language: 'markdown',
    act: async (t) => {
      const section = vscode.workspace.getConfiguration('glassbox', { languageId: 'markdown' });
      await section.update('enabled', false, vscode.ConfigurationTarget.Global, true);
      t.after(() => section.update('enabled', undefined, vscode.ConfigurationTarget.Global, true));
      await t.needDriver().type('b');
    },
    reason: /off for the language markdown/,
    remedy: 'workbench.action.openSettings',
  },
  {
    name: 'text is selected',
    text: 'some text‸',
    act: async (_t, editor) => {
      editor.selection = new vscode.Selection(0, 0, 0, 4);
      await sleep(300);
      await trigger();
    },
    reason: /Text is selected/,
  },
  {
    name: 'it was dismissed here',
    text: 'dismissed here:\nab‸',
    act: async (t) => {
      const driver = t.needDriver();
      await driver.type('c');
      await settledGhost(driver);
      await driver.press('Escape');
      await until('no ghost text', async () => (await ghost(driver)) === '' || undefined);
      await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger', { explicit: false });
    },
    reason: /dismissed/,
    remedy: 'editor.action.inlineSuggest.trigger',
  },
];

/** Older editors do not ask again where a suggestion was dismissed, so that there is nothing to give a reason for. */
const ASKS_AGAIN = vscode.version.localeCompare('1.110', undefined, { numeric: true }) >= 0;

/** The messages on show, in the list of all: the tests' window shows no toasts. */
async function message(driver: Driver): Promise<string> {
  await vscode.commands.executeCommand('notifications.showList');
  return driver.evaluate(`document.querySelector('.notifications-center')?.textContent ?? ''`);
}

export const tests: HostTest[] = [
  ...SITUATIONS.filter(({ name }) => ASKS_AGAIN || name !== 'it was dismissed here').map(
    ({ name, text, language = 'plaintext', act, reason, remedy }): HostTest => ({
      name: `why no suggestion: ${name}`,
      async run(t) {
        const driver = t.needDriver();
        const api = await knownModel(t);
        const editor = await open(t, language, text);
        const asked = api.modelRequests();
        if (act === undefined) await driver.type('x');
        else await act(t, editor, api);
        try {
          await until('the reason', () => reason.test(api.why.last?.text ?? '') || undefined, 10_000);
        } catch {
          assert.fail(`the reason given: ${String(api.why.last?.text)}`);
        }
        assert.equal(api.why.last?.remedy?.command, remedy);
        assert.equal(await ghost(driver), '');
        if (name !== 'it was dismissed here') assert.equal(api.modelRequests(), asked, 'the model was not asked');
      },
    }),
  ),
  {
    name: 'why no suggestion: the command says it, with the remedy as a button',
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      await setting(t, 'enabled', false);
      t.after(() => vscode.commands.executeCommand('notifications.clearAll'));
      await open(t, 'plaintext', 'a‸');
      await driver.type('b');
      await until('the reason', () => /are off/.test(api.why.last?.text ?? '') || undefined);
      const said = vscode.commands.executeCommand('glassbox.whyNoSuggestion');
      await until('the message', async () => /Suggestions are off/.test(await message(driver)) || undefined);
      await driver.screenshot('why');
      await driver.click('.notifications-center .monaco-text-button');
      await said;
      await until('suggestions to be on', () => api.status().enabled || undefined);
    },
  },
  {
    name: 'why no suggestion: the command knows it where the editor has not asked yet, and what a setting has changed',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      t.after(() => vscode.commands.executeCommand('notifications.clearAll'));
      const says = async (reason: RegExp): Promise<void> => {
        await vscode.commands.executeCommand('notifications.clearAll');
        void vscode.commands.executeCommand('glassbox.whyNoSuggestion');
        await until(String(reason), async () => reason.test(await message(driver)) || undefined);
      };
      const scratch = new Scratch(t, { '.env': 'abc', 'a.txt': 'abc', 'b.txt': '' });
      await scratch.show('.env');
      await says(/holds passwords or keys/);
      await scratch.show('b.txt');
      await says(/Nothing stands before the cursor/);
      await scratch.show('a.txt');
      await says(/has not asked/);
      await vscode.commands.executeCommand('notifications.clearAll');
      await scratch.show('a.txt'); // the messages had the focus
      await driver.type('d');
      await settledGhost(driver);
      await setting(t, 'enabled', false);
      await says(/Suggestions are off/);
    },
  },
  {
    name: 'why no suggestion: where there is one, the command says how sure it is and how long it took',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await open(t, 'plaintext', 'there is one:‸');
      await driver.press('Enter');
      await settledGhost(driver);
      void vscode.commands.executeCommand('glassbox.whyNoSuggestion');
      await until(
        'the message',
        async () => /suggestion with \d+ % was given .*\d+ ms/.test(await message(driver)) || undefined,
      );
      t.after(() => vscode.commands.executeCommand('notifications.clearAll'));
    },
  },
];
