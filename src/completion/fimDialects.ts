// How families of models were taught to fill a hole (Bavarian et al. 2022, arXiv:2207.14255): which tokens stand around the text before the
// cursor and the text after it, in which order, what announces a file, and what ends the middle. From each family's model card or paper. Pure.

/** A part of a frame: a token by its name in the vocabulary, or one of the two texts. */
export type FramePart = { token: string } | { text: 'prefix' | 'suffix' };

export interface FimDialect {
  name: string;
  /** In order; the model goes on where it ends. */
  frame: readonly FramePart[];
  /** Stands before the path of a file, whose text follows after a line end. */
  file?: string;
  /** The path of the document itself stands inside the frame, before its text. */
  pathInside?: true;
  /** Announces the name of a repository; none is told, but the model may write it. */
  repository?: string;
  /** What ends the middle, besides the tokens above. */
  ends: readonly string[];
  /** Other models have the tokens, too, and were not taught them: the name of one that was matches this. */
  named?: RegExp;
  /** Tokens that servers are told by another text than their name in the vocabulary. */
  written?: Readonly<Record<string, string>>;
}

const PREFIX: FramePart = { text: 'prefix' };
const SUFFIX: FramePart = { text: 'suffix' };
const token = (name: string): FramePart => ({ token: name });
/** Prefix, suffix, middle. */
const threeTokens = (pre: string, suf: string, mid: string): readonly FramePart[] => [
  ...[token(pre), PREFIX, token(suf)],
  ...[SUFFIX, token(mid)],
];
/** Suffix, prefix, middle, each with its token before it. */
function suffixThenPrefix(suf: string, pre: string, mid: string): readonly FramePart[] {
  return [token(suf), SUFFIX, token(pre), PREFIX, token(mid)];
}
const PIPED = ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>'] as const;
const PLAIN = ['<fim_prefix>', '<fim_suffix>', '<fim_middle>'] as const;
const END_OF_TEXT = ['<|endoftext|>'];

export const GLASSBOX: FimDialect = {
  name: 'Glassbox',
  frame: [token(PIPED[0]), token(PIPED[1]), SUFFIX, token(PIPED[2]), PREFIX],
  file: '<|file_sep|>',
  ends: END_OF_TEXT,
};
export const QWEN: FimDialect = {
  name: 'Qwen Coder',
  frame: threeTokens(...PIPED),
  file: '<|file_sep|>',
  repository: '<|repo_name|>',
  ends: [...END_OF_TEXT, '<|im_end|>', '<|fim_pad|>'],
};
export const CODEGEMMA: FimDialect = {
  name: 'CodeGemma',
  frame: threeTokens(...PIPED),
  file: '<|file_separator|>',
  ends: ['<eos>', '<end_of_turn>'],
};
export const STARCODER2: FimDialect = {
  name: 'StarCoder2',
  frame: threeTokens(...PLAIN),
  file: '<file_sep>',
  pathInside: true,
  repository: '<repo_name>',
  ends: END_OF_TEXT,
};
export const STARCODER: FimDialect = {
  name: 'StarCoder',
  frame: threeTokens(...PLAIN),
  file: '<filename>',
  repository: '<reponame>',
  ends: [...END_OF_TEXT, '<gh_stars>', '<fim_pad>'],
};
/** It has StarCoder's tokens, and was taught the suffix first, with a token of its own before each text (JetBrains/Mellum-4b-base). */
export const MELLUM: FimDialect = {
  name: 'Mellum',
  frame: suffixThenPrefix(PLAIN[1], PLAIN[0], PLAIN[2]),
  file: '<filename>',
  named: /mellum/i,
  ends: [...END_OF_TEXT, '<fim_pad>'],
};
export const SEED_CODER: FimDialect = {
  name: 'Seed-Coder',
  frame: suffixThenPrefix('<[fim-suffix]>', '<[fim-prefix]>', '<[fim-middle]>'),
  ends: ['<[end▁of▁sentence]>'],
};
/** Stable Code, Granite, and others that took over the tokens of StarCoder without those of files. */
export const PLAIN_TOKENS: FimDialect = { name: 'StarCoder', frame: threeTokens(...PLAIN), ends: END_OF_TEXT };
export const DEEPSEEK: FimDialect = {
  name: 'DeepSeek Coder',
  // The third token is called the end; the middle follows it all the same.
  frame: threeTokens('<｜fim▁begin｜>', '<｜fim▁hole｜>', '<｜fim▁end｜>'),
  ends: ['<｜end▁of▁sentence｜>', '<|EOT|>'],
};
export const CODELLAMA: FimDialect = {
  name: 'Code Llama',
  frame: threeTokens('▁<PRE>', '▁<SUF>', '▁<MID>'),
  ends: ['▁<EOT>', '</s>'],
  written: { '▁<PRE>': '<PRE> ', '▁<SUF>': ' <SUF>', '▁<MID>': ' <MID>', '▁<EOT>': '<EOT>' },
};
export const CODESTRAL: FimDialect = {
  name: 'Codestral',
  frame: [token('[SUFFIX]'), SUFFIX, token('[PREFIX]'), PREFIX],
  named: /codestral|devstral/i,
  ends: ['</s>', '[MIDDLE]'],
};
const SANTACODER: FimDialect = {
  name: 'SantaCoder',
  frame: threeTokens('<fim-prefix>', '<fim-suffix>', '<fim-middle>'),
  ends: [...END_OF_TEXT, '<fim-pad>'],
};
const PIPED_TOKENS: FimDialect = {
  name: 'tokens of Qwen Coder',
  frame: threeTokens(...PIPED),
  ends: [...END_OF_TEXT, '<|fim_pad|>'],
};
export const CODEGEN: FimDialect = {
  name: 'CodeGen2',
  frame: [PREFIX, token('<mask_1>'), SUFFIX, token('<|endoftext|>'), token('<sep>'), token('<mask_1>')],
  ends: ['<eom>'],
};
export const INCODER: FimDialect = {
  name: 'InCoder',
  frame: [PREFIX, token('<|mask:0|>'), SUFFIX, token('<|mask:1|>'), token('<|mask:0|>')],
  ends: ['<|endofmask|>'],
};

/** In the order in which a vocabulary is looked at: the first whose tokens, that of files included, it has. */
export const DIALECTS: readonly FimDialect[] = [
  ...[QWEN, CODEGEMMA, PIPED_TOKENS, STARCODER2, MELLUM, STARCODER, PLAIN_TOKENS, SANTACODER],
  ...[DEEPSEEK, CODELLAMA, CODESTRAL, SEED_CODER, CODEGEN, INCODER],
];

/** The dialect in the order PRE SUF suffix MID prefix, where it has three tokens around and between its two texts. */
export function suffixFirst(dialect: FimDialect): FimDialect {
  const { frame } = dialect;
  if (frame.length !== 5 || frame[1] !== PREFIX) return dialect;
  const [pre, , suf, , mid] = frame as [FramePart, FramePart, FramePart, FramePart, FramePart];
  return { ...dialect, frame: [pre, suf, SUFFIX, mid, PREFIX] };
}

/** Whether the model goes on right behind the prefix: the suffix stands before it. */
export function goesOnBehindPrefix({ frame }: FimDialect): boolean {
  return frame.at(-1) === PREFIX;
}

/** Names of the tokens that a dialect is made of; those of its frame come first. */
export function tokensOf({ frame, file, repository, ends }: FimDialect): string[] {
  const around = frame.flatMap((part) => ('token' in part ? [part.token] : []));
  return [...new Set([...around, ...[file, repository].filter((name) => name !== undefined), ...ends])];
}
