// Beside others in the editor: its own list of suggestions, other extensions' suggestions, several cursors, and other texts to choose from.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Api } from '../../../src/extension/extension';
import { LINES } from '../../cycleModel';
import type { HostTest, TestContext } from './hostTest';
import { assertGrows, ghost, glassbox, knownModel, open, setting, settledGhost, sleep, until } from './window';

/** Registers another extension's suggestions: `text` after so many milliseconds. */
function another(t: TestContext, text: string, ms: number): { asked: () => number } {
  let asked = 0;
  const registered = vscode.languages.registerInlineCompletionItemProvider(
    { pattern: '**' },
    {
      provideInlineCompletionItems: async (_document, position) => {
        asked++;
        await sleep(ms);
        return text === '' ? [] : [new vscode.InlineCompletionItem(text, new vscode.Range(position, position))];
      },
    },
  );
  t.after(() => registered.dispose());
  return { asked: () => asked };
}

export const tests: HostTest[] = [
  {
    name: 'beside others: another extension that has nothing to say does not keep it from growing',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      const other = another(t, '', 20);
      await open(t, 'plaintext', 'beside a silent one:‸');
      await driver.startGhost();
      await driver.press('Enter');
      const text = await settledGhost(driver);
      assertGrows(await driver.stopGhost());
      assert.ok(text.startsWith(LINES[0]), text);
      assert.ok(other.asked() > 0);
    },
  },
  {
    name: 'beside others: another extension that answers first keeps its suggestion, and nothing flickers',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      another(t, 'from another one', 0);
      await open(t, 'plaintext', 'beside a quick one:‸');
      await driver.startGhost();
      await driver.press('Enter');
      await settledGhost(driver);
      await sleep(1000);
      const frames = await driver.stopGhost();
      const seen = frames.filter(({ painted }) => painted).map(({ text }) => text);
      const first = seen.findIndex((text) => text !== '');
      assert.ok(!seen.slice(first).includes(''), `a blank frame among ${JSON.stringify(seen)}`);
      console.log(JSON.stringify(seen.slice(first)));
    },
  },
  {
    name: 'beside others: with an entry of the list selected, the suggestion goes on from that entry',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      const list = vscode.languages.registerCompletionItemProvider(
        { language: 'plaintext' },
        { provideCompletionItems: () => [new vscode.CompletionItem('abcdef', vscode.CompletionItemKind.Function)] },
      );
      t.after(() => list.dispose());
      const editor = await open(t, 'plaintext', 'the list:\n‸');
      await driver.type('ab');
      await vscode.commands.executeCommand('editor.action.triggerSuggest');
      await until('the list', async () =>
        (await driver.evaluate<boolean>(`Boolean(document.querySelector('.suggest-widget.visible .monaco-list-row'))`))
          ? true
          : undefined,
      );
      const text = await settledGhost(driver);
      await driver.screenshot('list');
      assert.ok(text.startsWith('cdefghij'), text);
      await driver.press('Tab'); // takes the entry
      await until('the entry to be written', () => editor.document.getText().endsWith('abcdef') || undefined);
      await until('the rest', async () => (await ghost(driver)).startsWith('ghij') || undefined);
    },
  },
  {
    name: 'beside others: with several cursors it grows at the first one, and Tab writes it',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      const editor = await open(t, 'plaintext', 'one\ntwo‸\n');
      editor.selections = [new vscode.Selection(0, 3, 0, 3), new vscode.Selection(1, 3, 1, 3)];
      await sleep(300);
      await driver.type(' a');
      const text = await settledGhost(driver);
      await driver.screenshot('cursors');
      console.log(text);
      assert.ok(text.startsWith('bcdefg'), text);
      await driver.press('Tab');
      await until('the text', () => editor.document.getText().includes(`one ${LINES[0]}`) || undefined);
      console.log(JSON.stringify(editor.document.getText()));
    },
  },
  {
    name: 'beside others: the next one and the previous one of several texts',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      await setting(t, 'temperature', 0);
      await setting(t, 'threshold', 'eager');
      // Where the editor's own list is open, its entry rules over what is shown.
      const editing = vscode.workspace.getConfiguration('editor');
      for (const key of ['quickSuggestions', 'suggestOnTriggerCharacters']) {
        const before = editing.inspect(key)?.globalValue;
        await editing.update(key, false, vscode.ConfigurationTarget.Global);
        t.after(() => editing.update(key, before, vscode.ConfigurationTarget.Global));
      }
      for (const [language, text, typed] of DOUBTFUL) {
        const editor = await open(t, language, text);
        await driver.type(typed);
        const some = await until('a suggestion', async () => (await ghost(driver)) || undefined, 5000).catch(() => '');
        if (some === '') continue;
        await until('the model to rest', () => !api.status().generating || undefined);
        const first = await settledGhost(driver);
        const all = (await invoked(api, editor)).map(({ insertText }) => insertText as string);
        console.log(JSON.stringify(all));
        if (all.length < 2) continue;
        assert.equal(new Set(all).size, all.length, 'none twice');
        await vscode.commands.executeCommand('editor.action.inlineSuggest.showNext');
        await until('another text', async () => ![first, ''].includes(await ghost(driver)) || undefined);
        await driver.screenshot('next');
        await vscode.commands.executeCommand('editor.action.inlineSuggest.showPrevious');
        await until('the first text', async () => (await ghost(driver)) === first || undefined);
        return;
      }
      assert.fail('nowhere was there more than one text');
    },
  },
];

/** Places where more than one thing may come. */
const DOUBTFUL: [language: string, text: string, typed: string][] = [
  ['typescript', "import { readFile } from 'node:fs/promises';\n‸\n", 'import { join } from '],
  ['python', 'class Reader:\n    def __init__(self, path):\n        ‸\n', 'self.'],
  ['typescript', 'export function add(a: number, b: number): number {\n‸\n}\n', '  return '],
  ['javascript', 'const items = [1, 2, 3];\n‸\n', 'for (let i = 0; i < '],
  ['javascript', 'const items = [1, 2, 3];\n‸\n', 'for (let i = 0; i < items.'],
];

/** What the provider answers to who asks by hand. */
async function invoked(api: Api, { document, selection }: vscode.TextEditor): Promise<vscode.InlineCompletionItem[]> {
  const source = new vscode.CancellationTokenSource();
  const context = { triggerKind: vscode.InlineCompletionTriggerKind.Invoke, selectedCompletionInfo: undefined };
  const answer = api.provider.provideInlineCompletionItems(document, selection.active, context, source.token);
  return (await answer) as vscode.InlineCompletionItem[];
}
