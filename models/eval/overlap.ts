// Whether a text was in the training text: runs of tokens that both have.

/** So many tokens in a row count as the same text. */
export const RUN = 50;
const BASE = 0x9e3779b1; // odd

/**
 * For each text whether it shares a run of RUN tokens with the corpus. Runs are found by a rolling hash (Karp and Rabin 1987) and then
 * compared token by token.
 */
export function sharesRun(texts: readonly (readonly number[])[], corpus: Uint16Array): boolean[] {
  const places = new Map<number, { text: number; at: number }[]>(); // by hash
  for (const [text, ids] of texts.entries()) {
    rollingHashes(ids, (hash, at) => {
      const found = places.get(hash);
      if (found === undefined) places.set(hash, [{ text, at }]);
      else found.push({ text, at });
    });
  }
  const shares = texts.map(() => false);
  rollingHashes(corpus, (hash, there) => {
    for (const { text, at } of places.get(hash) ?? []) {
      shares[text] ||= sameRun(texts[text] as readonly number[], at, corpus, there);
    }
  });
  return shares;
}

function rollingHashes(ids: ArrayLike<number>, each: (hash: number, at: number) => void): void {
  let leaving = 1; // BASE to the power of RUN, modulo 2³²
  for (let i = 0; i < RUN; i++) leaving = Math.imul(leaving, BASE);
  let hash = 0;
  for (let i = 0; i < ids.length; i++) {
    hash = (Math.imul(hash, BASE) + scrambled(ids[i] as number)) | 0;
    if (i >= RUN) hash = (hash - Math.imul(leaving, scrambled(ids[i - RUN] as number))) | 0;
    if (i >= RUN - 1) each(hash, i - RUN + 1);
  }
}

/** Ids are small: their low bits alone would make the hash. */
function scrambled(id: number): number {
  const mixed = Math.imul(id + 1, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

function sameRun(a: ArrayLike<number>, at: number, b: ArrayLike<number>, there: number): boolean {
  for (let i = 0; i < RUN; i++) if (a[at + i] !== b[there + i]) return false;
  return true;
}
