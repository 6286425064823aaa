// How alike two models' logits are.

/**
 * Compares logits of the same tokens.
 * @param a [token, vocab]
 * @param b the same
 * @returns Pearson's correlation of all numbers (NaN where one side does not vary or is not finite), and the share of tokens where the
 *   likeliest next token is the same (the lower id of equal ones)
 * @throws RangeError where their sizes differ
 */
export function agreement(a: Float32Array, b: Float32Array, vocab: number): { correlation: number; sameTop: number } {
  if (a.length !== b.length || a.length === 0 || a.length % vocab !== 0)
    throw new RangeError(`${a.length} and ${b.length} logits are not rows of ${vocab}`);
  const mean = (x: Float32Array): number => x.reduce((sum, value) => sum + value, 0) / x.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [(a[i] as number) - meanA, (b[i] as number) - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  let same = 0;
  for (let at = 0; at < a.length; at += vocab) if (top(a, at, vocab) === top(b, at, vocab)) same++;
  return { correlation: ab / Math.sqrt(aa * bb), sameTop: (same * vocab) / a.length };
}

function top(logits: Float32Array, at: number, vocab: number): number {
  let best = 0;
  for (let i = 1; i < vocab; i++) if ((logits[at + i] as number) > (logits[at + best] as number)) best = i;
  return best;
}
