// What the tests of this suite do again and again in the window: open a document, wait for something, ask the extension.

import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Api } from '../../../src/extension/extension';
import { writeCycleModel } from '../../cycleModel';
import { painted, type Driver, type GhostFrame } from '../driver';
import type { TestContext } from './hostTest';

/** The extension's own view of itself, once its model is loaded. */
export async function glassbox(): Promise<Api> {
  const api =
    (await vscode.extensions.getExtension<Api>('glassbox.glassbox')?.activate()) ??
    assert.fail('glassbox.glassbox is not installed');
  await until('the model to be loaded', () => api.status().engine.kind === 'ready' || undefined);
  return api;
}

/** For the time of the test, a model whose text is known beforehand: the alphabet, a line break, and again. */
export function knownModel(t: TestContext): Promise<Api> {
  return otherModel(t, 'cycle', writeCycleModel);
}

/** For the time of the test, the model of a folder that `write` makes. @param name part of the folder's name */
export async function otherModel(t: TestContext, name: string, write: (dir: string) => void): Promise<Api> {
  const api = await glassbox();
  const dir = join(tmpdir(), `glassbox-${name}-${process.pid}`);
  if (!existsSync(dir)) {
    write(dir);
    process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  }
  const loaded = (part: string): Promise<true> =>
    until(`the model ${part}`, () => {
      const { engine } = api.status();
      return (engine.kind === 'ready' && engine.info.name.includes(part)) || undefined;
    });
  t.after(() => loaded('small')); // runs after the setting has been taken back
  await setting(t, 'model', dir);
  await loaded(name);
  return api;
}

/** Whether keys go to a document's editor, and not to an input that is drawn as one; an expression for the workbench's page. */
export const FOCUSED = `Boolean(document.activeElement?.closest('.editor-instance .monaco-editor'))`;

/** Waits until the window, too, shows a document, and keys go to it. */
export async function settled(driver: Driver | undefined, document: vscode.TextDocument): Promise<void> {
  await sleep(300);
  // A window that has just been started may take longer: keys would go nowhere.
  if (driver === undefined) return;
  await until('the editor to have the focus', async () => {
    if (vscode.window.activeTextEditor?.document === document && (await driver.evaluate<boolean>(FOCUSED))) return true;
    await vscode.window.showTextDocument(document);
    return undefined;
  });
}

/** Opens a new document with the cursor where the text has ‸. */
export async function open(t: TestContext, language: string, text: string): Promise<vscode.TextEditor> {
  const [before = '', after = ''] = text.split('‸');
  const document = await vscode.workspace.openTextDocument({ language, content: before + after });
  const cursor = document.positionAt(before.length);
  // Set with the opening: set afterwards it may arrive in a slow window when keys have been typed.
  const editor = await vscode.window.showTextDocument(document, { selection: new vscode.Range(cursor, cursor) });
  t.after(() => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));
  await settled(t.driver, document);
  return editor;
}

/** Changes a setting for the time of the test. */
export async function setting(t: TestContext, key: string, value: unknown): Promise<void> {
  const update = (to: unknown): Thenable<void> =>
    vscode.workspace.getConfiguration('glassbox').update(key, to, vscode.ConfigurationTarget.Global);
  await update(value);
  t.after(() => update(undefined));
}

/** Waits until `look` returns something and returns it. */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  limitMs = 30_000,
): Promise<T> {
  const end = Date.now() + limitMs;
  while (Date.now() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
  return assert.fail(`waited ${limitMs / 1000} s in vain for ${what}`);
}

/** Ghost text as the window shows it now: its lines from top to bottom, without what separates them. */
export async function ghost(driver: Driver): Promise<string> {
  return driver.evaluate<string>(`
    [...document.querySelectorAll('[class*="ghost-text"]')]
      .filter((e) => !e.parentElement.closest('[class*="ghost-text"]'))
      .map((e) => ({ text: e.textContent, box: e.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0)
      .sort((a, b) => (Math.abs(a.box.top - b.box.top) > 5 ? a.box.top - b.box.top : a.box.left - b.box.left))
      .map(({ text }) => text).join('').replaceAll('\\u00a0', ' ').replace(/[\\u200b-\\u200d]/g, '')`);
}

/** Waits for ghost text and until it has not changed for a while. */
export async function settledGhost(driver: Driver): Promise<string> {
  let last = '';
  let since = Date.now();
  return until('ghost text', async () => {
    const now = await ghost(driver);
    if (now !== last) [last, since] = [now, Date.now()];
    return now !== '' && Date.now() - since > 1000 ? now : undefined;
  });
}

/** The frames from the first ghost text to the last; asserts that none between them was blank and that each begins with the one before. */
export function assertGrows(frames: GhostFrame[]): string[] {
  const texts = painted(frames).map((frame) => frame.text);
  const shown = texts.slice(texts.findIndex((text) => text !== ''));
  assert.ok(!shown.includes(''), `a blank frame among ${JSON.stringify(shown)}`);
  shown.forEach((text, i) =>
    assert.ok(i === 0 || text.startsWith(shown[i - 1] as string), `not longer: ${JSON.stringify(shown)}`),
  );
  return shown;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
