// Medians and ratios.

/** The middle of the numbers, or the mean of the two in the middle; NaN where there is none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] ?? NaN) + (sorted[Math.ceil(at)] ?? NaN)) / 2;
}

/** How many times faster we are: the peer's median time by ours. Above 1, we are faster. */
export function speedup(ours: readonly number[], peers: readonly number[]): number {
  return median(peers) / median(ours);
}

/** Tokens at the beginning that are the same. */
export function sharedPrefix(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same < most && a[same] === b[same]) same++;
  return same;
}
