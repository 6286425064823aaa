// Parts of other files, and which of them the model is shown. No editor.

import type { ContextFile } from '../../protocol';

/** Why a part may help. */
export type Kind = 'definition' | 'edited' | 'copied' | 'imported' | 'open';

/** Where a part comes from. */
export interface Origin {
  uri: string;
  /** First line of the text in its file when it was read, from 0. */
  line: number;
}

export interface Part extends ContextFile {
  kind: Kind;
  /** Its file; absent where it is none. */
  uri?: string;
  /** First line of the text in its file, from 0. */
  line: number;
  /** Jaccard index of its identifiers and those around the cursor. */
  score: number;
}

/** Most parts, and most characters of all of them. The shipped model holds about 3,000 characters: with one part of 40 lines programmers save as many keys as with four, and the prompt is shorter. */
const MAX_PARTS = 3;
const MAX_CHARS = 2000;
/** What a kind counts beside the likeness: a definition of a word that is being used helps however little else it shares. */
const BONUS: Record<Kind, number> = { definition: 0.3, edited: 0.1, copied: 0.1, imported: 0.05, open: 0 };

/** The parts to be shown, the least relevant first; none twice, and none that overlaps another. */
export function choose(parts: readonly Part[]): ContextFile[] {
  const worth = ({ kind, score }: Part): number => BONUS[kind] + score;
  const chosen: Part[] = [];
  let left = MAX_CHARS;
  for (const part of [...parts].sort((a, b) => worth(b) - worth(a))) {
    if (chosen.length === MAX_PARTS) break;
    if (part.text.length > left || part.text.trim() === '' || chosen.some((other) => overlap(part, other))) continue;
    chosen.push(part);
    left -= part.text.length;
  }
  return chosen.reverse().map(({ path, text, uri, line }) => {
    const file = { path, text };
    if (uri !== undefined) ORIGINS.set(file, { uri, line });
    return file;
  });
}

/** Kept beside the files, since the engine needs nothing of it. */
const ORIGINS = new WeakMap<ContextFile, Origin>();

/** Where a chosen part comes from; undefined where it is no part of a file. */
export function originOf(file: ContextFile): Origin | undefined {
  return ORIGINS.get(file);
}

function overlap(a: Part, b: Part): boolean {
  const end = ({ line, text }: Part): number => line + text.split('\n').length;
  return a.path === b.path && a.line < end(b) && b.line < end(a);
}
