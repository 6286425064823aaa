// Suggestions as a person sees them: they appear while typing, grow without a blank frame, are typed through without the model,
// accepted by Tab, and dismissed for good by Escape.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { LINES } from '../../cycleModel';
import type { HostTest } from './hostTest';
import { assertGrows, ghost, glassbox, knownModel, open, setting, settledGhost, sleep, until } from './window';

/** Older editors cannot lengthen what they show. */
const CAN_GROW = vscode.version.localeCompare('1.110', undefined, { numeric: true }) >= 0;
/** What is on offer on a blank line: lines as the editor draws them, one below the other. */
const LINE = LINES[0];

/** Places where a programmer would expect something. */
const PLACES: [language: string, text: string, typed: string][] = [
  ['typescript', "import { readFile } from 'node:fs/promises';\n‸\n", 'import { join } from '],
  ['python', 'import os\nimport sys\n\n\nclass Reader:\n    def __init__(self, path):\n‸\n', '        self.path = '],
  ['javascript', 'const items = [1, 2, 3];\n‸\n', 'for (let i = 0; i < items.'],
  ['typescript', 'export function add(a: number, b: number): number {\n‸\n}\n', '  return '],
  ['python', 'def read(path):\n    with open(path) as file:\n‸\n', '        return '],
];

export const tests: HostTest[] = [
  {
    name: 'the shipped model suggests something in code',
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      await setting(t, 'temperature', 0);
      const shown: string[] = [];
      for (const [language, text, typed] of PLACES) {
        const { document } = await open(t, language, text);
        const asked = api.modelRequests();
        await driver.type(typed);
        await until('the keys to arrive', () => document.getText().includes(typed.trim()) || undefined);
        await until(
          'the model to be asked',
          () => (api.modelRequests() > asked && !api.status().generating) || undefined,
        );
        await sleep(500);
        const suggestion = await ghost(driver);
        console.log(`${typed.trim()}▏${suggestion}`);
        if (suggestion !== '') shown.push(suggestion);
        if (shown.length === 1 && suggestion !== '') await driver.screenshot('shipped-model');
      }
      assert.ok(shown.length > 0, 'no suggestion at any of the places');
    },
  },
  {
    name: 'ghost text appears, grows, and has no blank frame in between',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'maxTokens', 400);
      await open(t, 'plaintext', 'growing:‸');
      await driver.startGhost();
      await driver.press('Enter');
      const text = await settledGhost(driver);
      await driver.screenshot('ghost-text');
      const shown = assertGrows(await driver.stopGhost());
      console.log(`${shown.length} frames, ${text.length} characters`);
      assert.ok(shown.length >= (CAN_GROW ? 3 : 1), `only ${shown.length} frames: ${JSON.stringify(shown)}`);
      assert.equal(text, CAN_GROW ? LINES.join('') : LINE, 'all lines, until they would repeat themselves');
    },
  },
  {
    name: 'Tab accepts the ghost text, and one undo takes it back',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      const editor = await open(t, 'plaintext', 'accepted:‸');
      await driver.press('Enter');
      await settledGhost(driver);
      const typed = editor.document.getText();
      await driver.press('Tab');
      await until('the text to be inserted', () => editor.document.getText() !== typed || undefined);
      assert.ok(editor.document.getText().startsWith(`accepted:\n${LINE}`), editor.document.getText());
      await vscode.commands.executeCommand('undo');
      assert.equal(editor.document.getText(), typed);
    },
  },
  {
    name: 'typing what is offered does not ask the model again, and leaves the rest on show',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      await open(t, 'plaintext', 'typed through:‸');
      await driver.press('Enter');
      const text = await settledGhost(driver);
      const asked = api.modelRequests();
      await driver.startGhost();
      await driver.type('abcdef', { delayMs: 150 });
      await sleep(1000);
      const frames = await driver.stopGhost();
      assert.equal(api.modelRequests(), asked);
      const rest = await ghost(driver);
      assert.ok(rest.startsWith(text.slice('abcdef'.length)), rest);
      if (CAN_GROW) assert.equal(rest, text.slice('abcdef'.length));
      assert.ok(
        frames.every((frame) => !frame.painted || frame.text !== ''),
        'a blank frame while typing',
      );
      await driver.screenshot('typed-through');
    },
  },
  {
    name: 'typing ahead of a suggestion that is being written keeps it',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      await setting(t, 'maxTokens', 300);
      await open(t, 'plaintext', 'typed ahead:‸');
      const asked = api.modelRequests();
      await driver.press('Enter');
      await driver.type('abcd', { delayMs: 120 });
      const text = await settledGhost(driver);
      assert.equal(api.modelRequests(), asked + 1);
      assert.ok(text.startsWith('efgh'), text);
    },
  },
  {
    name: 'typing something else asks anew',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      await open(t, 'plaintext', 'something else:‸');
      await driver.press('Enter');
      await settledGhost(driver);
      const asked = api.modelRequests();
      await driver.type('uv');
      await until('the new text', async () => ((await ghost(driver)) === 'wxyz' ? true : undefined));
      assert.ok(api.modelRequests() > asked);
    },
  },
  {
    name: 'Escape dismisses a growing suggestion and it stays away',
    async run(t) {
      const driver = t.needDriver();
      await knownModel(t);
      await setting(t, 'maxTokens', 500);
      await open(t, 'plaintext', 'dismissed:‸');
      await driver.press('Enter');
      await until('ghost text', async () => (await ghost(driver)) !== '' || undefined);
      await driver.press('Escape');
      await sleep(1500);
      assert.equal(await ghost(driver), '');
    },
  },
  {
    name: 'nothing is offered while suggestions are off, and again when they are on',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      await setting(t, 'enabled', false);
      await open(t, 'plaintext', 'off and on:‸');
      const asked = api.modelRequests();
      await driver.press('Enter');
      await sleep(1000);
      assert.equal(await ghost(driver), '');
      assert.equal(api.modelRequests(), asked);
      assert.equal(api.status().enabled, false);
      await setting(t, 'enabled', true);
      await driver.type('a');
      await settledGhost(driver);
    },
  },
];
