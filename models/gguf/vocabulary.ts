// tokenizer.json → the tokenizer part of a GGUF file's metadata.

import type { Tokenizer } from '../../src/engine/tokenizer';
import { BadInput } from './badInput';
import type { Value } from './file';

/** Token types of llama.cpp (include/llama.h). */
const NORMAL = 1;
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;

/**
 * llama.cpp splits text by patterns that it knows by name only. Pattern of a tokenizer.json → the name that splits most alike;
 * how much they differ, README.md tells.
 */
const PRE: Record<string, string> = {
  '[\\r\\n]+[ \\t]*| ?\\p{L}+| ?\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|[ \\t]+|\\s+': 'superbpe',
  ByteLevel: 'gpt-2',
};

interface TokenizerJson {
  model: { type?: string; vocab: Record<string, number>; merges: (string | [string, string])[] };
  pre_tokenizer?: PreTokenizer | null;
  added_tokens?: { id: number; content: string }[];
}
interface PreTokenizer {
  type: string;
  pattern?: { Regex?: string };
  pretokenizers?: PreTokenizer[];
  use_regex?: boolean;
}

/**
 * @param json the contents of tokenizer.json, byte-level BPE
 * @param tokenizer the same, as the engine reads it: it knows the ids that control the model
 * @param size rows of the embedding; ids without a token are filled up
 * @param pre llama.cpp's name for the pattern that splits text; by default the most alike
 * @throws BadInput where the tokenizer is of another kind
 */
export function vocabulary(
  json: Record<string, unknown>,
  tokenizer: Tokenizer,
  size: number,
  pre?: string,
): Record<string, Value> {
  const { model, pre_tokenizer: splitter, added_tokens: added = [] } = json as unknown as TokenizerJson;
  if (model.type !== 'BPE')
    throw new BadInput('tokenizer.json is not of the type BPE, the only one that can be written.');
  const pattern = patternOf(splitter);
  const name = pre ?? (Object.hasOwn(PRE, pattern) ? PRE[pattern] : undefined);
  if (name === undefined)
    throw new BadInput(
      `tokenizer.json splits text by a pattern without a known name in llama.cpp: ${pattern || '(none)'}. Give the name with --pre.`,
    );
  const merges = model.merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' ')));
  const tokens = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
  const types = Array.from({ length: size }, () => UNUSED);
  const put = (id: number, token: string, type: number): void => {
    tokens[id] = token;
    types[id] = tokenizer.specialIds.has(id) ? CONTROL : type;
  };
  for (const [token, id] of Object.entries(model.vocab)) put(id, token, NORMAL);
  for (const { id, content } of added) put(id, content, USER_DEFINED);
  if (tokens.length > size) throw new BadInput(`tokenizer.json has ${tokens.length} ids, the embedding ${size} rows.`);

  const idOf = (token: string): number | undefined => model.vocab[token] ?? added.find((a) => a.content === token)?.id;
  const { fim, bosId, eosIds } = tokenizer;
  const [eos] = eosIds;
  // In either order the tokens around the texts are those for prefix, suffix and middle, in turn.
  const marks = fim?.frame.filter((part) => typeof part === 'number') ?? [];
  const [before, after, middle] = marks.length === 3 ? marks : [];
  const ids = {
    bos: bosId,
    eos,
    eot: eos,
    padding: idOf('<|fim_pad|>') ?? idOf('<pad>'),
    fim_pre: before,
    fim_suf: after,
    fim_mid: middle,
    fim_pad: idOf('<|fim_pad|>'),
    fim_rep: idOf('<|repo_name|>'),
    fim_sep: fim?.fileSeparator,
  };
  return {
    'tokenizer.ggml.model': { string: 'gpt2' },
    'tokenizer.ggml.pre': { string: name },
    'tokenizer.ggml.tokens': { strings: tokens },
    'tokenizer.ggml.token_type': { int32s: types },
    'tokenizer.ggml.merges': { strings: blanksFirst(merges) },
    ...Object.fromEntries(
      Object.entries(ids).flatMap(([key, id]) =>
        id === undefined ? [] : [[`tokenizer.ggml.${key}_token_id`, { uint32: id }]],
      ),
    ),
    'tokenizer.ggml.add_bos_token': { bool: bosId !== undefined },
    'tokenizer.ggml.add_space_prefix': { bool: false },
  };
}

/**
 * The merges of line breaks and blanks moved before all others; otherwise in their order. Text split by our pattern gives the same ids, since a
 * piece never holds merges of both kinds; where llama.cpp does not split, an indentation stays whole and loses no blank to the word after it.
 */
function blanksFirst(merges: readonly string[]): string[] {
  // The letters that stand for tab, line feed, carriage return and space in a byte-level vocabulary.
  const blank = (merge: string): boolean => /^[ĉĊčĠ]+ [ĉĊčĠ]+$/.test(merge);
  return [...merges.filter(blank), ...merges.filter((merge) => !blank(merge))];
}

/** The pattern that text is split by, or "ByteLevel" for the one of GPT-2; '' where there is none. */
function patternOf(splitter: PreTokenizer | null | undefined): string {
  for (const part of splitter?.pretokenizers ?? (splitter ? [splitter] : [])) {
    if (part.type === 'Split' && part.pattern?.Regex !== undefined) return part.pattern.Regex;
    if (part.type === 'ByteLevel' && part.use_regex !== false) return 'ByteLevel';
  }
  return '';
}
