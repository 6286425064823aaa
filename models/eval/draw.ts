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

/**
 * Draws at most `count` items: one of each list in turn, lists and items in random order.
 * @param fits whether an item goes with those drawn so far; one that does not is passed over for good
 */
export function spread<T>(
  lists: readonly (readonly T[])[],
  count: number,
  seed: number,
  fits: (item: T, drawn: readonly T[]) => boolean = () => true,
): T[] {
  const random = seededRandom(seed);
  let queues = shuffled(
    lists.filter((list) => list.length > 0),
    random,
  ).map((list) => shuffled(list, random).values());
  const drawn: T[] = [];
  while (drawn.length < count && queues.length > 0) {
    queues = queues.filter((queue) => {
      if (drawn.length === count) return true;
      for (const item of queue) {
        if (!fits(item, drawn)) continue;
        drawn.push(item);
        return true;
      }
      return false;
    });
  }
  return drawn;
}
