// Measuring the machine: the table, what is set by it and taken back, and a cancel; and what is not done on the battery.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { answer } from './generating';
import type { HostTest } from './hostTest';
import { Scratch } from './scratch';
import { glassbox, knownModel, open, setting, settledGhost, sleep, until } from './window';

/** More threads than any machine for tests has cores: never best. */
const TOO_MANY = 48;

const threads = (): unknown => vscode.workspace.getConfiguration('glassbox').get('threads');

export const tests: HostTest[] = [
  {
    name: 'measure: the command measures the model, sets what is best, shows the table, and takes it back',
    timeoutMs: 180_000,
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      await setting(t, 'threads', TOO_MANY);
      t.after(() => vscode.commands.executeCommand('notifications.clearAll'));
      t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
      await until('the model with these threads', () => api.status().engine.kind === 'ready' || undefined);

      await vscode.commands.executeCommand('glassbox.measureMachine');
      const { measurement, before, after } = api.measured() ?? assert.fail('nothing is remembered');
      assert.equal(measurement.model, 'glassbox-small');
      assert.deepEqual([before.threads, after.device], [TOO_MANY, 'auto']);
      const cpu = measurement.rows.filter(({ device }) => device === 'cpu');
      assert.ok(cpu.length >= 2 && cpu.some((row) => row.threads === TOO_MANY), JSON.stringify(cpu));
      for (const { figures } of cpu) assert.ok(figures !== undefined && figures.decodeMs > 0 && figures.sameTop > 0.9);
      assert.notEqual(threads(), TOO_MANY);
      assert.equal(threads(), after.threads);

      const text = vscode.window.activeTextEditor?.document.getText() ?? '';
      for (const { threads: count } of cpu)
        assert.match(text, new RegExp(`^\\| cpu +\\| +${count} \\| +[\\d,]+ \\|`, 'm'));
      assert.match(text, /glassbox\.threads is \d+\./);
      await driver.screenshot('measured');
      await until('the engine to be back', () => api.status().engine.kind === 'ready' || undefined);

      await answer(driver, 'best here is', 'Undo');
      await until('the settings of before', () => threads() === TOO_MANY || undefined);
    },
  },
  {
    name: 'measure: a cancel changes nothing, and the engine is there again',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      const [before, pid] = [api.measured()?.at, api.enginePid()];
      const done = vscode.commands.executeCommand('glassbox.measureMachine');
      await until('the engine to rest', () => (api.enginePid() !== pid ? true : undefined));
      await answer(driver, 'measures this machine', 'Cancel');
      await done;
      assert.equal(api.measured()?.at, before);
      assert.notEqual(vscode.window.activeTextEditor?.document.uri.scheme, 'glassbox-machine');
      await until('the engine', () => api.status().engine.kind === 'ready' || undefined);
    },
  },
  {
    name: 'battery: what nobody has asked for is not completed ahead',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      process.env['GLASSBOX_ON_BATTERY'] = '1';
      t.after(() => (process.env['GLASSBOX_ON_BATTERY'] = '0'));
      await open(t, 'plaintext', 'on the battery uvw‸');
      const remembered = api.remembered();
      await driver.type('x');
      assert.equal(await settledGhost(driver), 'yz');
      await sleep(1000); // plugged in, what follows would be there by now
      assert.equal(api.remembered(), remembered + 1);
    },
  },
  {
    name: 'battery: the memory forgets what is excluded, and reads all files again only when plugged in',
    timeoutMs: 120_000,
    async run(t) {
      const api = await glassbox();
      const scratch = new Scratch(t, { 'kept/a.ts': 'const kept = 1;\n' });
      const path = scratch.path('kept/a.ts');
      const remembers = (): boolean => Object.hasOwn(api.memory()?.stamps ?? {}, path);
      await until('the file to be remembered', () => remembers() || undefined);
      process.env['GLASSBOX_ON_BATTERY'] = '1';
      t.after(() => (process.env['GLASSBOX_ON_BATTERY'] = '0'));
      await setting(t, 'exclude', ['**/kept']);
      await until('it to be forgotten', () => !remembers() || undefined);
      await setting(t, 'exclude', []);
      await sleep(5000);
      assert.ok(!remembers(), 'it is not read again on the battery');
      process.env['GLASSBOX_ON_BATTERY'] = '0';
      await until('it to be remembered again', () => remembers() || undefined);
    },
  },
];
