// Files that are excluded: no suggestions in them, and nothing of them is read for suggestions elsewhere.

import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import type { HostTest } from './hostTest';
import { Scratch, suggested } from './scratch';
import { glassbox, knownModel, setting, sleep, until } from './window';

/** What makes two files alike: words that they share. */
const BASKET = 'export function basketTotal(items) {\n  return items.reduce((sum, item) => sum + item.price, 0);\n}\n';

/** File, settings, other files, and what the reason says; undefined: there are suggestions. */
const CASES: [
  name: string,
  file: string,
  settings: Record<string, unknown>,
  others: Record<string, string>,
  reason?: RegExp,
][] = [
  ['a .env file', '.env', {}, {}, /\.env/],
  ['an example of a .env file is none', '.env.example', {}, {}],
  ['a key file', 'server.pem', {}, {}, /server\.pem/],
  ['a file under an excluded folder', 'hidden/a.js', { exclude: ['**/hidden/**'] }, {}, /glassbox\.exclude/],
  ['a file beside an excluded folder', 'seen/a.js', { exclude: ['**/hidden/**'] }, {}],
  ['an ignored file, by default', 'out/a.js', {}, { '.gitignore': 'out/\n' }],
  [
    'an ignored file, where all are excluded',
    'out/a.js',
    { gitignore: 'all' },
    { '.gitignore': 'out/\n' },
    /\.gitignore/,
  ],
  [
    'a file that a nested .gitignore takes back',
    'out/a.js',
    { gitignore: 'all' },
    { '.gitignore': '*.js\n', 'out/.gitignore': '!a.js\n' },
  ],
];

export const tests: HostTest[] = [
  ...CASES.map(([name, file, settings, others, reason]): HostTest => ({
    name: `exclusion: ${name} ${reason === undefined ? 'has suggestions' : 'has none, and it says why'}`,
    async run(t) {
      const api = await knownModel(t);
      for (const [key, value] of Object.entries(settings)) await setting(t, key, value);
      const scratch = new Scratch(t, { ...others, [file]: 'abc' });
      const editor = await scratch.show(file);
      const asked = api.modelRequests();
      if (reason === undefined) {
        await until('a suggestion', async () => (await suggested(api.provider, editor)).length > 0 || undefined);
        return;
      }
      assert.deepEqual(await suggested(api.provider, editor), []);
      assert.match(api.why.last?.text ?? 'no reason', reason);
      await sleep(600); // what is at the cursor would be read beforehand now
      assert.equal(api.modelRequests(), asked, 'the model was asked');
    },
  })),
  {
    name: 'exclusion: nothing of an excluded file is shown beside another, and a change of the setting counts at once',
    async run(t) {
      const api = await glassbox();
      await setting(t, 'exclude', ['**/hidden/**']);
      const scratch = new Scratch(t, {
        '.gitignore': 'ignored/\n',
        'hidden/a.js': BASKET,
        'ignored/a.js': BASKET,
        'seen/a.js': BASKET,
        '.env': BASKET,
        'b.js': `import { basketTotal } from './hidden/a';\n${BASKET}const total = basketTotal(items);\n`,
      });
      // Tests before this one may have opened files, too.
      const names = (document: vscode.TextDocument): string[] =>
        api
          .otherFiles(document)
          .map(({ path }) => path)
          .filter((path) => path.startsWith(scratch.name));
      for (const file of ['hidden/a.js', 'ignored/a.js', '.env', 'seen/a.js']) await scratch.show(file);
      const { document } = await scratch.show('b.js');
      await until('the other file', () => names(document).includes(scratch.path('seen/a.js')) || undefined);
      await sleep(500);
      assert.deepEqual(names(document), [scratch.path('seen/a.js')]);
      await setting(t, 'exclude', ['**/seen/**']);
      assert.ok(!names(document).includes(scratch.path('seen/a.js')), 'it is still shown');
      await until(
        'the file that is excluded no longer',
        () => names(document).includes(scratch.path('hidden/a.js')) || undefined,
      );
      assert.deepEqual(names(document), [scratch.path('hidden/a.js')]);
    },
  },
];
