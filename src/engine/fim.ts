// Which way of filling holes a vocabulary knows, and its ids. Knows names and ids, no tokenizer.

import { DIALECTS, suffixFirst, tokensOf } from '../completion/fimDialects';

/** A frame in ids. */
export interface Fim {
  /** Of the dialect. */
  name: string;
  /** Ids, and where the two texts stand, in order. */
  frame: readonly (number | 'prefix' | 'suffix')[];
  /** Put before the path of each file, where the model knows such a token. */
  fileSeparator: number | undefined;
  /** The path of the document stands before its text inside the frame. */
  pathInside: boolean;
}

/** What only ends or pads in other texts, too, and so is no token of a frame. */
const OTHERS = new Set(['<|endoftext|>', '<|im_end|>', '<eos>', '</s>', '<end_of_turn>', '<sep>']);
/** Tokens that control the model but that some files (Qwen2.5-Coder's among them) do not mark as special. */
export const CONTROL_NAMES: ReadonlySet<string> = new Set(
  DIALECTS.flatMap(tokensOf).filter((name) => !OTHERS.has(name)),
);

/**
 * @param idOf the id of a token that the vocabulary has by this name
 * @param order `fim_order` of tokenizer_config.json: 'suffix-first' for a model that was taught PRE SUF suffix MID prefix
 * @param name of the model, or the path of its folder
 * @returns undefined where the vocabulary has no frame's tokens
 */
export function fimOf(idOf: (name: string) => number | undefined, order: unknown, name: string): Fim | undefined {
  for (const known of DIALECTS) {
    if (known.named?.test(name) === false) continue;
    const dialect = order === 'suffix-first' ? suffixFirst(known) : known;
    const frame = dialect.frame.map((part) => ('text' in part ? part.text : idOf(part.token)));
    const fileSeparator = dialect.file === undefined ? undefined : idOf(dialect.file);
    const whole =
      frame.every((part) => part !== undefined) && (dialect.file === undefined) === (fileSeparator === undefined);
    if (!whole) continue;
    return { name: dialect.name, frame, fileSeparator, pathInside: dialect.pathInside === true };
  }
  return undefined;
}

/**
 * Where the two texts stand in a prompt that is framed so that the prefix comes first and something stands between it and the cursor.
 * @returns the places of the token before the prefix (0 where there is none) and of the one before the suffix; undefined for any other prompt
 */
export function holeIn(prompt: readonly number[], { frame }: Fim): { prefix: number; suffix: number } | undefined {
  const [first, second] = [frame.indexOf('prefix'), frame.indexOf('suffix')];
  const tail = tailOf(prompt, frame);
  if (second < first || tail === 0) return undefined;
  const end = prompt.length - tail;
  const suffix = prompt.lastIndexOf(frame[second - 1] as number, end - 1);
  if (suffix < 0) return undefined;
  const prefix = first === 0 ? 0 : prompt.lastIndexOf(frame[first - 1] as number, suffix - 1);
  return prefix < 0 ? undefined : { prefix, suffix };
}

/** How many tokens of the frame a framed prompt ends with; 0 for any other prompt. */
export function tailOf(prompt: readonly number[], frame: Fim['frame']): number {
  const tail = frame.slice(Math.max(frame.indexOf('prefix'), frame.indexOf('suffix')) + 1);
  const end = prompt.length - tail.length;
  return tail.every((id, i) => prompt[end + i] === id) ? tail.length : 0;
}
