// Which graphs that are run as they are take several tokens after others: it is tried, whatever the graph rounds to.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readModelFolder } from '../../src/engine/modelFolder';
import { PlainRunner } from '../../src/engine/plainRunner';
import { openSession } from '../../src/engine/session';
import { FAMILIES, isRewritten, weightsFile } from '../families';
import { convertFolder, DATA_TYPES } from '../forms/dataTypes';

const scratch = mkdtempSync(join(tmpdir(), 'glassbox-several-'));
after(() => rmSync(scratch, { recursive: true }));

const PROMPT = [256, ...Buffer.from('let total =')];
const MORE = [...Buffer.from(' 0;\nabcdefg')];
const TYPES = [
  undefined,
  ...['fp16', 'q8', 'q4', 'q4f16'].map((name) => DATA_TYPES.find((type) => type.name === name)),
];

/**
 * Merged graphs were recorded with a single token, for which most families write no mask; some cut theirs from a constant one.
 * MultiHeadAttention with the builder's mask lets new tokens see each other.
 */
const takesSeveral = (family: string, form: string): boolean =>
  !/merged|MultiHeadAttention/.test(form) || /^(GPT|CodeGen)/.test(family);

for (const family of FAMILIES)
  for (const form of family.forms.filter((each) => family.name === 'Llama' || !isRewritten(each) || /Multi/.test(each)))
    for (const type of TYPES) {
      const name = `${family.name}, ${form}, ${type?.name ?? 'fp32'}`;
      test(`${name}: several tokens after others`, async () => {
        const dir = join(scratch, name.replace(/\W+/g, '-'));
        family.write(dir, form);
        if (type !== undefined) convertFolder(dir, type, weightsFile(form));
        const folder = readModelFolder(dir);
        const runner = new PlainRunner(await openSession(folder.weightsPath, 'cpu', { threads: 1 }), folder);
        try {
          const cache = runner.newCache();
          await runner.forward(PROMPT, cache, 'last');
          assert.equal(runner.takesSeveral, undefined);
          await runner.forward(MORE, cache, 'last');
          assert.equal(runner.takesSeveral, takesSeveral(family.name, form));
          assert.deepEqual([...cache.ids], [...PROMPT, ...MORE]);
        } finally {
          await runner.dispose();
        }
      });
    }
