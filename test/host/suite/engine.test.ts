// The engine process may die; the editor goes on and says so.

import assert from 'node:assert/strict';
import type { HostTest } from './hostTest';
import { glassbox, knownModel, open, setting, settledGhost, sleep, until } from './window';

export const tests: HostTest[] = [
  {
    name: 'killing the engine process is survived: the next keystroke gets its suggestion',
    async run(t) {
      const driver = t.needDriver();
      const api = await knownModel(t);
      await open(t, 'plaintext', 'the alphabet:‸');
      const pid = api.enginePid() ?? assert.fail('no engine runs');
      process.kill(pid, 'SIGKILL');
      await until('the death to be noticed', () => (api.enginePid() !== pid ? true : undefined));
      await driver.press('Enter');
      await settledGhost(driver);
      assert.notEqual(api.enginePid(), pid);
      assert.equal(api.status().engine.kind, 'ready');
    },
  },
  {
    name: 'a model folder that is not there shows the reason in the status bar, and the right one brings it back',
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      await setting(t, 'model', '/nowhere/at-all');
      await until('the failure', () => (api.status().engine.kind === 'failed' ? true : undefined));
      await sleep(500);
      const item = await driver.evaluate<string>(
        `document.querySelector('[id="glassbox.glassbox.glassbox.status"], [id*="glassbox.status"]')?.getAttribute('aria-label') ?? document.querySelector('[id*="glassbox"] [aria-label]')?.getAttribute('aria-label') ?? ''`,
      );
      assert.match(item, /at-all/);
      await driver.screenshot('failed');
      await setting(t, 'model', '');
      await until('the model', () => (api.status().engine.kind === 'ready' ? true : undefined));
    },
  },
];
