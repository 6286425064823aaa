// What a tokenizer.json says, in the words of the library that reads it, which is older than some of them. Knows the format, not the library.

import { inJavaScript } from './tokenizerPatterns';

type Json = Record<string, unknown>;

/** A part of tokenizer.json with the kinds of parts that may be in it. */
const LISTS = ['normalizers', 'pretokenizers', 'processors', 'decoders'];

/**
 * The content of tokenizer.json so that @xenova/transformers 2 reads it as its authors meant.
 * - merges as pairs become texts;
 * - Metaspace says with `add_prefix_space` whether a blank is put first;
 * - patterns are JavaScript's;
 * - what comes after the text (an end token) is left out: texts are there to be continued.
 */
export function preparedJson(json: Json): Json {
  const { model, post_processor: after } = json;
  return {
    ...json,
    added_tokens: Array.isArray(json['added_tokens']) ? json['added_tokens'] : [],
    normalizer: eachPart(json['normalizer'], (part) => blanksAlike(withPattern(part))),
    pre_tokenizer: eachPart(json['pre_tokenizer'], (part) => blankFirst(withPattern(part))),
    decoder: eachPart(json['decoder'], blankFirst),
    post_processor: eachPart(after, withoutEnd),
    model: withoutNames(withStringMerges(typed(model)), json['added_tokens']),
  };
}

/** Kinds of vocabularies that the library reads; of any other it would make something else. */
const KINDS = ['BPE', 'Unigram', 'WordPiece'];

/** Older files (those of GPT-2 and T5 as they were first published) do not say which kind theirs is. @throws Error where it is none that is known */
function typed(model: unknown): Json {
  if (typeof model !== 'object' || model === null) throw new Error('it has no model');
  const { type, vocab, merges } = model as Json;
  const inferred = Array.isArray(vocab) ? 'Unigram' : Array.isArray(merges) ? 'BPE' : 'WordPiece';
  const kind = type ?? inferred;
  if (typeof kind !== 'string' || !KINDS.includes(kind))
    throw new Error(`Unknown TokenizerModel type: ${String(type)}`);
  const entries: readonly unknown[] = kind === 'Unigram' ? [] : Object.values(vocab ?? {});
  if (!entries.every((id) => Number.isSafeInteger(id) && (id as number) >= 0))
    throw new Error('an id of its vocabulary is no whole number');
  const pieces = kind === 'Unigram' && Array.isArray(vocab) ? (vocab as unknown[]) : [];
  if (!pieces.every((piece) => Array.isArray(piece) && typeof piece[0] === 'string' && typeof piece[1] === 'number'))
    throw new Error('a piece of its vocabulary has no score');
  if (entries.length + pieces.length === 0) throw new Error('its vocabulary is empty');
  return { ...model, type: kind };
}

/**
 * The pieces of a Unigram vocabulary without the names of special tokens, which stand among them with the best of scores: a name that is written
 * in a text is none of its pieces. What is added has these names and ids, too.
 */
function withoutNames(model: Json, added: unknown): Json {
  if (model['type'] !== 'Unigram' || !Array.isArray(added)) return model;
  const names = new Set((added as Json[]).filter(({ special }) => special === true).map(({ content }) => content));
  const vocab = model['vocab'] as [string, number][];
  return { ...model, vocab: vocab.map(([piece, score]) => [names.has(piece) ? '' : piece, score]) };
}

/** The same for text that goes on: no blank is put before it. @param prepared what `preparedJson` gave */
export function preparedInside(prepared: Json): Json {
  const without = (part: Json): Json => {
    if (part['type'] === 'Metaspace') return { ...part, add_prefix_space: false, prepend_scheme: 'never' };
    return part['type'] === 'ByteLevel' ? { ...part, add_prefix_space: false } : part;
  };
  return {
    ...prepared,
    normalizer: eachPart(prepared['normalizer'], (part) =>
      part['type'] === 'Prepend' ? { ...part, prepend: '' } : part,
    ),
    pre_tokenizer: eachPart(prepared['pre_tokenizer'], without),
  };
}

/** Changes a part, or each one of a sequence. */
function eachPart(part: unknown, change: (part: Json) => Json): unknown {
  if (typeof part !== 'object' || part === null) return null;
  const list = LISTS.find((name) => Array.isArray((part as Json)[name]));
  if (list === undefined) return change(part as Json);
  return { ...part, [list]: ((part as Json)[list] as unknown[]).map((each) => eachPart(each, change)) };
}

/** SentencePiece's own normalization makes these a blank; the library's leaves some of them. */
function blanksAlike(part: Json): Json {
  if (part['type'] !== 'Precompiled') return part;
  const pattern = { Regex: '[\\u00A0\\u2000-\\u200F\\u202F\\u205F\\u3000]' };
  return { type: 'Sequence', normalizers: [{ type: 'Replace', pattern, content: ' ' }, part] };
}

/** Newer files say it with `prepend_scheme` alone. */
function blankFirst(part: Json): Json {
  if (part['type'] !== 'Metaspace') return part;
  const scheme = part['prepend_scheme'];
  const first = scheme === undefined ? part['add_prefix_space'] !== false : scheme !== 'never';
  return { replacement: '▁', ...part, add_prefix_space: first };
}

/** @throws Error where text between matches would have to be left out */
function withPattern(part: Json): Json {
  const pattern = part['pattern'] as Json | undefined;
  const regex = pattern?.['Regex'];
  if (part['type'] === 'Split' && part['invert'] !== true && part['behavior'] === 'Removed') {
    if (regex === '\\s+' || pattern?.['String'] === ' ') return { type: 'WhitespaceSplit' };
    throw new Error(`it leaves out what matches ${JSON.stringify(pattern)}`);
  }
  return typeof regex === 'string' ? { ...part, pattern: { ...pattern, Regex: inJavaScript(regex) } } : part;
}

/** What a template puts after the text, and the end token of BERT's kind. */
function withoutEnd(part: Json): Json {
  if (part['type'] === 'TemplateProcessing' && Array.isArray(part['single'])) {
    const single = part['single'] as Json[];
    return { ...part, single: single.slice(0, single.findIndex((item) => 'Sequence' in item) + 1) };
  }
  if (part['type'] !== 'RobertaProcessing' && part['type'] !== 'BertProcessing') return part;
  const [id] = part['cls'] as [string];
  return {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
  };
}

/** Names of the tokens that a tokenizer.json puts after a text that is whole. */
export function namesAfter({ post_processor: after }: Json): string[] {
  const names: string[] = [];
  eachPart(after, (part) => {
    if (part['type'] === 'TemplateProcessing' && Array.isArray(part['single'])) {
      const single = part['single'] as Json[];
      const rest = single.slice(single.findIndex((item) => 'Sequence' in item) + 1);
      names.push(...rest.map((item) => (item['SpecialToken'] as { id: string }).id));
    }
    if (part['type'] === 'RobertaProcessing' || part['type'] === 'BertProcessing')
      names.push((part['sep'] as [string])[0]);
    return part;
  });
  return names;
}

/** Newer files write a merge as a pair; the library reads "left right". */
function withStringMerges(model: Json): Json {
  const { merges } = model;
  if (!Array.isArray(merges) || !Array.isArray(merges[0])) return model;
  return { ...model, merges: (merges as string[][]).map((pair) => pair.join(' ')) };
}
