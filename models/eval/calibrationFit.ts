// `npm run model:calibration`: measures how often what the model writes is right where it gives it a probability, and writes the answer into
// generation_config.json (`glassbox_calibration`, src/engine/calibration.ts). Typed are windows of held-out files that are not in the
// evaluation; what counts is the places where suggestions are cut. The entries that mix other texts with the model come first.

import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { calibrated, inputsOf, type CalibrationWeights } from '../../src/engine/calibration';
import { Engine } from '../../src/engine/engine';
import { reliability } from './calibration';
import { byLanguage, LANGUAGES, type EvalFile } from './files';
import { jsonLine } from './jsonLine';
import { logisticRegression } from './logistic';
import { cutsOf, type Place } from './observe';

const root = join(__dirname, '../..'); // the bundle lies in .test-out/calibration
/** Offers are cut as at each of these: what the presets of `glassbox.threshold` show, and alternatives. Typed is with those from THRESHOLD on. */
const THRESHOLDS = [0.02, 0.08, 0.25, 0.5];
const THRESHOLD = 0.25;
/** Longer files are mostly data; in characters. */
const LONGEST = 60_000;

/** Held-out files that the evaluation does not use. */
async function files(corpus: string): Promise<EvalFile[]> {
  const used = new Set(
    readFileSync(join(root, 'models/eval/heldout.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, string>)
      .map(({ package: name, path }) => `${name} ${path}`),
  );
  const found: EvalFile[] = [];
  for await (const line of createInterface({ input: createReadStream(corpus, 'utf8') })) {
    const {
      split,
      package: name,
      path,
      language,
      text,
    } = jsonLine(line, ['split', 'package', 'path', 'language', 'text'], corpus);
    const known = LANGUAGES.find((each) => each === language);
    if (split === 'heldout' && known !== undefined && text.length <= LONGEST && !used.has(`${name} ${path}`))
      found.push({ language: known, path, text });
  }
  return found;
}

function fit(places: readonly Place[]): CalibrationWeights {
  const rows = places.map(({ logProbability, tokens }) => {
    const [logOdds, logTokens] = inputsOf(logProbability, tokens);
    return [logOdds, 1, logTokens];
  });
  const weights = logisticRegression(
    rows,
    places.map(({ right }) => right),
  );
  const [slope = 1, offset = 0, length = 0] = weights.map((weight) => Number(weight.toFixed(4)));
  return { slope, offset, length };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: join(root, 'models/glassbox-small') },
      corpus: { type: 'string', default: join(root, 'models/train/work/corpus.jsonl') },
      windows: { type: 'string', default: '8' },
      dry: { type: 'boolean', default: false },
    },
  });
  const progress = (text: string): void => void process.stderr.write(`${text}\n`);
  const engine = await Engine.load({ modelDir: values.model, device: 'cpu' });
  const languages = byLanguage(await files(values.corpus));
  const options = { windows: Number(values.windows), threshold: THRESHOLD, thresholds: THRESHOLDS };
  const places = await cutsOf(languages, engine, options, progress);
  await engine.dispose();
  const weights = fit(places);
  const before = reliability(places.map((place) => ({ ...place, probability: Math.exp(place.logProbability) })));
  const after = reliability(
    places.map((place) => ({ ...place, probability: calibrated(weights, place.logProbability, place.tokens) })),
  );
  process.stdout.write(`${JSON.stringify({ places: places.length, weights, before, after }, undefined, 1)}\n`);
  if (values.dry) return;
  const path = join(values.model, 'generation_config.json');
  const config = { ...(JSON.parse(readFileSync(path, 'utf8')) as object), glassbox_calibration: weights };
  writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`);
}

void main();
