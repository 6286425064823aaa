// Every form of graph, as exported and as the engine rewrites it, against its reference: prefill, token by token, and after the cache was cut back.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { FORMS, type Form } from '../graphForms';
import { farthest } from '../reference';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-forms-'));
after(() => rmSync(dir, { recursive: true }));

const ids = [256, ...Buffer.from('for (const a of b) a.c += 1;')];
const KEPT = 11;
const other = [...ids.slice(0, KEPT), ...Buffer.from('let x')];

for (const form of FORMS) test(`${form.name}: logits are the reference's`, () => check(form));

async function check({ name, write, tolerance, oneAfterAnother }: Form): Promise<void> {
  const folder = join(dir, name);
  const reference = write(folder);
  const expected = reference(ids).logits;
  const expectedLast = reference(other).logits.at(-1)!;

  for (const plain of [true, false]) {
    const near = (got: ArrayLike<number>, wanted: ArrayLike<number>, where: string): void => {
      const distance = farthest(got, wanted);
      assert.ok(distance < tolerance, `${plain ? 'as exported' : 'as rewritten'}, ${where}: ${distance}`);
    };
    const model = await Model.load(readModelFolder(folder), 'cpu', { plain });
    const prefill = await model.forward(ids, model.newCache(), 'all');
    const flat = expected.flatMap((row) => [...row]);
    near(prefill, flat, 'prefill');

    const cache = model.newCache();
    for (const [i, id] of ids.entries()) near(await model.forward([id], cache), expected[i]!, `token ${i}`);

    assert.equal(cache.keepPrefix(other, other.length - 1), KEPT);
    const rest = other.slice(KEPT);
    let last: ArrayLike<number> = [];
    for (const part of oneAfterAnother ? rest.map((id) => [id]) : [rest]) last = await model.forward(part, cache);
    near(last, expectedLast, 'after a cut');
    await model.dispose();
  }
}
