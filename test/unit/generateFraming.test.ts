// What the model is shown for a prompt of Generate.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commentIn, withPrompt } from '../../src/extension/generate/framing';

interface Case {
  name: string;
  language: string;
  mark: string;
  before: string;
  prompt: string;
  replaced?: string;
  shown: string;
}

const cases: Case[] = [
  {
    name: 'the prompt is a comment above the line of the cursor, as far in as it',
    language: 'python',
    mark: '# ',
    before: 'def f():\n    x = ',
    prompt: 'one more',
    shown: 'def f():\n    # one more\n    x = ',
  },
  {
    name: 'without a prompt nothing is added',
    language: 'python',
    mark: '# ',
    before: 'x = ',
    prompt: '',
    shown: 'x = ',
  },
  {
    name: 'what is replaced stands above the prompt, moved out to the cursor, further indentation kept',
    language: 'typescript',
    mark: '// ',
    before: 'class A {\n  ',
    prompt: 'add two',
    replaced: 'one() {\n    return 1;\n\n  }',
    shown: 'class A {\n  // one() {\n  //   return 1;\n  //\n  // }\n  // add two\n  ',
  },
  {
    name: 'languages whose comments are closed',
    language: 'html',
    mark: '',
    before: '<ul>\n\t',
    prompt: 'two items',
    shown: '<ul>\n\t<!-- two items -->\n\t',
  },
  {
    name: 'languages without comments: a line of its own',
    language: 'markdown',
    mark: '',
    before: '# Title\n',
    prompt: 'A list of fruits:',
    shown: '# Title\nA list of fruits:\n',
  },
  {
    name: 'each line of a prompt is a comment',
    language: 'css',
    mark: '',
    before: '',
    prompt: 'a\nb',
    shown: '/* a */\n/* b */\n',
  },
];

for (const { name, language, mark, before, prompt, replaced, shown } of cases) {
  test(name, () => assert.equal(withPrompt(before, prompt, commentIn(language, mark), replaced), shown));
}
