// What is typed: held-out code that no model of ours was trained on, and the settings under which a key is a character.

import { readFileSync } from 'node:fs';

/** What is typed, and where. */
export interface Passage {
  language: string;
  /** The document before what is typed; ends in a line feed or is empty. */
  before: string;
  typed: string;
  /** The document after it; begins with a line feed or is empty. */
  after: string;
}

/** Settings under which a key is one character: nothing is closed, indented, wrapped or accepted by itself. */
export const ONE_KEY_ONE_CHARACTER = {
  'editor.autoClosingBrackets': 'never',
  'editor.autoClosingQuotes': 'never',
  'editor.autoClosingComments': 'never',
  'editor.autoIndent': 'none',
  'editor.formatOnType': false,
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.suggestOnTriggerCharacters': false,
  'editor.parameterHints.enabled': false,
};

/** A file of models/eval/heldout.jsonl for each language: indented by spaces, because Tab would accept a suggestion. */
const FILES: Record<string, { package: string; path: string }> = {
  typescript: { package: 'rc-config-loader', path: 'src/rc-config-loader.ts' },
  python: { package: 'python/concurrent', path: 'concurrent/futures/thread.py' },
};

export const LANGUAGES = Object.keys(FILES);

/**
 * A passage of whole lines from the middle of the language's file, the shortest with at least `keys` characters.
 * @param file path of models/eval/heldout.jsonl
 * @throws RangeError where the file is too short, or has characters that are not one key
 */
export function passageOf(file: string, language: string, keys: number): Passage {
  const wanted = FILES[language];
  if (wanted === undefined)
    throw new RangeError(`There is no text in ${language}: there is ${LANGUAGES.join(' and ')}.`);
  const text = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { package: string; path: string; text: string })
    .find((entry) => entry.package === wanted.package && entry.path === wanted.path)?.text;
  if (text === undefined) throw new RangeError(`${wanted.path} is not in ${file}.`);
  const start = text.indexOf('\n', text.length / 2) + 1;
  const end = text.indexOf('\n', start + keys);
  const typed = text.slice(start, end);
  if (end < 0) throw new RangeError(`${wanted.path} has ${text.length - start} characters left, not ${keys}.`);
  if (!/^[\n\x20-\x7e]*$/.test(typed)) throw new RangeError(`${wanted.path} has characters that are not one key.`);
  return { language, before: text.slice(0, start), typed, after: text.slice(end) };
}

/** A passage in at most `count` pieces of whole lines, about equally long; each begins where the one before has been typed. */
export function piecesOf({ language, before, typed, after }: Passage, count: number): Passage[] {
  const pieces: Passage[] = [];
  for (let from = 0; from < typed.length && pieces.length < count;) {
    const aim = from + (typed.length - from) / (count - pieces.length);
    const line = typed.indexOf('\n', aim - 1) + 1;
    const end = line === 0 ? typed.length : line;
    pieces.push({ language, before: before + typed.slice(0, from), typed: typed.slice(from, end), after });
    from = end;
  }
  return pieces;
}
