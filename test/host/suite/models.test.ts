// Choosing a model in the window: from a hub that runs beside the test, by keyboard, with what can go wrong on the way.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { writeCycleModel } from '../../cycleModel';
import { someCommit, startHub, type HubFault, type HubRepo, type RunningHub } from '../../hubServer';
import { writeTinySource } from '../../safetensors';
import type { Driver } from '../driver';
import { answer } from './generating';
import type { HostTest, TestContext } from './hostTest';
import { glassbox, open, setting, settledGhost, until } from './window';

const ROWS = `[...document.querySelectorAll('.quick-input-widget:not([style*="display: none"]) .monaco-list-row')].map((row) => row.ariaLabel ?? '')`;
/** The title of the box that keys go to. */
const BOX = `document.activeElement?.closest('.quick-input-widget')?.querySelector('.quick-input-title')?.textContent ?? ''`;
const TOKEN = 'token-of-this-test';

/** A folder's files, as a hub has them. */
function filesOf(dir: string): HubRepo['files'] {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    names.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(dir.length + 1), readFileSync(path)];
    }),
  );
}

/** A hub with three models: one exported, one as original weights, one that asks for an agreement. */
async function hubFor(t: TestContext, faults: HubFault[]): Promise<{ hub: RunningHub; repos: HubRepo[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'glassbox-hub-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeCycleModel(join(dir, 'cycle'));
  writeTinySource(join(dir, 'original'), { family: 'qwen2', dtype: 'BF16' });
  const exported = filesOf(join(dir, 'cycle'));
  const config = JSON.parse(readFileSync(join(dir, 'cycle', 'config.json'), 'utf8')) as object;
  exported['config.json'] = Buffer.from(JSON.stringify({ ...config, model_type: 'llama' }));
  const common = { lfsFrom: 20_000, licence: 'mit' };
  const repos: HubRepo[] = [
    { name: 'letters/cycle', commit: someCommit(), files: exported, ...common },
    { name: 'letters/original', commit: someCommit(), files: filesOf(join(dir, 'original')), ...common },
    { name: 'letters/closed', commit: someCommit(), files: exported, token: TOKEN, gated: true, ...common },
  ];
  const hub = await startHub({ repos, faults });
  t.after(() => hub.close());
  await setting(t, 'hub.endpoint', hub.endpoint);
  t.after(() => vscode.commands.executeCommand('notifications.clearAll'));
  return { hub, repos };
}

/** Waits until the box on show is the one with this title, and keys go to it. */
async function box(driver: Driver, title: RegExp): Promise<void> {
  await until(`the box ${String(title)}`, async () => title.test(await driver.evaluate<string>(BOX)) || undefined);
}

async function rows(driver: Driver): Promise<string[]> {
  return driver.evaluate<string[]>(ROWS);
}

/** Asks for a model of the hub, up to the choice of its weights. */
async function askFor(driver: Driver, name: string): Promise<void> {
  void vscode.commands.executeCommand('glassbox.chooseModel');
  await box(driver, /Choose Model/);
  await driver.type('A model of the hub');
  await until('the entry', async () => (await rows(driver))[0]?.includes('A model of the hub') || undefined);
  await driver.press('Enter');
  await box(driver, /^A model of the hub/);
  await driver.type(name);
  await driver.press('Enter');
}

/** Waits until a model of the store is in use. @returns its folder */
async function inUse(name: string): Promise<string> {
  const api = await glassbox();
  return until(
    `${name} to be in use`,
    () => {
      const { engine } = api.status();
      return engine.kind === 'ready' && engine.info.dir.includes(name) ? engine.info.dir : undefined;
    },
    60_000,
  );
}

/** Takes the setting back, waits for the model that comes with the product, and deletes what was downloaded. */
function tidyModel(t: TestContext): void {
  t.after(async () => {
    const section = vscode.workspace.getConfiguration('glassbox');
    const dir = section.get<string>('model', '');
    await section.update('model', undefined, vscode.ConfigurationTarget.Global);
    await inUse('glassbox-small');
    if (dir.includes('letters--')) rmSync(join(dir, '..'), { recursive: true, force: true });
  });
}

export const tests: HostTest[] = [
  {
    name: 'models: one of the hub is chosen by keyboard, downloaded past a broken connection, used, and removed again',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      await glassbox();
      tidyModel(t);
      const { hub, repos } = await hubFor(t, [{ on: 'storage', cutAfter: 100_000 }]);

      void vscode.commands.executeCommand('glassbox.chooseModel');
      await box(driver, /Choose Model/);
      const listed = await until('the list', async () => {
        const found = await rows(driver);
        return found.length > 5 ? found : undefined;
      });
      assert.ok(listed.some((row) => row.includes('The model that comes with Glassbox')), listed.join(' | ')); // prettier-ignore
      const best = /recommended for this machine.* of memory · [\d.]+ ms a token/;
      await until('the recommendation', async () => (await rows(driver)).some((row) => best.test(row)) || undefined);
      await driver.screenshot('models');
      await driver.press('Escape');
      assert.equal(hub.seen.length, 0, 'the list itself asks nobody');

      await askFor(driver, 'letters/cycle');
      await box(driver, /letters\/cycle.*licence: mit/);
      await driver.screenshot('models-weights');
      const before = hub.sentBytes();
      assert.equal(before < 50_000, true, 'nothing large before the choice');
      await driver.press('Enter');
      const dir = await inUse('letters--cycle');
      const lock = JSON.parse(readFileSync(join(dir, 'glassbox.lock.json'), 'utf8')) as { revision: string };
      assert.equal(lock.revision, repos[0]?.commit);
      assert.ok(hub.seen.some(({ range }) => range?.startsWith('bytes=100000-')), 'it went on where it broke off'); // prettier-ignore

      await open(t, 'plaintext', 'abcdefgh‸');
      await driver.type('i');
      assert.match(await settledGhost(driver), /^jkl/);

      void vscode.commands.executeCommand('glassbox.chooseModel');
      await box(driver, /Choose Model/);
      await driver.type('letters/cycle');
      await until('the entry', async () => (await rows(driver))[0]?.includes('letters/cycle') || undefined);
      await driver.click('.quick-input-list .monaco-list-row .codicon-trash');
      await box(driver, /^Remove letters\/cycle from this machine\?/);
      await driver.press('Enter');
      await until('the folder to be gone', () => !existsSync(dir) || undefined);
      await driver.press('Escape');
      await inUse('glassbox-small');
    },
  },
  {
    name: 'models: original weights are downloaded, built into a graph here, and used',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      tidyModel(t);
      const { repos } = await hubFor(t, []);
      await askFor(driver, `letters/original@${repos[1]?.commit.slice(0, 40) ?? ''}`);
      await box(driver, /letters\/original/);
      await driver.press('Enter');
      const dir = await inUse('letters--original');
      assert.match(dir, /-4bit$/);
      assert.ok(!existsSync(dir.replace(/-4bit$/, '')), 'the original weights are gone');
      const lock = JSON.parse(readFileSync(join(dir, 'glassbox.lock.json'), 'utf8')) as {
        builtFrom: { path: string }[];
        files: { path: string }[];
      };
      assert.ok(lock.builtFrom.some(({ path }) => path === 'model.safetensors'));
      assert.ok(lock.files.some(({ path }) => path.endsWith('.onnx')));
      const { engine } = api.status();
      assert.match(engine.kind === 'ready' ? engine.info.graph : '', /^rewritten/);
      assert.equal(engine.kind === 'ready' ? engine.info.name : '', 'original', 'its folder is called after a commit');
    },
  },
  {
    name: 'models: one that asks for an agreement says so, and opens with a token; rubbish and strangers are refused by name',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      await glassbox();
      tidyModel(t);
      await hubFor(t, []);
      await askFor(driver, 'letters/closed');
      await answer(driver, 'letters/closed', 'Set Token');
      await box(driver, /^Token for 127\.0\.0\.1/);
      await driver.type(TOKEN);
      await driver.press('Enter');
      await box(driver, /letters\/closed/);
      await driver.press('Enter');
      await inUse('letters--closed');

      await vscode.commands.executeCommand('notifications.clearAll');
      await askFor(driver, 'letters/nobody');
      await until('the error', async () => {
        await vscode.commands.executeCommand('notifications.showList');
        const said = await driver.evaluate<string>(
          `document.querySelector('.notifications-center')?.textContent ?? ''`,
        );
        return said.includes('letters/nobody') || undefined;
      });
      await inUse('letters--closed');
    },
  },
];
