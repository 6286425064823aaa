// Our engine at the level of token ids: the loop of the product, greedy, without text.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createRequire } from 'node:module';
import { generate } from '../../src/engine/generate';
import type { KvCache } from '../../src/engine/kvCache';
import { Model } from '../../src/engine/model';
import { readModelFolder } from '../../src/engine/modelFolder';
import { serve } from './serve';

let model: Model;
let cache: KvCache;

await serve({
  async load({ path, device }) {
    model = await Model.load(readModelFolder(path), device);
    cache = model.newCache();
    const runtime = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
    const { version } = JSON.parse(readFileSync(runtime, 'utf8')) as { version: string };
    return {
      version: `ONNX Runtime ${version}`,
      device: model.device,
      ...(model.deviceNote === undefined ? {} : { note: model.deviceNote }),
      cores: availableParallelism(),
      chunk: model.chunk,
    };
  },
  forget() {
    cache.truncate(0);
    return Promise.resolve();
  },
  greedy: async function* (ids) {
    const tokens = generate(model, cache, {
      prompt: ids,
      maxTokens: Infinity,
      minTokens: 0,
      sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
      eosIds: new Set<number>(),
      signal: new AbortController().signal,
    });
    for await (const { id } of tokens) yield id;
  },
});
