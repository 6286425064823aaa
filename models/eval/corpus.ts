// The training text as token ids, with the order in which its positions are sorted by what follows: all that occurs after some
// tokens, and how often, is then one stretch of the order. Made once and kept beside the corpus.

import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { jsonLine } from './jsonLine';
import type { Pieces } from './pieces';

/** Positions are sorted by so many tokens: five of context and the one that follows. */
export const DEPTH = 6;

/** Token ids in order, documents between end marks. */
export interface Corpus {
  tokens: Uint16Array;
  /** All positions, sorted by the next DEPTH tokens. */
  order: Int32Array;
}

interface Kept {
  /** Names the corpus and the tokenizer. */
  key: string;
  tokens: number;
}

/**
 * Reads the training split of a corpus (one {split, text} a line, blank lines aside), or what was kept of it.
 * @param path corpus.jsonl; what is kept goes beside it, as eval.json and eval.bin
 * @param tokenizerPath the tokenizer.json of `pieces`
 * @throws BadInput naming the line that is damaged
 */
export async function readCorpus(
  path: string,
  tokenizerPath: string,
  pieces: Pieces,
  progress: (text: string) => void,
): Promise<Corpus> {
  const { size, mtimeMs } = statSync(path);
  const key = createHash('sha256')
    .update(readFileSync(tokenizerPath))
    .update(`${size} ${mtimeMs} ${DEPTH}`)
    .digest('hex');
  const [notes, numbers] = [join(path, '../eval.json'), join(path, '../eval.bin')];
  const kept = existsSync(notes) ? (JSON.parse(readFileSync(notes, 'utf8')) as Kept) : undefined;
  if (kept?.key === key && existsSync(numbers)) return load(numbers, kept.tokens);

  let tokens = new Uint16Array(1 << 20);
  let length = 0;
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path, 'utf8') })) {
    number++;
    if (line.trim() === '') continue;
    const { split, text } = jsonLine(line, ['split', 'text'], `${path}:${number}`);
    if (split !== 'train') continue;
    const ids = [...pieces.encode(text), pieces.end];
    if (length + ids.length > tokens.length) {
      const longer = new Uint16Array(2 * (length + ids.length));
      longer.set(tokens);
      tokens = longer;
    }
    tokens.set(ids, length);
    length += ids.length;
    if (length % 64 < ids.length % 64) progress(`corpus: ${(length / 1e6).toFixed(1)} million tokens`);
  }
  tokens = tokens.slice(0, length);
  progress('corpus: sorting');
  const corpus = { tokens, order: sortedPositions(tokens, pieces.vocab) };
  save(numbers, corpus);
  writeFileSync(notes, `${JSON.stringify({ key, tokens: length } satisfies Kept)}\n`);
  return corpus;
}

/** Positions sorted by the DEPTH tokens from each on; an end counts as less than any token. Counting sort, the last token first. */
export function sortedPositions(tokens: Uint16Array, vocab: number): Int32Array {
  const n = tokens.length;
  let order = Int32Array.from({ length: n }, (_, i) => i);
  let sorted = new Int32Array(n);
  for (let depth = DEPTH - 1; depth >= 0; depth--) {
    const starts = new Int32Array(vocab + 2); // [bucket], bucket 0: beyond the end
    for (let i = depth; i < n; i++) starts[(tokens[i] as number) + 2]!++;
    starts[1] = Math.min(depth, n);
    for (let bucket = 1; bucket < starts.length; bucket++) starts[bucket]! += starts[bucket - 1] as number;
    for (let i = 0; i < n; i++) {
      const at = (order[i] as number) + depth;
      const bucket = at < n ? (tokens[at] as number) + 1 : 0;
      sorted[starts[bucket]!++] = order[i] as number;
    }
    [order, sorted] = [sorted, order];
  }
  return order;
}

function save(path: string, { tokens, order }: Corpus): void {
  const file = openSync(path, 'w');
  for (const array of [order, tokens]) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  }
  closeSync(file);
}

function load(path: string, length: number): Corpus {
  const corpus = { tokens: new Uint16Array(length), order: new Int32Array(length) };
  const file = openSync(path, 'r');
  for (const array of [corpus.order, corpus.tokens]) {
    const bytes = new Uint8Array(array.buffer);
    for (let at = 0; at < bytes.length;) {
      const read = readSync(file, bytes, at, bytes.length - at, null);
      if (read === 0) throw new Error(`${path} is too short. Delete it: it is made anew.`);
      at += read;
    }
  }
  closeSync(file);
  return corpus;
}
