// The way of filling holes that a model was taught, recognised by its name, and written out for servers that take texts.

import {
  CODEGEMMA,
  CODEGEN,
  CODELLAMA,
  CODESTRAL,
  DEEPSEEK,
  GLASSBOX,
  INCODER,
  MELLUM,
  PLAIN_TOKENS,
  QWEN,
  SEED_CODER,
  STARCODER,
  STARCODER2,
  tokensOf,
  type FimDialect,
} from '../completion/fimDialects';
import type { ContextFile } from '../protocol';

export type Family = FimDialect;

/** The first whose pattern is in the name. */
const FAMILIES: [pattern: RegExp, family: Family][] = [
  [/glassbox/i, GLASSBOX],
  [/qwen/i, QWEN],
  [/codegemma/i, CODEGEMMA],
  [/starcoder2/i, STARCODER2],
  [/starcoder/i, STARCODER],
  [/mellum/i, MELLUM],
  [/seed-?coder/i, SEED_CODER],
  [/stable-?code|granite.*code|refact/i, PLAIN_TOKENS],
  [/deepseek.*coder|deepseek-v[23]/i, DEEPSEEK],
  [/codestral|devstral/i, CODESTRAL],
  [/code-?llama/i, CODELLAMA],
  [/codegen-?2/i, CODEGEN],
  [/incoder/i, INCODER],
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
  const { file, pathInside, written = {} } = family;
  const files = file === undefined ? '' : text.context.map((each) => `${file}${each.path}\n${each.text}`).join('');
  const path = file === undefined || text.path === undefined ? '' : `${text.path}\n`;
  const announced = path === '' ? '' : (file ?? '');
  if (text.suffix.trim() === '') return `${files}${announced}${path}${text.prefix}`;
  const prefix = pathInside === true ? path + text.prefix : text.prefix;
  const parts = family.frame.map((part) => {
    if ('token' in part) return written[part.token] ?? part.token;
    return part.text === 'prefix' ? prefix : text.suffix;
  });
  return `${files}${announced}${pathInside === true ? '' : path}${parts.join('')}`;
}

/** Ends that servers know themselves, and that stand in texts, too: in HTML. */
const IN_TEXTS = new Set(['</s>', '<s>']);

/** Texts at which a server is to stop: they are tokens of the frame, and not part of any text. */
export function endsOf(family: Family): string[] {
  const { ends, written = {} } = family;
  const all = [...ends, ...tokensOf(family)].map((name) => (written[name] ?? name).trim());
  return [...new Set(all)].filter((name) => !IN_TEXTS.has(name));
}
