// Small tokenizers in the forms in which model families write theirs: what cuts words, what stands for a blank, and what is put around a
// text are the families' own; the vocabularies are learned from a few lines.

import { SAMPLE } from './tokenizerTexts';

/** A family's tokenizer. */
export interface TokenizerFamily {
  name: string;
  /** tokenizer.json */
  json: Record<string, unknown>;
  /** tokenizer_config.json */
  config: Record<string, unknown>;
  /** What the ids give: the text, the text with a blank before it or without its own first one, or one that was changed on the way in. */
  gives: 'text' | 'blank first' | 'blank taken' | 'changed';
  /** Ids that transformers.js puts after a text, and we do not: ours goes on. */
  after?: number[];
}

/** The character that stands for each byte in a byte-level vocabulary. */
const LETTERS = ((): string[] => {
  let other = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174 ? byte : other++),
  );
})();

/** The most frequent pair of neighbours becomes one, again and again (Sennrich et al. 2016). @returns the pairs in order */
function learn(words: string[][], count: number): [string, string][] {
  const merges: [string, string][] = [];
  while (merges.length < count) {
    const counts = new Map<string, number>();
    for (const word of words)
      for (let i = 1; i < word.length; i++) {
        const pair = `${word[i - 1] as string}\u0000${word[i] as string}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    const [best] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0] ?? [];
    if (best === undefined) break;
    const [left, right] = best.split('\u0000') as [string, string];
    merges.push([left, right]);
    words = words.map((word) => {
      const joined: string[] = [];
      for (const part of word)
        if (part === right && joined.at(-1) === left) joined[joined.length - 1] = left + right;
        else joined.push(part);
      return joined;
    });
  }
  return merges;
}

interface Added {
  content: string;
  special?: boolean;
  lstrip?: boolean;
  rstrip?: boolean;
  normalized?: boolean;
}
const special = (...names: string[]): Added[] => names.map((content) => ({ content, special: true }));
const plain = (...names: string[]): Added[] => names.map((content) => ({ content, special: false }));

function addedTokens(added: readonly Added[], first: number): Record<string, unknown>[] {
  return added.map(({ content, special = false, lstrip = false, rstrip = false, normalized = !special }, i) => ({
    ...{ id: first + i, content, special, single_word: false, lstrip, rstrip, normalized },
  }));
}

const BYTE_MERGES = learn(
  (SAMPLE.match(/ ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+/gu) ?? []).map((word) =>
    [...Buffer.from(word)].map((byte) => LETTERS[byte] as string),
  ),
  160,
);

interface Bytes {
  pre: unknown;
  normalizer?: unknown;
  added?: Added[];
  /** Names of tokens around the text. */
  around?: [before: string[], after: string[]];
  model?: Record<string, unknown>;
  pairs?: boolean;
  config?: Record<string, unknown>;
  gives?: TokenizerFamily['gives'];
  post?: unknown;
}

/** The template that puts tokens around a text. */
function template([before, after]: [string[], string[]], idOf: (name: string) => number): unknown {
  const item = (id: string): unknown => ({ SpecialToken: { id, type_id: 0 } });
  const ids = [...new Set([...before, ...after])];
  return {
    type: 'TemplateProcessing',
    single: [...before.map(item), { Sequence: { id: 'A', type_id: 0 } }, ...after.map(item)],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: Object.fromEntries(ids.map((id) => [id, { id, ids: [idOf(id)], tokens: [id] }])),
  };
}

const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const ALONE = { ...BYTE_LEVEL, use_regex: false };

function bytes(name: string, tokenizerClass: string, given: Bytes): TokenizerFamily {
  const {
    pre,
    normalizer = null,
    added = special('<|endoftext|>'),
    around,
    model,
    pairs = false,
    gives = 'text',
  } = given;
  const words = [...LETTERS, ...BYTE_MERGES.map((pair) => pair.join(''))];
  const tokens = addedTokens(added, words.length);
  const idOf = (token: string): number => tokens.find(({ content }) => content === token)?.['id'] as number;
  const level = { ...BYTE_LEVEL, add_prefix_space: true };
  const post = around === undefined ? level : { type: 'Sequence', processors: [level, template(around, idOf)] };
  return {
    name,
    gives,
    ...(around === undefined ? {} : { after: around[1].map(idOf) }),
    json: {
      version: '1.0',
      added_tokens: tokens,
      normalizer,
      pre_tokenizer: pre,
      post_processor: given.post ?? post,
      decoder: level,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: '',
        end_of_word_suffix: '',
        fuse_unk: false,
        byte_fallback: false,
        vocab: Object.fromEntries(words.map((word, id) => [word, id])),
        merges: pairs ? BYTE_MERGES : BYTE_MERGES.map((pair) => pair.join(' ')),
        ...model,
      },
    },
    config: { tokenizer_class: tokenizerClass, clean_up_tokenization_spaces: false, ...given.config },
  };
}

const split = (regex: string, behavior = 'Isolated', invert = false): unknown => ({
  ...{ type: 'Split', pattern: { Regex: regex }, behavior, invert },
});
const sequence = (...pretokenizers: unknown[]): unknown => ({ type: 'Sequence', pretokenizers });
const SHORT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const QWEN = `${SHORT}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const POSSESSIVE = `${SHORT}|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+`;
const MANY = `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+${SHORT}?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*${SHORT}?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const DEEPSEEK_SIGNS =
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const BLOOM = ' ?[^(\\s|[.,!?…。，、।۔،])]+';
const runs = (char: string, from: number, to: number): Added[] =>
  plain(...Array.from({ length: from - to + 1 }, (_, i) => char.repeat(from - i)));

const BYTE_FAMILIES: TokenizerFamily[] = [
  bytes('GPT-2', 'GPT2Tokenizer', { pre: BYTE_LEVEL }),
  bytes('Qwen2.5', 'Qwen2TokenizerFast', {
    normalizer: { type: 'NFC' },
    pre: sequence(split(QWEN), ALONE),
    added: [
      ...special('<|endoftext|>', '<|im_start|>', '<|im_end|>'),
      ...plain('<tool_call>', '</tool_call>', '<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>').map((token) => ({
        ...token,
        normalized: false,
      })),
    ],
    gives: 'text',
  }),
  bytes('Llama 3', 'PreTrainedTokenizerFast', {
    pre: sequence(split(QWEN.replace('\\p{N}|', '\\p{N}{1,3}|')), ALONE),
    added: special('<|begin_of_text|>', '<|end_of_text|>'),
    around: [['<|begin_of_text|>'], []],
    model: { ignore_merges: true },
    pairs: true,
  }),
  bytes('StarCoder', 'GPT2TokenizerFast', {
    pre: sequence({ type: 'Digits', individual_digits: true }, BYTE_LEVEL),
    added: special('<|endoftext|>', '<fim_prefix>', '<fim_middle>', '<fim_suffix>', '<filename>'),
  }),
  bytes('GPT-NeoX', 'GPTNeoXTokenizerFast', {
    normalizer: { type: 'NFC' },
    pre: { ...BYTE_LEVEL, use_regex: undefined },
    added: [...special('<|endoftext|>', '<|padding|>'), ...runs(' ', 24, 2)],
  }),
  bytes('runs of blanks, the short ones first', 'CodeGenTokenizer', {
    pre: BYTE_LEVEL,
    added: [...special('<|endoftext|>'), ...runs(' ', 24, 2).reverse(), ...runs('\t', 9, 2).reverse()],
  }),
  bytes('OPT', 'GPT2Tokenizer', { pre: BYTE_LEVEL, added: special('</s>', '<pad>'), around: [['</s>'], []] }),
  bytes('BLOOM', 'BloomTokenizerFast', { pre: sequence(split(BLOOM), ALONE), added: special('<s>', '</s>', '<pad>') }),
  bytes('BLOOM, without its class', 'PreTrainedTokenizerFast', { pre: sequence(split(BLOOM), ALONE) }),
  bytes('DeepSeek-Coder', 'LlamaTokenizerFast', {
    pre: sequence(
      split('[\\r\\n]'),
      split('\\s?\\p{L}+'),
      split('\\s?\\p{P}+'),
      split('[一-龥ࠀ-一가-퟿]+'),
      { type: 'Digits', individual_digits: true },
      ALONE,
    ),
    added: special(
      '<｜begin▁of▁sentence｜>',
      '<｜end▁of▁sentence｜>',
      '<｜fim▁begin｜>',
      '<｜fim▁hole｜>',
      '<｜fim▁end｜>',
    ),
    around: [['<｜begin▁of▁sentence｜>'], []],
  }),
  bytes('DeepSeek-V3', 'LlamaTokenizerFast', {
    pre: sequence(split('\\p{N}{1,3}'), split('[一-龥぀-ゟ゠-ヿ]+'), split(DEEPSEEK_SIGNS), ALONE),
  }),
  bytes('cases apart (o200k)', 'PreTrainedTokenizerFast', { pre: sequence(split(MANY), ALONE) }),
  bytes('possessive', 'CohereTokenizerFast', { pre: sequence(split(POSSESSIVE), ALONE) }),
  bytes('matches kept, the rest removed', 'PreTrainedTokenizerFast', {
    pre: sequence(split(QWEN, 'Removed', true), ALONE),
  }),
  bytes('a blank put first', 'PreTrainedTokenizerFast', {
    pre: { ...BYTE_LEVEL, add_prefix_space: true },
    gives: 'blank first',
  }),
  bytes('begin and end around', 'PreTrainedTokenizerFast', {
    pre: BYTE_LEVEL,
    added: special('<s>', '</s>'),
    around: [['<s>'], ['</s>']],
  }),
  bytes('blanks around tokens taken in', 'PreTrainedTokenizerFast', {
    pre: BYTE_LEVEL,
    added: [
      { content: '<|user|>', special: true, lstrip: true },
      { content: '<|end|>', special: true, rstrip: true },
      { content: '<tool_call>', special: false, lstrip: true, rstrip: true, normalized: false },
    ],
    gives: 'changed',
  }),
];

const CHARACTERS = [
  ...new Set([...SAMPLE.replaceAll(' ', '▁'), ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))]),
]
  .filter((char) => char.length === 1 && char !== '\n')
  .concat('▁');
const PIECE_MERGES = learn(
  (SAMPLE.replaceAll(' ', '▁').match(/▁?[^▁\s]+/gu) ?? []).map((word) =>
    [...word].filter((c) => CHARACTERS.includes(c)),
  ),
  140,
);
const BYTE_TOKENS = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
const REPLACE = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
const PREPEND = { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, REPLACE] };
const BACK = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
const STRIP = { type: 'Strip', content: ' ', start: 1, stop: 0 };
const LLAMA_DECODER = { type: 'Sequence', decoders: [BACK, { type: 'ByteFallback' }, { type: 'Fuse' }, STRIP] };
const METASPACE = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false };

interface Pieces {
  normalizer?: unknown;
  pre?: unknown;
  decoder?: unknown;
  added?: Added[];
  around?: [string[], string[]];
  config?: Record<string, unknown>;
  pairs?: boolean;
  gives?: TokenizerFamily['gives'];
}

function pieces(name: string, tokenizerClass: string, given: Pieces): TokenizerFamily {
  const { normalizer = null, pre = null, decoder = LLAMA_DECODER, added = [], around = [['<s>'], []], config } = given;
  const controls = ['<unk>', '<s>', '</s>'];
  const words = [
    ...controls,
    ...BYTE_TOKENS,
    ...new Set([...CHARACTERS, ...PIECE_MERGES.map((pair) => pair.join(''))]),
  ];
  const more = addedTokens(added, words.length);
  const own = addedTokens(special(...controls), 0).map((token) => ({ ...token, normalized: false }));
  const idOf = (token: string): number => controls.indexOf(token);
  return {
    name,
    gives: given.gives ?? 'text',
    after: around[1].map(idOf),
    json: {
      version: '1.0',
      added_tokens: [...own, ...more],
      normalizer,
      pre_tokenizer: pre,
      post_processor: template(around, idOf),
      decoder,
      model: {
        ...{
          type: 'BPE',
          dropout: null,
          unk_token: '<unk>',
          continuing_subword_prefix: null,
          end_of_word_suffix: null,
        },
        ...{ fuse_unk: true, byte_fallback: true, ignore_merges: false },
        vocab: Object.fromEntries(words.map((word, id) => [word, id])),
        merges: given.pairs === true ? PIECE_MERGES : PIECE_MERGES.map((pair) => pair.join(' ')),
      },
    },
    config: { tokenizer_class: tokenizerClass, clean_up_tokenization_spaces: false, ...config },
  };
}

const PIECE_FAMILIES: TokenizerFamily[] = [
  pieces('Llama 2', 'LlamaTokenizerFast', { normalizer: PREPEND }),
  pieces('Llama 2, legacy', 'LlamaTokenizer', { normalizer: PREPEND, config: { legacy: true } }),
  pieces('Llama 2, not legacy', 'LlamaTokenizer', { normalizer: PREPEND, config: { legacy: false } }),
  pieces('Llama 2, begin and end around', 'LlamaTokenizer', { normalizer: PREPEND, around: [['<s>'], ['</s>']] }),
  pieces('Mistral', 'LlamaTokenizerFast', {
    pre: METASPACE,
    config: { legacy: false, add_prefix_space: null },
    pairs: true,
    gives: 'blank taken',
  }),
  pieces('Metaspace, always', 'LlamaTokenizerFast', {
    pre: { ...METASPACE, prepend_scheme: 'always' },
    gives: 'blank taken',
  }),
  pieces('Metaspace, never', 'LlamaTokenizerFast', {
    pre: { ...METASPACE, prepend_scheme: 'never' },
    decoder: { type: 'Sequence', decoders: [BACK, { type: 'ByteFallback' }, { type: 'Fuse' }] },
  }),
  pieces('Metaspace, older', 'PreTrainedTokenizerFast', {
    pre: { type: 'Metaspace', replacement: '▁', add_prefix_space: true },
    gives: 'blank taken',
  }),
  pieces('Phi-3', 'LlamaTokenizer', {
    normalizer: PREPEND,
    added: ['<|endoftext|>', '<|user|>', '<|end|>'].map((content) => ({ content, special: true, rstrip: true })),
    config: { legacy: false },
  }),
  pieces('Gemma', 'GemmaTokenizer', {
    normalizer: REPLACE,
    pre: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
    decoder: { type: 'Sequence', decoders: [BACK, { type: 'ByteFallback' }, { type: 'Fuse' }] },
    added: [
      ...special('<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<start_of_turn>', '<end_of_turn>'),
      ...plain(...Array.from({ length: 6 }, (_, i) => '\n'.repeat(i + 2))).map((token) => ({
        ...token,
        normalized: false,
      })),
    ],
  }),
  pieces('Code Llama', 'CodeLlamaTokenizerFast', {
    normalizer: PREPEND,
    added: special('▁<PRE>', '▁<MID>', '▁<SUF>', '▁<EOT>'),
  }),
];

/** Unigram: pieces with scores, as T5 has them. It changes white space for good. */
function unigram(name: string, tokenizerClass: string, pre: unknown, normalizer: unknown): TokenizerFamily {
  const words = ['<pad>', '</s>', '<unk>', ...new Set([...CHARACTERS, ...PIECE_MERGES.map((pair) => pair.join(''))])];
  const vocab = words.map((word, id) => [word, id < 3 ? 0 : -3 - id / words.length - 2 / word.length]);
  return {
    name,
    gives: 'changed',
    after: [1],
    json: {
      version: '1.0',
      added_tokens: addedTokens(special('<pad>', '</s>', '<unk>'), 0),
      normalizer,
      pre_tokenizer: pre,
      post_processor: template([[], ['</s>']], (token) => words.indexOf(token)),
      decoder: { type: 'Metaspace', replacement: '▁', add_prefix_space: true },
      model: { type: 'Unigram', unk_id: 2, vocab },
    },
    config: { tokenizer_class: tokenizerClass, clean_up_tokenization_spaces: false, eos_token: '</s>' },
  };
}

const OLD_METASPACE = { type: 'Metaspace', replacement: '▁', add_prefix_space: true };
export const TOKENIZERS: readonly TokenizerFamily[] = [
  ...BYTE_FAMILIES,
  ...PIECE_FAMILIES,
  unigram('T5', 'T5TokenizerFast', sequence({ type: 'WhitespaceSplit' }, OLD_METASPACE), {
    type: 'Precompiled',
    precompiled_charsmap: '',
  }),
  unigram(
    'T5, newer',
    'T5Tokenizer',
    { ...METASPACE, prepend_scheme: 'always' },
    {
      type: 'Sequence',
      normalizers: [
        { type: 'Precompiled', precompiled_charsmap: '' },
        { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
      ],
    },
  ),
];
