// The rounds: in each, every engine in turn does the same with the same ids, so that what else the machine does hits all alike.

import { setTimeout as wait } from 'node:timers/promises';
import type { Facts, LoadOptions, Memory } from './protocol';
import { median } from './stats';
import type { Worker } from './worker';

/** What is asked of an engine's process. */
export type Asked = Omit<Worker, 'end'>;

/** What can be measured. */
export const KINDS = ['prefill', 'decode', 'keystroke'] as const;
export type Kind = (typeof KINDS)[number];

/** Milliseconds at one context length, one number a round. */
export interface Times {
  /** An empty context to the first token after `context` ids. */
  prefill: number[];
  /** One token to the next, the median over a run. */
  decode: number[];
  /** To the first token after one more id. */
  typed: number[];
  /** To the first token after the last two ids were replaced. */
  changed: number[];
  /** The greedy tokens of the first round. */
  tokens: number[];
}

export interface Result {
  /** The engine's. */
  name: string;
  loadMs: number;
  facts: Facts;
  afterLoad: Memory;
  afterRun: Memory;
  /** By context length. */
  contexts: Map<number, Times>;
}

export interface Plan {
  only: readonly Kind[];
  contexts: readonly number[];
  rounds: number;
  /** More ids than the longest context by at least `SPARE`. */
  ids: readonly number[];
}

/** Ids that a plan needs beyond its longest context. */
export const SPARE = 4;
/** Tokens written in a run of decoding, and after a keystroke's context before the key. */
const [DECODED, SUGGESTED] = [32, 8];
/** After a run, threads of an engine may still spin for a while. */
const SETTLE_MS = 100;

/**
 * Loads every engine, then measures in turn.
 * @param engines what to start, and how; in the order of the turns
 * @param tell is told what is being done
 * @returns the results in the order of the engines
 */
export async function measure(
  engines: readonly { worker: Asked; options: LoadOptions }[],
  plan: Plan,
  tell: (what: string) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const { worker, options } of engines) {
    tell(`${worker.name}: load`);
    const { ms, facts } = await worker.load(options);
    const memory = await worker.memory();
    const contexts = new Map(
      plan.contexts.map((n) => [n, { prefill: [], decode: [], typed: [], changed: [], tokens: [] }]),
    );
    results.push({ name: worker.name, loadMs: ms, facts, afterLoad: memory, afterRun: memory, contexts });
    await worker.continue(plan.ids.slice(0, 16), 4); // the first run makes what later ones keep
    await worker.forget();
  }
  for (let round = 1; round <= plan.rounds; round++) {
    for (const context of plan.contexts) {
      for (const [i, { worker }] of engines.entries()) {
        tell(`round ${round} of ${plan.rounds}, ${context} tokens: ${worker.name}`);
        await turn(worker, context, plan, results[i]?.contexts.get(context) as Times);
        await wait(SETTLE_MS);
      }
    }
  }
  for (const [i, { worker }] of engines.entries()) (results[i] as Result).afterRun = await worker.memory();
  return results;
}

/** One engine's turn at one context length. */
async function turn(worker: Asked, context: number, { only, ids }: Plan, times: Times): Promise<void> {
  const prompt = ids.slice(0, context);
  if (only.includes('prefill')) await worker.forget();
  const written = 1 + (only.includes('decode') ? DECODED : SUGGESTED);
  const { tokens, ms } = await worker.continue(prompt, written);
  const [first, ...steps] = ms as [number, ...number[]];
  if (only.includes('prefill')) times.prefill.push(first);
  if (only.includes('decode')) times.decode.push(median(steps));
  if (times.tokens.length === 0) times.tokens = tokens;
  if (!only.includes('keystroke')) return;
  // As in the editor: what was suggested stands in the context when the next key is typed.
  await worker.continue(prompt, 1 + SUGGESTED);
  times.typed.push((await worker.continue(ids.slice(0, context + 1), 1)).ms[0] as number);
  await worker.continue(prompt, 1 + SUGGESTED);
  const changed = [...ids.slice(0, context - 2), ...ids.slice(context, context + 2)];
  times.changed.push((await worker.continue(changed, 1)).ms[0] as number);
}
