// What was offered once is there again at once, without the model: after deleting back, undoing, and coming back to a place. What comes
// after a suggestion is known before it is accepted.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { LINES } from '../../cycleModel';
import type { HostTest } from './hostTest';
import { ghost, knownModel, open, settledGhost, sleep, until } from './window';

const LINE = LINES[0];

export const tests: HostTest[] = [
  {
    name: 'suggestion: deleting back brings the earlier one back at once, without the model',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      await open(t, 'plaintext', 'deleted back:‸');
      await driver.press('Enter');
      await settledGhost(driver);
      await driver.type('ab!', { delayMs: 100 });
      await until('the other one', async () => (await ghost(driver)).startsWith('abc') || undefined);
      await until('the model to rest', () => !api.status().generating || undefined);
      const asked = api.modelRequests();
      await driver.press('Backspace');
      await until('the earlier one', async () => (await ghost(driver)).startsWith('cdefg') || undefined, 3000);
      await driver.press('Backspace');
      await until('all of it', async () => (await ghost(driver)).startsWith('bcdefg') || undefined, 3000);
      assert.equal(api.modelRequests(), asked);
      assert.equal(api.why.given?.from, 'memory');
    },
  },
  {
    name: 'suggestion: undo and coming back to a place show the earlier one, without the model',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      const editor = await open(t, 'plaintext', 'come back:‸\n\nelsewhere:\n');
      await driver.press('Enter');
      const text = await settledGhost(driver);
      await until('the model to rest', () => !api.status().generating || undefined);
      const asked = api.modelRequests();
      editor.selection = new vscode.Selection(3, 10, 3, 10);
      await until('no ghost text there', async () => (await ghost(driver)) === '' || undefined);
      editor.selection = new vscode.Selection(1, 0, 1, 0);
      await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger', { explicit: false });
      await until('the earlier one', async () => (await ghost(driver)) === text || undefined, 5000);
      await driver.press('Tab');
      await until('it to be accepted', () => editor.document.getText().includes(LINE) || undefined);
      await vscode.commands.executeCommand('undo');
      await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger', { explicit: false });
      await until('the earlier one again', async () => (await ghost(driver)) === text || undefined, 5000);
      assert.equal(api.modelRequests(), asked);
    },
  },
  {
    name: 'suggestion: after Tab the next one is there without a request',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      const editor = await open(t, 'plaintext', 'one after the other uvw‸');
      await driver.type('x');
      assert.equal(await settledGhost(driver), 'yz');
      await until('the next one to be asked for ahead', () => api.remembered() > 1 || undefined);
      await sleep(500);
      const asked = api.modelRequests();
      await driver.press('Tab');
      await until('it to be accepted', () => editor.document.getText().endsWith('uvwxyz') || undefined);
      const next = await settledGhost(driver);
      assert.ok(next.startsWith('ABC'), next);
      assert.equal(api.modelRequests(), asked);
    },
  },
  {
    name: 'suggestion: an edit above makes what was offered no longer count',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      const editor = await open(t, 'plaintext', 'above\nbelow:‸');
      await driver.press('Enter');
      await settledGhost(driver);
      await until('the model to rest', () => !api.status().generating || undefined);
      const asked = api.modelRequests();
      await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), 'x'));
      await driver.type('a');
      await settledGhost(driver);
      assert.ok(api.modelRequests() > asked);
    },
  },
];
