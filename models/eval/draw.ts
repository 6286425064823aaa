// Draws places from files, the same for the same seed, spread over the files.

import { seededRandom, type Random } from '../../src/engine/random';

/** A copy in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

/** Draws at most `count` items: one of each list in turn, lists and items in random order. */
export function spread<T>(lists: readonly (readonly T[])[], count: number, seed: number): T[] {
  const random = seededRandom(seed);
  const queues = shuffled(
    lists.filter((list) => list.length > 0),
    random,
  ).map((list) => shuffled(list, random));
  const drawn: T[] = [];
  for (let turn = 0; drawn.length < count && queues.some((queue) => turn < queue.length); turn++) {
    for (const queue of queues) {
      if (turn < queue.length && drawn.length < count) drawn.push(queue[turn] as T);
    }
  }
  return drawn;
}
