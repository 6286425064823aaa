// The inside of a completion on every form of graph: weights, means, logits, effects and steps against the reference's. Where a graph is run
// as it is, the weights come from a copy, and what cannot be asked is refused in words.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EngineError } from '../../src/engine/errors';
import type { Inspector } from '../../src/engine/inspect/inspector';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import type { Question } from '../../src/inspectionProtocol';
import { FORMS, type Form, type Reference } from '../graphForms';
import { checkEffects, checkLessons, checkLogits, checkWeights, CLOSE, inspectorOf, textOf } from './inspection';

const dir = mkdtempSync(join(tmpdir(), 'glassbox-inspect-forms-'));
after(() => rmSync(dir, { recursive: true }));

const ids = [256, ...Buffer.from('if (x) y = [a, b];\n')];
const GENERATED = 5;
const EFFECTS = [
  { position: 1, spans: [] },
  {
    position: ids.length - 2,
    spans: [
      [0, 1],
      [3, 6],
      [12, ids.length - 3],
      [0, ids.length - 3],
    ] as [number, number][],
  },
];
/** Sinks take a share that no key has: the graph has no weights to show, or rows that do not sum to one. */
const isSink = ({ name }: Form): boolean => name.includes('sinks');
/** Forms whose scores are more than query · key · one number, or hidden by the graph itself: their steps are not shown. */
const OTHER_SCORES = [/softcap/, /scaled_dot_product/, /linear biases/, /^decomposed.*window/];
/** Forms whose attention operator rotates by itself, from tables: a lesson can undo it. */
const ROTATES = /^gqa(?!.*(outside|normed))/;

const unsupported = (error: unknown): boolean =>
  error instanceof EngineError && error.code === 'model_unsupported' && error.message.length > 20;

async function refused(inspector: Inspector, ...questions: Question[]): Promise<void> {
  for (const question of questions)
    await assert.rejects(inspector.inspect('last', question), unsupported, question.ask);
}

const lesson = (layer: number): Question => ({ ask: 'lesson', layer, head: 1, query: 9, key: 4 });
const effects: Question = { ask: 'effects', position: 9, heads: true, spans: [] };

for (const form of FORMS)
  for (const plain of form.rewritable ? [false, true] : [true])
    test(`${form.name}${plain ? ', run as it is' : ''}: the inside is the reference’s`, async (t) => {
      const folder = join(dir, form.name);
      const reference = form.write(folder);
      const expected = reference(ids);
      const model = await Model.load(readModelFolder(folder), 'cpu', { plain, threads: 1 });
      const inspector = inspectorOf(model, ids, GENERATED);
      t.after(() => inspector.dispose().then(() => model.dispose()));
      const text = await textOf(inspector);
      assert.equal(text.kernel, plain ? 'copy' : 'own', model.graphNote);
      assert.equal(text.tokens.length, ids.length);
      const tolerance = Math.max(form.tolerance, CLOSE);
      await checkLogits(inspector, ids, expected, [1, 9, ids.length], tolerance);
      if (isSink(form)) await refused(inspector, { ask: 'head', layer: 0, head: 0, from: 0 });
      else await checkWeights(inspector, expected, { tolerance, whole: true });
      if (plain) {
        assert.ok(text.limits.effects && text.limits.lesson);
        await refused(inspector, effects, lesson(0));
      } else await checkInside(inspector, form, reference, tolerance);
    });

/** What a mask of the graph's own does to scores is seen only in a run. */
const OWN_MASKS = /^decomposed, (linear biases|window)/;

/** Effects and steps, which a rewritten graph has. */
async function checkInside(inspector: Inspector, form: Form, reference: Reference, tolerance: number): Promise<void> {
  const n = ids.length;
  await checkEffects(inspector, ids, reference, EFFECTS, 2 * tolerance);
  const { shape, limits } = await textOf(inspector);
  if (OTHER_SCORES.some((name) => name.test(form.name))) {
    if (!OWN_MASKS.test(form.name)) assert.ok(limits.lesson, 'it is said before it is asked for');
    return refused(inspector, lesson(0));
  }
  assert.deepEqual(limits, {});
  const { layers, heads } = shape;
  const cases = [
    [0, 0, 9, 4],
    [0, heads - 1, n - 1, n - 1],
    [layers - 1, 1, n - 1, 0],
    [1, heads - 2, 0, 0],
    [layers - 1, heads - 1, 12, 11],
  ] as const;
  const scale = form.name.includes('other scale') ? 0.4 : undefined;
  const known = ROTATES.test(form.name);
  await checkLessons(inspector, ids, reference, cases, { tolerance: 2 * tolerance, known, ...(scale && { scale }) });
}
