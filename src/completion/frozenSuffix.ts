// Which text after the cursor the model is shown. With the suffix first in its prompt, every change there loses the cache; a bracket
// that the editor closed or a word typed over is not worth that.

/** Characters of the suffix that the model sees. */
const SEEN = 2000;
/** Share of them that may have changed, as edit distance. */
const SLACK = 0.1;
/** So many characters may have changed in any case: a bracket and a sign. */
const BRACKETS = 2;
/** A change of these is one of substance. */
const SUBSTANCE = /[\p{L}\p{N}]/u;
/** A frozen suffix is no older than this, in milliseconds, so that small changes do not add up unseen. */
const OLDEST_MS = 20_000;

/** The suffix of one document as it was sent last. */
export class FrozenSuffix {
  #sent: string | undefined;
  #at = 0;

  /**
   * The suffix to show the model: the one sent before, where it may stand for the present one, else the present one, which is kept.
   * @param now in milliseconds, of any clock that does not go back
   */
  shown(suffix: string, now: number): string {
    const sent = this.#sent;
    if (sent !== undefined && sent !== suffix && now - this.#at < OLDEST_MS && standsFor(sent, suffix)) return sent;
    this.#sent = suffix;
    this.#at = now;
    return suffix;
  }
}

/**
 * Whether a suffix that was sent may stand for the present one: what lies between their common start and their common end is short, and
 * has no letter or digit in the rest of the cursor's line or in the next line that is not blank. That stretch bounds the edit distance from
 * above; it is found in linear time.
 */
export function standsFor(sent: string, present: string): boolean {
  const shorter = Math.min(sent.length, present.length);
  let front = 0;
  while (front < shorter && sent[front] === present[front]) front++;
  if (front >= SEEN) return true;
  let back = 0;
  while (back < shorter - front && sent[sent.length - 1 - back] === present[present.length - 1 - back]) back++;
  const slack = Math.max(BRACKETS, SLACK * Math.min(SEEN, shorter));
  return [sent, present].every((text) => {
    const changed = text.slice(front, text.length - back);
    return changed.length <= slack && !SUBSTANCE.test(changed.slice(0, Math.max(0, nearEnd(text) - front)));
  });
}

/** Characters of the rest of the cursor's line and of what is below it up to the end of the first line that is not blank. */
function nearEnd(suffix: string): number {
  return /^[^\n]*(?:\n[^\S\n]*)*[^\n]*/.exec(suffix)?.[0].length ?? 0;
}
