// What the scanner and the stop rules must know of a language: comments, quotes, brackets. Data, by the ending of a path.

/** How text of a language is cut into code, strings and comments. */
export interface Grammar {
  /** What a line comment begins with. */
  comments: readonly string[];
  /** True: `/* … *\/` is a comment. */
  blockComments: boolean;
  /** Quotes of strings that end in their line. */
  quotes: string;
  /** Quotes of strings that may span lines; the longer before the shorter. */
  longQuotes: readonly string[];
  /** True: `${ … }` in a backquoted string is code. */
  templates: boolean;
  /** True: brackets must balance. In prose they need not. */
  brackets: boolean;
  /** True: a comma before a closing bracket is an error. */
  strictCommas: boolean;
}

const C: Grammar = {
  comments: ['//'],
  blockComments: true,
  quotes: '"\'',
  longQuotes: [],
  templates: false,
  brackets: true,
  strictCommas: false,
};
const SCRIPT: Grammar = { ...C, longQuotes: ['`'], templates: true };
const HASH: Grammar = { ...C, comments: ['#'], blockComments: false };
const PYTHON: Grammar = { ...HASH, longQuotes: ['"""', "'''"] };
const DASHES: Grammar = { ...C, comments: ['--'] };
const JSON_LIKE: Grammar = { ...C, quotes: '"', strictCommas: true };
const PROSE: Grammar = { ...C, comments: [], blockComments: false, quotes: '', brackets: false };

const GRAMMARS: readonly [endings: string, grammar: Grammar][] = [
  ['js mjs cjs jsx ts mts cts tsx', SCRIPT],
  ['go', { ...C, longQuotes: ['`'] }],
  ['c h cc cpp cxx hpp hh cu cs m mm css scss less glsl hlsl wgsl proto', C],
  ['java kt kts scala swift dart groovy gradle', { ...C, longQuotes: ['"""'] }],
  ['rs', { ...C, quotes: '"' }], // a single quote mostly begins a lifetime
  ['php', { ...C, comments: ['//', '#'] }],
  ['json jsonc json5 webmanifest', JSON_LIKE],
  ['py pyi pyx', PYTHON],
  ['rb sh bash zsh fish yml yaml toml ini cfg conf r pl pm mk ps1 tf hcl nix cmake', HASH],
  ['sql lua hs elm ada', DASHES],
  ['md markdown mdx txt rst adoc tex org html htm xml svg vue svelte', PROSE],
];
const BY_ENDING = new Map(
  GRAMMARS.flatMap(([endings, grammar]) => endings.split(' ').map((ending): [string, Grammar] => [ending, grammar])),
);

/** The grammar for a path; of an unknown language, one with brackets and quotes and no comments. */
export function grammarOf(path = ''): Grammar {
  const ending = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  return BY_ENDING.get(ending) ?? { ...C, comments: [], blockComments: false };
}
