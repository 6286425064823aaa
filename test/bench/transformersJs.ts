// transformers.js on the CPU, at the level of token ids: its model called as its generate() does, without generate()'s processors and
// stopping criteria, which only cost time here.

import { basename, dirname } from 'node:path';
import { loadTransformers, VERSION } from '../../models/peers/transformers.mjs';
import { serve } from './serve';

/** What is used of the package. */
interface Tensor {
  dims: number[];
  data: Float32Array;
}
type Cache = Record<string, Tensor>;
interface Transformers {
  env: { localModelPath: string };
  Tensor: new (type: 'int64' | 'float32', data: BigInt64Array | Float32Array, dims: number[]) => Tensor;
  DynamicCache: new (entries?: Cache) => Cache;
  AutoModelForCausalLM: { from_pretrained(name: string, options: object): Promise<CausalLM> };
}
type CausalLM = (inputs: object) => Promise<Record<string, Tensor>>;

let library: Transformers;
let model: CausalLM;
/** The tokens that `cache` holds. */
let held: number[] = [];
let cache: Cache | undefined;

await serve({
  async load({ path, dtype, threads }) {
    library = loadTransformers(process.cwd()) as Transformers;
    library.env.localModelPath = dirname(path);
    model = await library.AutoModelForCausalLM.from_pretrained(basename(path), {
      dtype,
      device: 'cpu',
      local_files_only: true,
      ...(threads === undefined ? {} : { session_options: { intraOpNumThreads: threads } }),
    });
    return { version: `@huggingface/transformers ${VERSION}`, device: 'cpu', threads: threads ?? 'default' };
  },
  forget() {
    [held, cache] = [[], undefined];
    return Promise.resolve();
  },
  greedy: async function* (ids) {
    let kept = 0;
    while (kept < held.length && kept < ids.length - 1 && held[kept] === ids[kept]) kept++;
    truncate(kept);
    for (let next = ids.slice(kept); ;) {
      const token = await forward(next);
      yield token;
      next = [token];
    }
  },
});

/** Runs `ids` after what the cache holds; returns the likeliest next token. */
async function forward(ids: readonly number[]): Promise<number> {
  const total = held.length + ids.length;
  const { logits, ...outputs } = await model({
    input_ids: new library.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
    attention_mask: new library.Tensor('int64', new BigInt64Array(total).fill(1n), [1, total]),
    past_key_values: cache ?? null,
  });
  const entries = Object.entries(outputs).map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]);
  cache = new library.DynamicCache(Object.fromEntries(entries) as Cache);
  held.push(...ids);
  const { data, dims } = logits as Tensor;
  const last = data.subarray(data.length - (dims[2] as number)); // of [1, token, vocab]
  let best = 0;
  for (let id = 1; id < last.length; id++) if ((last[id] as number) > (last[best] as number)) best = id;
  return best;
}

/** Forgets all but the first `length` tokens. The library has no way of its own, and its slice() is slow. */
function truncate(length: number): void {
  if (length === held.length) return;
  held = held.slice(0, length);
  if (cache === undefined) return;
  const entries = Object.entries(cache).map(([name, tensor]) => [name, firstPositions(tensor, length)]);
  cache = length === 0 ? undefined : new library.DynamicCache(Object.fromEntries(entries) as Cache);
}

/** The first `length` positions of [1, kvHead, position, headDim]. */
function firstPositions({ dims, data }: Tensor, length: number): Tensor {
  const [, kvHeads, positions, headDim] = dims as [number, number, number, number];
  const kept = new Float32Array(kvHeads * length * headDim);
  for (let head = 0; head < kvHeads; head++) {
    const from = head * positions * headDim;
    kept.set(data.subarray(from, from + length * headDim), head * length * headDim);
  }
  return new library.Tensor('float32', kept, [1, kvHeads, length, headDim]);
}
