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
    model: withStringMerges(model as Json),
  };
}

/** The same for text that goes on: no blank is put before it. */
export function preparedInside(json: Json): Json {
  const without = (part: Json): Json => {
    if (part['type'] === 'Metaspace') return { ...part, add_prefix_space: false, prepend_scheme: 'never' };
    return part['type'] === 'ByteLevel' ? { ...part, add_prefix_space: false } : part;
  };
  const prepared = preparedJson(json);
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
