// The texts the evaluation is made on: the committed held-out set, or any folder of source files.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BadInput } from '../../src/cliInput';
import { linesWith } from './jsonLine';

/** The languages, in the order of the tables. */
export const LANGUAGES = ['typescript', 'javascript', 'python', 'dts', 'markdown', 'json'] as const;
export type Language = (typeof LANGUAGES)[number];
/** Those that are code. */
export const CODE: readonly Language[] = ['typescript', 'javascript', 'python', 'dts'];

export interface EvalFile {
  language: Language;
  path: string;
  text: string;
}

const ENDINGS: [RegExp, Language][] = [
  [/\.d\.[cm]?ts$/, 'dts'],
  [/\.([cm]?ts|tsx)$/, 'typescript'],
  [/\.([cm]?js|jsx)$/, 'javascript'],
  [/\.py$/, 'python'],
  [/\.md$/, 'markdown'],
  [/\.json$/, 'json'],
];
const LEFT_OUT = new Set(['node_modules', 'dist', 'build', 'out', '__pycache__']);
/** Shorter files say nothing, longer ones are mostly generated; in characters. */
const SHORTEST = 60;
const LONGEST = 200_000;

/**
 * Reads the held-out set: one JSON object a line, blank lines aside.
 * @throws BadInput where there is no such file, or naming the line that is damaged
 */
export function readHeldOut(path: string): EvalFile[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new BadInput(`The held-out set ${path} is missing. Restore the file, or give --files.`);
  return linesWith(path, ['language', 'path', 'text']).map(({ found, place }) => {
    const language = LANGUAGES.find((known) => known === found.language);
    if (language === undefined) throw new BadInput(`${place} is damaged: its language is not known.`);
    return { language, path: found.path, text: found.text };
  });
}

/**
 * Reads the source files below a folder, in the order of their paths; line ends become \n. What is installed or built is left out.
 * @throws BadInput where there is no such folder, or no file in it
 */
export function readFolder(dir: string): EvalFile[] {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw new BadInput(`--files ${dir} is no folder.`);
  const files = [...below(dir)].sort().flatMap((path): EvalFile[] => {
    const language = ENDINGS.find(([ending]) => ending.test(path))?.[1];
    if (language === undefined) return [];
    const text = readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
    const wanted = text.length >= SHORTEST && text.length <= LONGEST && !text.includes('\ufffd');
    return wanted ? [{ language, path: relative(dir, path).replaceAll('\\', '/'), text }] : [];
  });
  if (files.length === 0)
    throw new BadInput(
      `--files ${dir} holds no file to evaluate on: .ts, .js, .py, .md or .json, 60 to 200,000 characters.`,
    );
  return files;
}

function* below(dir: string): Generator<string> {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory() && !LEFT_OUT.has(entry.name) && !entry.name.startsWith('.')) yield* below(path);
    else if (entry.isFile()) yield path;
  }
}

/** The files of each language that has any. */
export function byLanguage(files: readonly EvalFile[]): [Language, EvalFile[]][] {
  return LANGUAGES.map((language): [Language, EvalFile[]] => [
    language,
    files.filter((file) => file.language === language),
  ]).filter(([, found]) => found.length > 0);
}
