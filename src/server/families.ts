// The tokens with which families of models were taught to fill a hole, recognised by the model's name. From each family's model card.

import type { ContextFile } from '../protocol';

/** How a family wants a hole written out. */
export interface Family {
  name: string;
  /** Before the prefix, before the suffix, and where the middle is to be written. */
  prefix: string;
  suffix: string;
  middle: string;
  /** In which order; 'suffix-inside' is prefix and suffix token, suffix, middle token, prefix. */
  order: 'prefix-first' | 'suffix-first' | 'suffix-inside';
  /** Stands before the path of a file, whose text follows after a line end. */
  file?: string;
  /** What ends a text besides these tokens. */
  ends: readonly string[];
}

const PIPED = { prefix: '<|fim_prefix|>', suffix: '<|fim_suffix|>', middle: '<|fim_middle|>' };
const PLAIN = { prefix: '<fim_prefix>', suffix: '<fim_suffix>', middle: '<fim_middle>' };
const FIRST = { order: 'prefix-first' } as const;

/** The first whose pattern is in the name. */
const FAMILIES: [pattern: RegExp, family: Family][] = [
  [/glassbox/i, { name: 'Glassbox', ...PIPED, order: 'suffix-inside', file: '<|file_sep|>', ends: ['<|endoftext|>'] }],
  [
    /qwen/i,
    {
      name: 'Qwen Coder',
      ...PIPED,
      ...FIRST,
      file: '<|file_sep|>',
      ends: ['<|endoftext|>', '<|im_end|>', '<|repo_name|>'],
    },
  ],
  [
    /codegemma/i,
    { name: 'CodeGemma', ...PIPED, ...FIRST, file: '<|file_separator|>', ends: ['<eos>', '<end_of_turn>'] },
  ],
  [
    /starcoder2/i,
    { name: 'StarCoder2', ...PLAIN, ...FIRST, file: '<file_sep>', ends: ['<|endoftext|>', '<repo_name>'] },
  ],
  [/starcoder|stable-?code|granite.*code|refact/i, { name: 'StarCoder', ...PLAIN, ...FIRST, ends: ['<|endoftext|>'] }],
  [
    /deepseek.*coder|deepseek-v[23]/i,
    {
      name: 'DeepSeek Coder',
      prefix: '<｜fim▁begin｜>',
      suffix: '<｜fim▁hole｜>',
      middle: '<｜fim▁end｜>',
      ...FIRST,
      ends: ['<｜end▁of▁sentence｜>'],
    },
  ],
  [
    /codestral|devstral/i,
    { name: 'Codestral', prefix: '[PREFIX]', suffix: '[SUFFIX]', middle: '', order: 'suffix-first', ends: ['</s>'] },
  ],
  [
    /code-?llama/i,
    { name: 'Code Llama', prefix: '<PRE> ', suffix: ' <SUF>', middle: ' <MID>', ...FIRST, ends: ['<EOT>', '</s>'] },
  ],
];

/** The family of a model; undefined where its name tells none. */
export function familyOf(model: string): Family | undefined {
  return FAMILIES.find(([pattern]) => pattern.test(model))?.[1];
}

/** A prompt in the words of a family. Without a suffix the prefix is simply continued. */
export function frame(
  family: Family,
  text: { prefix: string; suffix: string; path?: string | undefined; context: readonly ContextFile[] },
): string {
  const { file } = family;
  const before =
    file === undefined
      ? ''
      : text.context.map((each) => `${file}${each.path}\n${each.text}`).join('') +
        (text.path === undefined ? '' : `${file}${text.path}\n`);
  if (text.suffix.trim() === '') return before + text.prefix;
  const { prefix, suffix, middle } = family;
  switch (family.order) {
    case 'prefix-first':
      return `${before}${prefix}${text.prefix}${suffix}${text.suffix}${middle}`;
    case 'suffix-first':
      return `${suffix}${text.suffix}${before}${prefix}${text.prefix}${middle}`;
    case 'suffix-inside':
      return `${before}${prefix}${suffix}${text.suffix}${middle}${text.prefix}`;
  }
}

/** Texts at which a server is to stop: they are tokens of the frame, and not part of any text. */
export function endsOf({ prefix, suffix, middle, file, ends }: Family): string[] {
  const tokens = [prefix, suffix, middle, file ?? ''].map((token) => token.trim()).filter((token) => token !== '');
  return [...ends, ...tokens];
}
