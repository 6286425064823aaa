// The model of the window's tests writes what it is said to write.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Engine } from '../../src/engine/engine';
import { cycleText, writeCycleModel } from '../cycleModel';

test('the cycle model goes on with its cycle', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'glassbox-cycle-'));
  writeCycleModel(dir);
  const engine = await Engine.load({ modelDir: dir, device: 'cpu' });
  const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
  const { text, stats } = await engine.complete(
    { prefix: 'x\n', suffix: '', maxTokens: 60, sampling, raw: true },
    { signal: new AbortController().signal },
  );
  console.log(`${(stats.totalMs / 60).toFixed(1)} ms a token`);
  assert.equal(text, cycleText(60));
  await engine.dispose();
  rmSync(dir, { recursive: true });
});
