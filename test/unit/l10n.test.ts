// Whatever people read can be read in every language we speak: the sentences in the sources, the tables and the manifest agree.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import ts from 'typescript';
import { t, useStrings } from '../../src/l10n';
import { placesOf, readSource, readSources, type Found } from '../l10n';

const LANGUAGES = ['zh-cn'];
const read = (file: string): Record<string, string> => JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
const sources = readSources();
const sorted = (keys: Iterable<string>): string[] => [...keys].sort();

test('sentences are literals with as many places as there are arguments', () => assert.deepEqual(sources.wrong, []));

test('what people see goes through t()', () => assert.deepEqual(sources.untold, []));

test('there is a table for every language, and no other', () => {
  assert.deepEqual(
    readdirSync('media/l10n').sort(),
    LANGUAGES.map((language) => `bundle.l10n.${language}.json`),
  );
});

for (const language of LANGUAGES) {
  const table = read(`media/l10n/bundle.l10n.${language}.json`);

  test(`${language} has every sentence, and no other`, () => {
    const missing = sorted(sources.sentences.keys()).filter((sentence) => !Object.hasOwn(table, sentence));
    const superfluous = sorted(Object.keys(table)).filter((sentence) => !sources.sentences.has(sentence));
    assert.deepEqual({ missing, superfluous }, { missing: [], superfluous: [] });
  });

  test(`${language} has the same places in every sentence, and text`, () => {
    for (const [sentence, said] of Object.entries(table)) {
      assert.deepEqual(sorted(placesOf(said)), sorted(placesOf(sentence)), said);
      assert.ok(said.trim().length > 0, sentence);
    }
  });

  test(`${language} has every text of the manifest, and no other`, () => {
    const [english, theirs] = [read('package.nls.json'), read(`package.nls.${language}.json`)];
    assert.deepEqual(sorted(Object.keys(theirs)), sorted(Object.keys(english)));
    for (const [key, text] of Object.entries(english)) {
      const links = (from: string): string[] => sorted(from.match(/\]\([^)]*\)|`#[^`]*#`|`"[^`]*"`/g) ?? []);
      assert.deepEqual(links(theirs[key] ?? ''), links(text), key);
    }
  });
}

test('every text that the manifest names is there, and every one there is named', () => {
  const manifest = readFileSync('package.json', 'utf8');
  const named = new Set(Array.from(manifest.matchAll(/"%([\w.]+)%"/g), ([, key]) => key as string));
  assert.deepEqual(sorted(named), sorted(Object.keys(read('package.nls.json'))));
});

test('no title or description of the manifest is written in it', () => {
  const visit = (value: unknown, path: string): void => {
    if (
      typeof value === 'string' &&
      /\.(title|description|markdownDescription|altText|label|shortTitle|\w*numDescriptions\.\d+)$/.test(path)
    )
      assert.match(value, /^%[\w.]+%$/, path);
    if (typeof value === 'object' && value !== null)
      for (const [key, inside] of Object.entries(value)) visit(inside, `${path}.${key}`);
  };
  visit((read('package.json') as unknown as { contributes: unknown }).contributes, 'contributes');
});

test('a sentence is said in the language of the table, with its arguments in their places; what is missing stays English', () => {
  useStrings({ 'about {0} of {1}': '{1} 中的 {0}', constructor: 'x' });
  try {
    assert.equal(t('about {0} of {1}', 'a {1}', 2), '2 中的 a {1}');
    assert.equal(t('none of {0}', 3), 'none of 3');
    assert.equal(t('toString'), 'toString');
  } finally {
    useStrings({});
  }
});

const CASES: [source: string, expected: Pick<Found, 'wrong' | 'untold'>][] = [
  ["t('one {0}', 1)", { wrong: [], untold: [] }],
  ["t('one {0}')", { wrong: ["src/extension/a.ts:1: t('one {0}')"], untold: [] }],
  ['t(`one`)', { wrong: ['src/extension/a.ts:1: t(`one`)'], untold: [] }],
  ["vscode.window.showErrorMessage('No')", { wrong: [], untold: ['src/extension/a.ts:1: No'] }],
  [
    "vscode.window.showErrorMessage(t('No'), { detail: `at ${place}` })",
    { wrong: [], untold: ['src/extension/a.ts:1: at '] },
  ],
  ["show({ label: on ? t('On') : 'Off' })", { wrong: [], untold: ['src/extension/a.ts:1: Off'] }],
  ["pick.title = 'Pick'", { wrong: [], untold: ['src/extension/a.ts:1: Pick'] }],
  ["show({ label: `$(gear) ${t('Settings')}`, title: 'Glassbox' })", { wrong: [], untold: [] }],
  ["new EngineError('bad', 'Bad.')", { wrong: [], untold: ['src/extension/a.ts:1: Bad.'] }],
];
for (const [text, expected] of CASES) {
  test(`the reader of sources sees what is wrong with ${text}`, () => {
    const found: Found = { sentences: new Map(), wrong: [], untold: [] };
    readSource(ts.createSourceFile('src/extension/a.ts', text, ts.ScriptTarget.Latest, true), found);
    assert.deepEqual({ wrong: found.wrong, untold: found.untold }, expected);
  });
}
