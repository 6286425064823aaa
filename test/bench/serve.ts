// The engine's side of the line: reads questions from standard input, times them next to the work, answers on standard output.

import { createInterface } from 'node:readline';
import type { Continued, Facts, LoadOptions, Loaded, Memory, Question } from './protocol';

/** What is measured: an engine with one context. */
export interface Contestant {
  load(options: LoadOptions): Promise<Facts>;
  forget(): Promise<void>;
  /** Yields the greedy tokens after `ids`, at least one id; of the context, what it shares with them is kept. It does not end by itself. */
  greedy(ids: readonly number[]): AsyncGenerator<number>;
}

/** Answers until standard input ends. An error is written to standard error and ends the process with code 1. */
export async function serve(contestant: Contestant): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = await answer(contestant, JSON.parse(line) as Question);
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
  process.exit(0); // without waiting for native threads
}

async function answer(contestant: Contestant, question: Question): Promise<Loaded | Continued | Memory | object> {
  switch (question.op) {
    case 'load': {
      const facts = await contestant.load(question);
      return { ms: performance.now(), facts } satisfies Loaded; // the clock begins with the process
    }
    case 'forget':
      await contestant.forget();
      return {};
    case 'continue':
      return timed(contestant, question.ids, question.tokens);
    case 'memory':
      return { resident: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 } satisfies Memory;
  }
}

async function timed(contestant: Contestant, ids: readonly number[], count: number): Promise<Continued> {
  const [tokens, ms]: [number[], number[]] = [[], []];
  let last = performance.now();
  for await (const token of contestant.greedy(ids)) {
    const now = performance.now();
    tokens.push(token);
    ms.push(now - last);
    if (tokens.length === count) break;
    last = performance.now();
  }
  return { tokens, ms };
}
