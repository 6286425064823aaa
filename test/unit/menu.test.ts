// The menu behind the status bar item: what stands in it in each situation, what the entries do, and that it can be read in Chinese.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { menuEntries, type MenuActions, type MenuEntry, type MenuFacts } from '../../src/extension/menuEntries';
import { look, speedOf, tooltipLines } from '../../src/extension/status';
import { Speed } from '../../src/extension/speed';
import { noCounts } from '../../src/extension/tally';
import { useStrings, type Strings } from '../../src/l10n';
import type { Completion, ModelInfo } from '../../src/protocol';

after(() => useStrings({}));

const info = { name: 'small', device: 'cpu' } as ModelInfo;
const file = { name: 'a.ts', excludedAlone: false };
const usual: MenuFacts = {
  engine: { kind: 'ready', info },
  enabled: true,
  generating: false,
  pace: { tokensPerSecond: 41.6, firstTokenMs: 120.4 },
  today: { ...noCounts(), shown: 9, accepted: 3, acceptedCharacters: 50, keys: 4 },
  reason: undefined,
  threshold: 'balanced',
  place: { languageId: 'python', enabled: true, file },
  canSnooze: true,
  suggested: true,
};

/** The entries as text, and what each of them did when it was chosen. */
function open(facts: MenuFacts): { labels: string[]; did: Record<string, unknown[]>; entries: MenuEntry[] } {
  const done: unknown[][] = [];
  const note =
    (what: string) =>
    (...args: unknown[]) =>
      done.push([what, ...args]);
  const actions: MenuActions = {
    run: (command, ...args) => done.push([command, ...args]),
    enableLanguage: note('language'),
    excludeFile: note('file'),
    chooseThreshold: note('threshold'),
  };
  const entries = menuEntries(facts, actions);
  const did: Record<string, unknown[]> = {};
  for (const { label, run } of entries) {
    run?.();
    if (run !== undefined) did[plain(label)] = done.pop() ?? assert.fail(`${label} does nothing`);
  }
  assert.deepEqual(done, []);
  return { labels: Object.keys(did), did, entries };
}

const plain = (label: string): string => label.replace(/^\$\([\w~-]+\) /, '');

const CASES: [what: string, change: Partial<MenuFacts>, there: Record<string, unknown[]>, notThere: string[]][] = [
  [
    'as usual',
    {},
    {
      'small on cpu': ['glassbox.chooseModel'],
      'Turn suggestions off': ['glassbox.toggle'],
      'Turn off for the language python': ['language', 'python', false],
      'Turn off for the file a.ts': ['file', true],
      'How sure the model must be': ['threshold'],
      'Snooze…': ['editor.action.inlineSuggest.snooze'],
      Statistics: ['glassbox.statistics'],
      'Measure this machine': ['glassbox.measureMachine'],
      'Why did it suggest that?': ['glassbox.whyThisSuggestion'],
    },
    ['Why no suggestion?', 'Turn suggestions on'],
  ],
  [
    'everything off',
    { enabled: false, place: { languageId: 'python', enabled: false, file } },
    { 'Turn suggestions on': ['glassbox.toggle'], 'Turn on for the language python': ['language', 'python', true] },
    ['Snooze…', 'Turn suggestions off'],
  ],
  ['an editor without snooze', { canSnooze: false }, {}, ['Snooze…']],
  ['nothing to look into yet', { suggested: false }, {}, ['Why did it suggest that?']],
  [
    'no editor',
    { place: undefined },
    { 'Turn suggestions off': ['glassbox.toggle'] },
    ['Turn off for the language python', 'Turn off for the file a.ts'],
  ],
  [
    'a document that is no file',
    { place: { languageId: 'python', enabled: true } },
    { 'Turn off for the language python': ['language', 'python', false] },
    ['Turn off for the file a.ts'],
  ],
  [
    'a file turned off here',
    { place: { languageId: 'python', enabled: true, file: { ...file, excludedAlone: true, excluded: 'exclude' } } },
    { 'Turn on for the file a.ts': ['file', false] },
    ['Turn off for the file a.ts', 'a.ts is excluded: open the setting'],
  ],
  [
    'a file that a pattern excludes',
    { place: { languageId: 'python', enabled: true, file: { ...file, excluded: 'gitignore' } } },
    { 'a.ts is excluded: open the setting': ['workbench.action.openSettings', 'glassbox.gitignore'] },
    ['Turn off for the file a.ts'],
  ],
  [
    'a file of secrets',
    { place: { languageId: 'python', enabled: true, file: { ...file, excluded: 'secret' } } },
    {},
    ['Turn off for the file a.ts', 'a.ts is excluded: open the setting'],
  ],
  [
    'a reason with a remedy',
    { reason: { text: 'Too unsure.', remedy: { title: 'Change it', command: 'a.b', arguments: [1, 2] } } },
    { 'Change it': ['a.b', 1, 2] },
    ['Why no suggestion?'],
  ],
  [
    'a reason without a remedy',
    { reason: { text: 'Nothing to add.' } },
    { 'Why no suggestion?': ['glassbox.whyNoSuggestion'] },
    [],
  ],
  [
    'a failed engine',
    { engine: { kind: 'failed', reason: 'No model.' }, reason: { text: 'No engine.' } },
    { 'Restart engine': ['glassbox.restartEngine'] },
    ['small on cpu', 'Why no suggestion?'],
  ],
  [
    'a model that is being loaded',
    { engine: { kind: 'loading' }, reason: { text: 'Not loaded.' } },
    { 'The model is being loaded.': ['glassbox.showLog'], 'Restart engine': ['glassbox.restartEngine'] },
    ['small on cpu', 'Why no suggestion?'],
  ],
];
for (const [what, change, there, notThere] of CASES) {
  test(`the menu with ${what}`, () => {
    const { labels, did } = open({ ...usual, ...change });
    for (const [label, does] of Object.entries(there)) assert.deepEqual(did[label], does, label);
    for (const label of notThere) assert.ok(!labels.includes(label), label);
    assert.equal(new Set(labels).size, labels.length, 'an entry is there twice');
  });
}

test('the menu has no empty group', () => {
  const { entries } = open(usual);
  assert.equal(entries[0]?.label, 'Now');
  entries.forEach((entry, i) => assert.ok(entry.run !== undefined || entries[i + 1]?.run !== undefined, entry.label));
  assert.equal(
    entries.find(({ label }) => label.includes('small on cpu') && label.startsWith('$'))?.description,
    speedOf(usual.pace),
  );
});

test('the tooltip has the facts', () => {
  assert.deepEqual(tooltipLines(usual, { ...usual, reason: { text: 'Nothing to add.' } }), [
    'Glassbox: ready, small on cpu',
    '42 tokens a second, first token after 120 ms',
    'today 3 of 9 suggestions accepted, 46 keys saved',
    'Last: Nothing to add.',
  ]);
  const nothing = { pace: undefined, today: noCounts(), reason: undefined };
  assert.deepEqual(tooltipLines({ ...usual, engine: { kind: 'loading' } }, nothing), [
    'Glassbox: the model is being loaded',
  ]);
});

test('speed is that of the last completions', () => {
  const speed = new Speed();
  const ran = (generatedTokens: number, firstTokenMs: number, totalMs: number): void =>
    speed.add({ stats: { generatedTokens, firstTokenMs, totalMs } } as Completion);
  assert.equal(speed.pace, undefined);
  ran(0, 0, 5); // cancelled at once
  assert.equal(speed.pace, undefined);
  ran(1, 80, 80);
  assert.deepEqual(speed.pace, { tokensPerSecond: undefined, firstTokenMs: 80 });
  for (let i = 0; i < 40; i++) ran(11, 100, 300);
  assert.deepEqual(speed.pace, { tokensPerSecond: 50, firstTokenMs: 100 });
  speed.reset();
  assert.equal(speed.pace, undefined);
});

test('in Chinese, the menu and the tooltip have no English but names', () => {
  useStrings(JSON.parse(readFileSync('media/l10n/bundle.l10n.zh-cn.json', 'utf8')) as Strings);
  for (const facts of [usual, { ...usual, enabled: false }, { ...usual, reason: { text: '。' } }]) {
    const texts = open(facts).entries.flatMap(({ label, description, detail }) => [
      label,
      description ?? '',
      detail ?? '',
    ]);
    for (const text of [...texts, ...tooltipLines(facts, facts), look(facts).meaning]) {
      const words = plain(text).replace(/Glassbox|small|cpu|python|a\.ts/g, '');
      assert.doesNotMatch(words, /[a-z]{2}/i, text);
    }
  }
  assert.equal(look(usual).meaning, '就绪，small（cpu）');
});
