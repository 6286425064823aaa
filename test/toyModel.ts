// A model whose distributions are written down, for tests of the loop around it: what follows depends on the last two tokens. And
// drafters that guess at what it says, well and badly.

import type { ForwardModel } from '../src/engine/generate';
import type { KvCache } from '../src/engine/kvCache';
import type { Drafter } from '../src/engine/lookahead';
import { seededRandom } from '../src/engine/random';

export const TOY_VOCAB = 4;

/** [first, second, vocab] logits between −1.2 and 1.2: no token is rare. */
const LOGITS = ((random) => Float32Array.from({ length: TOY_VOCAB ** 3 }, () => random() * 2.4 - 1.2))(seededRandom(4));

/** [vocab] probabilities of what follows two tokens. */
export function toyShares([first, second]: readonly [number, number], temperature: number): number[] {
  const at = (first * TOY_VOCAB + second) * TOY_VOCAB;
  const weights = Array.from(LOGITS.subarray(at, at + TOY_VOCAB), (logit) => Math.exp(logit / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** The model with an empty cache, which holds ids and nothing else. */
export function toy(): { model: ForwardModel; cache: KvCache } {
  const ids: number[] = [];
  const cache = {
    ids,
    truncate: (length: number) => void (ids.length = Math.min(ids.length, length)),
    keepPrefix: (prompt: readonly number[], limit: number) => {
      let kept = 0;
      while (kept < Math.min(limit, ids.length) && ids[kept] === prompt[kept]) kept++;
      ids.length = kept;
      return kept;
    },
  };
  const model: ForwardModel = {
    chunk: 64,
    forward: (run, _, wanted = 'last') => {
      const rows = run.map((id) => {
        ids.push(id);
        const at = ((ids.at(-2) ?? 0) * TOY_VOCAB + id) * TOY_VOCAB;
        return LOGITS.subarray(at, at + TOY_VOCAB);
      });
      const given = wanted === 'all' ? rows : rows.slice(wanted === 'last' ? -1 : -wanted);
      return Promise.resolve(Float32Array.from(given.flatMap((row) => Array.from(row))));
    },
  };
  return { model, cache: cache as unknown as KvCache };
}

/** Checks every guess and learns nothing. */
export const eager: Pick<Drafter, 'policy'> = {
  policy: {
    plan: (kinds) => kinds.length,
    ran: () => undefined,
    judged: () => undefined,
    forgot: () => undefined,
  },
};

/**
 * A drafter of up to five tokens.
 * @param kind right: those of `coming`; wrong: never those; mixed: each the likeliest by a look at LOGITS, or any, as it comes
 * @param coming the tokens that are known to come
 */
export function guesser(seed: number, kind: 'right' | 'wrong' | 'mixed', coming: readonly number[] = []): Drafter {
  const random = seededRandom(seed * 7919);
  const text = [0, 1];
  const guess = (tail: readonly number[], at: number): number => {
    if (kind === 'right') return coming[at] ?? 0;
    if (kind === 'wrong') return ((coming[at] ?? 0) + 1) % TOY_VOCAB;
    const shares = toyShares(tail.slice(-2) as [number, number], 1);
    return random() < 0.6 ? shares.indexOf(Math.max(...shares)) : Math.floor(random() * TOY_VOCAB);
  };
  return {
    ...eager,
    push: (id) => text.push(id),
    draft: (most) => {
      const length = kind === 'right' ? most : Math.min(most, Math.floor(random() * 6));
      const tail = [...text];
      for (let i = 0; i < length; i++) tail.push(guess(tail, tail.length - 2));
      const ids = tail.slice(text.length);
      return { ids, kinds: ids.map(() => 'text 1') };
    },
  };
}
