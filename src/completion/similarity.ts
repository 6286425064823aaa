// Which parts of other files resemble what is being written: the share of identifiers in common, window by window, as GitHub Copilot's
// neighbouring tabs are chosen. Pure text.

/** A text that may help. */
export interface Candidate {
  path: string;
  text: string;
}

/** A part of a candidate. */
export interface RankedPart extends Candidate {
  /** Jaccard index in (0, 1]: identifiers in common / identifiers in either. */
  score: number;
  /** First line of the part in the candidate, from 0. */
  line: number;
}

/** Lines of a part; a shorter candidate is taken whole. */
export const PART_LINES = 40;
/** Words that say nothing of what a text is about. */
const COMMON = new Set(
  (
    'the and for not with from this that self new return const let var function class def import export if else elif while ' +
    'true false null none undefined True False None string number boolean int float void public private static async await ' +
    'try catch except finally throw raise in of is as or to be are was an it type interface readonly'
  ).split(' '),
);

/** The identifiers and words of a text, without those that are everywhere. */
export function identifiersOf(text: string): string[] {
  return (text.match(/[\p{L}_$][\p{L}\p{N}_$]+/gu) ?? []).filter((word) => !COMMON.has(word));
}

/**
 * The best part of each candidate that has an identifier in common with `around`, the most similar first; of equal ones, the earlier candidate.
 * @param around the text around the cursor
 * @param lines most lines of a part
 */
export function rankBySimilarity(
  around: string,
  candidates: readonly Candidate[],
  lines: number = PART_LINES,
): RankedPart[] {
  const wanted = new Set(identifiersOf(around));
  if (wanted.size === 0) return [];
  return candidates
    .map((candidate) => bestPart(wanted, candidate, lines))
    .filter((part) => part !== undefined)
    .sort((a, b) => b.score - a.score);
}

/** The window of `size` lines with the highest Jaccard index, the last of equal ones; it slides, so each line is read twice. */
function bestPart(wanted: ReadonlySet<string>, { path, text }: Candidate, size: number): RankedPart | undefined {
  const lines = text.split('\n');
  const words = lines.map(identifiersOf);
  const counts = new Map<string, number>();
  let common = 0;
  let best = { score: 0, line: 0 };
  for (let end = 0; end < lines.length; end++) {
    for (const word of words[end] as string[]) {
      const count = counts.get(word) ?? 0;
      counts.set(word, count + 1);
      if (count === 0 && wanted.has(word)) common++;
    }
    const start = end - size + 1;
    for (const word of start > 0 ? (words[start - 1] as string[]) : []) {
      const count = counts.get(word) as number;
      if (count > 1) counts.set(word, count - 1);
      else {
        counts.delete(word);
        if (wanted.has(word)) common--;
      }
    }
    // A window that is not full counts only where the text has no more lines.
    if (start < 0 && end < lines.length - 1) continue;
    const score = common / (wanted.size + counts.size - common);
    // Of equal ones the last: what follows what is alike, the body of a function say, helps more than what stands before.
    if (score >= best.score) best = { score, line: Math.max(0, start) };
  }
  if (best.score === 0) return undefined;
  return { path, text: lines.slice(best.line, best.line + size).join('\n'), ...best };
}
