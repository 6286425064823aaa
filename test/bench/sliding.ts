// `npm run bench:sliding [-- --model DIR --tokens N]`: what sliding costs in quality. A long text of held-out files is predicted token by
// token in several ways; the perplexity of each, and the share of the tokens that had to be run.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { argmax, logSumExp } from '../../src/engine/sampler';
import { makeRoom, SINKS } from '../../src/engine/sliding';
import { Tokenizer } from '../../src/engine/tokenizer';

const root = join(__dirname, '../..'); // the bundle lies in .test-out/sliding
/** Tokens that are run at once: as in decoding, they see no more than the window holds. */
const STEP = 16;

/** A way of going on when the window is full. */
interface Way {
  name: string;
  /** Makes room for STEP tokens. */
  room: (model: Model, cache: ReturnType<Model['newCache']>, window: number) => Promise<void>;
}

const WAYS: Way[] = [
  { name: `sliding, ${SINKS} sinks`, room: (model, cache, window) => makeRoom(model, cache, STEP, window) },
  { name: 'sliding, no sinks', room: (model, cache, window) => makeRoom(model, cache, STEP, window, 0) },
  { name: 'the last half of the window run anew', room: rerun },
  {
    name: 'all forgotten',
    room: (_, cache, window) => {
      if (cache.length + STEP > window) cache.truncate(0);
      return Promise.resolve();
    },
  },
];

/** What a window without sliding would do: keep the last half and compute it again at its new positions. */
async function rerun(model: Model, cache: ReturnType<Model['newCache']>, window: number): Promise<void> {
  if (cache.length + STEP <= window) return;
  const rest = cache.ids.slice(-Math.floor(window / 2));
  cache.truncate(0);
  for (let at = 0; at < rest.length; at += model.allChunk)
    await model.forward(rest.slice(at, at + model.allChunk), cache);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { model: { type: 'string' }, tokens: { type: 'string', default: '12000' } },
  });
  const folder = readModelFolder(values.model ?? join(root, 'models/glassbox-small'));
  const model = await Model.load(folder, 'cpu');
  const tokenizer = new Tokenizer(folder);
  const texts = readFileSync(join(root, 'models/eval/heldout.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string; text: string })
    .filter(({ path }) => /\.(ts|js|py)$/.test(path));
  const ids = tokenizer.encodeText(texts.map(({ text }) => text).join('\n')).slice(0, Number(values.tokens));
  const window = folder.config.contextLength;
  const rows = [];
  for (const { name, room } of WAYS) {
    const cache = model.newCache();
    let nll = 0;
    let [counted, seconds] = [0, 0];
    let before: Float32Array | undefined;
    for (let at = 0; at < ids.length; at += STEP) {
      const part = ids.slice(at, at + STEP);
      const start = performance.now();
      await room(model, cache, window);
      const logits = await model.forward(part, cache, 'all');
      seconds += (performance.now() - start) / 1000;
      const vocab = logits.length / part.length;
      for (const [i, id] of part.entries()) {
        const row = i === 0 ? before : logits.subarray((i - 1) * vocab, i * vocab);
        // Until the window was full once, all ways are the same.
        if (row === undefined || at + i < window) continue;
        nll += logSumExp(row, row[argmax(row)] as number) - (row[id] as number);
        counted++;
      }
      before = logits.slice((part.length - 1) * vocab);
    }
    rows.push({
      way: name,
      'tokens predicted': counted,
      perplexity: Number(Math.exp(nll / counted).toFixed(3)),
      'bits per token': Number((nll / counted / Math.LN2).toFixed(4)),
      seconds: Number(seconds.toFixed(1)),
    });
    cache.dispose();
  }
  console.table(rows);
  process.stdout.write(`${JSON.stringify({ model: folder.name, window, step: STEP, rows })}\n`);
}

void main();
