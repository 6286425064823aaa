// Suggestions as a person sees them: they appear while typing, grow without a blank frame, are typed through without the model,
// accepted by Tab, and dismissed for good by Escape.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { HostTest } from './hostTest';
import { assertGrows, ghost, glassbox, open, setting, settledGhost, sleep, until } from './window';

/** A pattern that goes on, so that the suggestion is long. */
const PATTERN = `export const squares = [
  { value: 1, square: 1 },
  { value: 2, square: 4 },
  { value: 3, square: 9 },
  { value: 4, square: 16 },
‸
];
`;

export const tests: HostTest[] = [
  {
    name: 'ghost text appears, grows, and has no blank frame in between',
    async run(t) {
      const driver = t.needDriver();
      await glassbox();
      await setting(t, 'maxTokens', 200);
      await setting(t, 'temperature', 0);
      await open(t, 'typescript', PATTERN);
      await driver.startGhost();
      await driver.type('  { value:');
      const text = await settledGhost(driver);
      await driver.screenshot('ghost-text');
      const shown = assertGrows(await driver.stopGhost());
      console.log(`${shown.length} frames, the last: ${JSON.stringify(text)}`);
      // Older editors cannot lengthen what they show: there it comes in whole lines.
      const least = vscode.version.localeCompare('1.110', undefined, { numeric: true }) >= 0 ? 3 : 1;
      assert.ok(shown.length >= least, `only ${shown.length} frames: ${JSON.stringify(shown)}`);
    },
  },
  {
    name: 'Tab accepts the ghost text, and one undo takes it back',
    async run(t) {
      const driver = t.needDriver();
      await glassbox();
      await setting(t, 'temperature', 0);
      const editor = await open(t, 'typescript', PATTERN);
      await driver.type('  { value:');
      const text = await settledGhost(driver);
      const typed = editor.document.getText();
      await driver.press('Tab');
      await until('the text to be inserted', () => editor.document.getText() !== typed || undefined);
      assert.ok(
        editor.document
          .getText()
          .replaceAll('\n', '')
          .includes(`{ value:${text.replaceAll('\n', '')}`),
        editor.document.getText(),
      );
      await vscode.commands.executeCommand('undo');
      assert.equal(editor.document.getText(), typed);
    },
  },
  {
    name: 'typing what is offered does not ask the model again, and leaves the rest on show',
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      await setting(t, 'temperature', 0);
      await open(t, 'typescript', PATTERN);
      await driver.type('  { value:');
      const text = await settledGhost(driver);
      const asked = api.modelRequests();
      const next = text.slice(0, 3);
      await driver.startGhost();
      await driver.type(next, { delayMs: 150 });
      await sleep(1000);
      const frames = await driver.stopGhost();
      assert.equal(api.modelRequests(), asked);
      assert.equal(await ghost(driver), text.slice(next.length));
      assert.ok(
        frames.every((frame) => !frame.painted || frame.text !== ''),
        'a blank frame while typing',
      );
      await driver.screenshot('typed-through');
    },
  },
  {
    name: 'Escape dismisses a growing suggestion and it stays away',
    async run(t) {
      const driver = t.needDriver();
      await glassbox();
      await setting(t, 'maxTokens', 400);
      await setting(t, 'temperature', 0);
      await open(t, 'typescript', PATTERN);
      await driver.type('  { value:');
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
      const api = await glassbox();
      await setting(t, 'enabled', false);
      await open(t, 'typescript', PATTERN);
      const asked = api.modelRequests();
      await driver.type('  { value:');
      await sleep(1000);
      assert.equal(await ghost(driver), '');
      assert.equal(api.modelRequests(), asked);
      assert.equal(api.status().enabled, false);
      await setting(t, 'enabled', true);
      await driver.type(' ');
      await settledGhost(driver);
    },
  },
];
