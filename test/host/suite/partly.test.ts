// A suggestion accepted in parts with the editor's own keys: what is left stays on show, from frame to frame, and nobody is asked for it.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { LINES } from '../../cycleModel';
import { painted } from '../driver';
import type { HostTest } from './hostTest';
import { ghost, knownModel, open, setting, sleep, until } from './window';

/** Older editors cannot lengthen what they show. */
const CAN_GROW = vscode.version.localeCompare('1.110', undefined, { numeric: true }) >= 0;
/** What either takes: the first line is one word. */
const TAKEN = LINES[0];

/** Name, and the editor's command for it. */
const PARTS: [name: string, command: string][] = [
  ['word', 'editor.action.inlineSuggest.acceptNextWord'],
  ['line', 'editor.action.inlineSuggest.acceptNextLine'],
];

/** Where a suggestion is one line at most, nothing is left of it. */
export const tests: HostTest[] = (CAN_GROW ? PARTS : []).map(([name, command]) => ({
  name: `accepting a ${name} leaves the rest on show without a blank frame and without the model`,
  async run(t) {
    const driver = t.needDriver();
    const api = await knownModel(t);
    await setting(t, 'maxTokens', 400);
    const editor = await open(t, 'plaintext', `a ${name} of it:‸`);
    await driver.press('Enter');
    const whole = LINES.join('');
    await until('the whole suggestion', async () => (await ghost(driver)) === whole || undefined);
    const asked = api.modelRequests();
    const before = editor.document.getText();
    await driver.startGhost();
    await vscode.commands.executeCommand(command);
    await until('the part to be inserted', () => editor.document.getText().startsWith(before + TAKEN) || undefined);
    await sleep(1000);
    const frames = await driver.stopGhost();
    assert.ok(
      painted(frames).every(({ text }) => text !== ''),
      `a blank frame among ${JSON.stringify(painted(frames))}`,
    );
    assert.equal(await ghost(driver), whole.slice(TAKEN.length), 'the rest, and no more');
    assert.equal(api.modelRequests(), asked);
  },
}));
