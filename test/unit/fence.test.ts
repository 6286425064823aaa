// The code in a chat model's answer, cut at every place, and where it is put.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Unfencing } from '../../src/completion/fence';
import { Rebasing } from '../../src/completion/rebase';

interface Case {
  name: string;
  answer: string;
  code: string;
  /** A text in words is wanted. */
  prose?: boolean;
}

const FENCES: Case[] = [
  { name: 'a fence', answer: '```python\nx = 1\ny = 2\n```', code: 'x = 1\ny = 2' },
  { name: 'a fence without a language', answer: '```\nx\n```\n', code: 'x' },
  { name: 'with blank lines around', answer: '\n\n```js\n\nx\n\n```\n\n', code: '\nx\n' },
  { name: 'with words before and after', answer: 'Here it is:\n\n```ts\nx;\n```\nIt gives x.', code: 'x;' },
  { name: 'only the first block', answer: '```a\n1\n```\nor\n```a\n2\n```', code: '1' },
  { name: 'tildes', answer: '~~~ c\nint x;\n```\n~~~', code: 'int x;\n```' },
  { name: 'a longer fence', answer: '````md\n```\nx\n```\n````', code: '```\nx\n```' },
  {
    name: 'marks in the code',
    answer: '```js\nconst a = `${b}`;\n``\n` `` ```\n```',
    code: 'const a = `${b}`;\n``\n` `` ```',
  },
  {
    name: 'a fence in the code',
    answer: '```py\n"""\n```sh\nls\n```\n"""\n```\nwords',
    code: '"""\n```sh\nls\n```\n"""',
  },
  { name: 'an indented fence', answer: '  ```js\n  x;\n  ```', code: '  x;' },
  { name: 'lines that end in CR LF', answer: '```js\r\nx;\r\n```\r\n', code: 'x;\r' },
  { name: 'cut before it is closed', answer: '```js\nx;\ny', code: 'x;\ny' },
  { name: 'cut in the closing fence', answer: '```js\nx;\n``', code: 'x;\n``' },
  { name: 'cut in the opening fence', answer: '```', code: '' },
  { name: 'cut after a line', answer: '```js\nx;\n', code: 'x;' },
  { name: 'no fence', answer: 'x = 1\ny = 2\n', code: 'x = 1\ny = 2\n' },
  { name: 'no fence, indented', answer: '    return x', code: '    return x' },
  { name: 'no fence, many lines', answer: 'a\nb\nc\nd\ne', code: 'a\nb\nc\nd\ne' },
  { name: 'a fence after more than a few words', answer: 'a\nb\nc\nd\n```\ne\n```', code: 'a\nb\nc\nd\n```\ne\n```' },
  {
    name: 'a long line',
    answer: `${'x'.repeat(300)}\n\`\`\`js\ny\n\`\`\``,
    code: `${'x'.repeat(300)}\n\`\`\`js\ny\n\`\`\``,
  },
  { name: 'code that begins with a mark', answer: '`x` + 1', code: '`x` + 1' },
  { name: 'nothing', answer: '', code: '' },
  { name: 'thoughts', answer: '<think>\nIt is x.\n```js\nno\n```\n</think>\n\n```js\nx;\n```', code: 'x;' },
  { name: 'thoughts without an end', answer: '<think>\nIt is', code: '' },
  { name: 'no thoughts', answer: '<thin>x</thin>', code: '<thin>x</thin>' },
  {
    name: 'words with code in them',
    answer: 'Run:\n```sh\nls\n```\nDone.',
    code: 'Run:\n```sh\nls\n```\nDone.',
    prose: true,
  },
  { name: 'words that begin with code', answer: '```sh\nls\n```\nDone.', code: '```sh\nls\n```\nDone.', prose: true },
  {
    name: 'words in a fence',
    answer: '```markdown\n# A\n```sh\nls\n```\nend\n```',
    code: '# A\n```sh\nls\n```\nend',
    prose: true,
  },
];

for (const { name, answer, code, prose = false } of FENCES) {
  test(`fences: ${name}`, () => {
    const read = (pieces: string[]): string => {
      const unfencing = new Unfencing(prose);
      return pieces.map((piece) => unfencing.push(piece)).join('') + unfencing.end();
    };
    assert.equal(read([answer]), code);
    assert.equal(read([...answer]), code, 'character by character');
    for (let i = 0; i <= answer.length; i++)
      for (let j = i; j <= answer.length; j += Math.max(1, Math.floor(answer.length / 40)))
        assert.equal(read([answer.slice(0, i), answer.slice(i, j), answer.slice(j)]), code, `cut at ${i} and ${j}`);
  });
}

test('code streams line by line, and is over with its fence', () => {
  const unfencing = new Unfencing(false);
  assert.equal(unfencing.push('```js\nfirst;\nsec'), 'first;\nsec');
  assert.equal(unfencing.push('ond;\n`'), 'ond;');
  assert.equal(unfencing.push('``\nmore'), '');
  assert.equal(unfencing.over, true);
  assert.equal(unfencing.push('```js\nmore\n```'), '');
  assert.equal(unfencing.end(), '');
});

const INDENTED: { name: string; prefix: string; code: string; placed: string }[] = [
  {
    name: 'written for the beginning of a line',
    prefix: '    ',
    code: 'if x:\n    y()\nz()',
    placed: 'if x:\n        y()\n    z()',
  },
  {
    name: 'written for the place',
    prefix: '    ',
    code: '    if x:\n        y()\n    z()',
    placed: 'if x:\n        y()\n    z()',
  },
  {
    name: 'going on with the line',
    prefix: '  ',
    code: 'const a = 1;\n  const b = 2;\n  f();',
    placed: 'const a = 1;\n  const b = 2;\n  f();',
  },
  { name: 'blank lines stay blank', prefix: '\t', code: 'a\n\n\nb', placed: 'a\n\n\n\tb' },
  { name: 'after words nothing is changed', prefix: 'x = ', code: '[\n  1\n]', placed: '[\n  1\n]' },
  { name: 'at the margin nothing is changed', prefix: '', code: '  a\n  b', placed: '  a\n  b' },
  { name: 'less than the first line', prefix: '  ', code: '    a\nb', placed: 'a\nb' },
];
for (const { name, prefix, code, placed } of INDENTED) {
  test(`indentation: ${name}`, () => {
    for (let i = 0; i <= code.length; i++) {
      const rebasing = new Rebasing(prefix);
      assert.equal(rebasing.push(code.slice(0, i)) + rebasing.push(code.slice(i)), placed, `cut at ${i}`);
    }
  });
}
