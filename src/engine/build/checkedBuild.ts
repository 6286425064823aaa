// Builds a model and holds it against the weights that it was made of, before it takes its place.

import { resolve } from 'node:path';
import type { BuildJob, BuildResult, JobProgress } from '../../jobProtocol';
import { t } from '../../l10n';
import { agreement } from '../agreement';
import { EngineError } from '../errors';
import { Model } from '../model';
import { readModelFolder, type ModelFolder } from '../modelFolder';
import { Tokenizer } from '../tokenizer';
import { buildModel, cancelled, type Built } from './build';
import { weightsOf } from './matrices';
import { referencePass } from './pass';

/** Texts of the check, and how many tokens of each: the slow pass takes a second for some hundred million weights and four tokens. */
const TEXTS = [
  'function add(a, b) {\n  return a + b;\n}\n',
  'import os\n\ndef main():\n    print("',
  'The quick brown fox jumps',
];
const TOKENS = 8;
/** Least correlation of all logits. Rounding to 4 bits leaves 0.95 and more, to 8 bits 0.999; a graph that computes something else, about 0. */
const LEAST = { 4: 0.9, 8: 0.99 } as const;
/** Of the whole, the part that building takes; the rest is the check. */
const BUILDING = 0.6;

/**
 * Builds a model folder and checks it.
 * @throws EngineError as `buildModel`; `model_unsupported` where the built model gives other logits than its weights: then nothing is left
 */
export async function checkedBuild(
  { from, into, bits }: BuildJob,
  onProgress: (progress: JobProgress) => void,
  signal: AbortSignal,
): Promise<BuildResult> {
  const start = performance.now();
  let built = start;
  let found = { correlation: NaN, sameTop: NaN };
  const building = t('Reading the weights and writing them in {0} bits', bits);
  const bytes = await buildModel({
    from,
    into,
    bits,
    signal,
    onProgress: spaced((fraction) => onProgress({ doing: building, fraction: fraction * BUILDING })),
    check: async (model) => {
      built = performance.now();
      const doing = t('Checking the model against its original weights');
      const told = spaced((fraction) => onProgress({ doing, fraction: BUILDING + fraction * (1 - BUILDING) }));
      found = await compare(model, resolve(from), told, signal);
      if (!(found.correlation >= LEAST[bits]))
        throw new EngineError(
          'model_unsupported',
          t(
            'The model built from {0} does not compute what its weights do (correlation {1}, at least {2} is asked). It was removed; choose another model, or one that has been exported to ONNX.',
            from,
            found.correlation.toFixed(3),
            LEAST[bits],
          ),
        );
    },
  });
  const seconds = (from: number, to: number): number => Math.round((to - from) / 100) / 10;
  const buildSeconds = seconds(start, built);
  return { dir: into, bytes, ...found, buildSeconds, checkSeconds: seconds(built, performance.now()) };
}

/** A built folder and its tokenizer. @throws EngineError naming the file that was copied: the built folder goes */
function readBuilt(dir: string, from: string): { folder: ModelFolder; tokenizer: Tokenizer } {
  try {
    const folder = readModelFolder(dir);
    return { folder, tokenizer: new Tokenizer(folder) };
  } catch (error) {
    throw error instanceof EngineError ? new EngineError(error.code, error.message.replaceAll(dir, from)) : error;
  }
}

/** How alike the logits are. @param from the folder of the weights; @param onProgress told in [0, 1] */
async function compare(
  { dir, shape, weights }: Built,
  from: string,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<{ correlation: number; sameTop: number }> {
  const { folder, tokenizer } = readBuilt(dir, from);
  const texts = TEXTS.map((text) => tokenizer.encode(text).slice(0, Math.min(TOKENS, shape.context)));
  const model = await Model.load(folder, 'cpu');
  const parts: Float32Array[] = [];
  try {
    for (const ids of texts) {
      const cache = model.newCache();
      parts.push(await model.forward(ids, cache, 'all'));
      cache.dispose();
    }
  } finally {
    await model.dispose(); // some systems do not let a folder be moved whose files are open
  }
  const theirs = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    theirs.set(part, at);
    at += part.length;
  }
  const products = [...weightsOf(shape).values()].reduce((sum, [rows = 0, columns = 0]) => sum + rows * columns, 0);
  const all = products * texts.flat().length;
  let done = 0;
  const ours = await referencePass(shape, weights, texts, (pieces) => {
    if (signal.aborted) throw cancelled();
    onProgress(Math.min(1, (done += pieces) / all));
  });
  return agreement(ours, theirs, shape.vocab);
}

/** Leaves out steps of less than a hundredth: each is a message between processes. */
function spaced(tell: (fraction: number) => void): (fraction: number) => void {
  let last = -1;
  return (fraction) => {
    if (fraction < last + 0.01 && fraction < 1) return;
    last = fraction;
    tell(fraction);
  };
}
