// The rewritten graph against the untouched one, for every form in which exporters write attention.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { FORMS } from '../graphForms';
import { farthest } from '../reference';

const root = mkdtempSync(join(tmpdir(), 'glassbox-rewrite-'));
after(() => rmSync(root, { recursive: true }));

const ids = [256, ...Buffer.from('if (a[i] === b) return f(a, i + 1);')];
/** Largest difference of logits of magnitude 10, in float32; half precision rounds at other places. */
const TOLERANCE = 1e-4;

for (const form of FORMS) {
  test(`${form.name}: the rewritten graph gives the untouched one's logits`, async (t) => {
    const dir = join(root, form.name.replaceAll(/\W+/g, '-'));
    form.write(dir);
    const folder = readModelFolder(dir);
    const [ours, plain] = [await Model.load(folder, 'cpu'), await Model.load(folder, 'cpu', { plain: true })];
    t.after(() => Promise.all([ours.dispose(), plain.dispose()]));
    assert.match(ours.graphNote, form.rewritable ? /^rewritten/ : /./, ours.graphNote);
    const tolerance = form.tolerance > 1e-3 ? form.tolerance : TOLERANCE;
    const [a, b] = [ours.newCache(), plain.newCache()];
    const same = async (part: readonly number[], what: string): Promise<void> => {
      const difference = farthest(await ours.forward(part, a, 'all'), await plain.forward(part, b, 'all'));
      assert.ok(difference < tolerance, `${what}: ${difference}; ${ours.graphNote}`);
    };
    const together = async (part: readonly number[], what: string): Promise<void> => {
      for (const some of form.oneAfterAnother ? part.map((id) => [id]) : [part]) await same(some, what);
    };
    await same(ids.slice(0, 20), 'prefill');
    await same(ids.slice(20, 21), 'one token');
    await together(ids.slice(21, 26), 'several tokens on a cache');
    a.truncate(11);
    b.truncate(11);
    await together(ids.slice(20, 24), 'after a roll-back');
    const last = await ours.forward(ids.slice(24, 25), a);
    assert.ok(farthest(last, await plain.forward(ids.slice(24, 25), b)) < tolerance, 'the last logits alone');
    if (!form.rewritable) t.diagnostic(ours.graphNote);
  });
}
