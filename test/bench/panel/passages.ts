// Held-out code cut to a number of tokens, the same at each call.

import { join } from 'node:path';
import { CODE, readHeldOut } from '../../../models/eval/files';

export interface Passage {
  text: string;
  path: string;
}

/**
 * Beginnings of held-out files that are long enough, each cut at the end of a token.
 * @param encode ids of a text
 * @param decode text of ids
 * @param tokens length of each, in tokens
 * @throws Error where there are fewer than `count`
 */
export function passages(
  root: string,
  tokens: number,
  count: number,
  encode: (text: string) => number[],
  decode: (ids: number[]) => string,
): Passage[] {
  const found: Passage[] = [];
  for (const { text, path, language } of readHeldOut(join(root, 'models/eval/heldout.jsonl'))) {
    if (!CODE.includes(language) || text.length < 2 * tokens) continue;
    const ids = encode(text.slice(0, 8 * tokens));
    if (ids.length >= tokens) found.push({ text: decode(ids.slice(0, tokens)), path });
    if (found.length === count) return found;
  }
  throw new Error(`only ${found.length} held-out files have ${tokens} tokens`);
}
