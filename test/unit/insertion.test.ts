// A suggestion on its way into the document: indented as the document is, in a form that Tab accepts; and which text after the cursor the
// model is shown meanwhile. Tables of data.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptable, type Acceptable } from '../../src/completion/acceptable';
import { FrozenSuffix, standsFor } from '../../src/completion/frozenSuffix';
import { reindent, styleOf, type IndentStyle } from '../../src/completion/indentation';

const STYLES: [name: string, document: string, style: IndentStyle][] = [
  ['two spaces', 'a\n  b\n    c\n', { tabs: false, unit: 2 }],
  ['four spaces, with a comment that aligns', '/**\n * a\n */\nb\n    c\n', { tabs: false, unit: 4 }],
  ['tabs', 'a\n\tb\n\t * c\n', { tabs: true, unit: 4 }],
  ['both', 'a\n\tb\n    c\n', { tabs: undefined, unit: 4 }],
  ['none', 'a\nb\n', { tabs: undefined, unit: undefined }],
];
for (const [name, document, style] of STYLES)
  test(`indentation: ${name}`, () => assert.deepEqual(styleOf(document.split('\n')), style));

const SPACES: IndentStyle = { tabs: false, unit: 2 };
const TABS: IndentStyle = { tabs: true, unit: 4 };
const REINDENTED: [name: string, linePrefix: string, style: IndentStyle, text: string, is: string][] = [
  ['as the document', '  if (a) {', SPACES, '\n    b();\n  }', '\n    b();\n  }'],
  ['tabs in a document of spaces', 'if (a) {', SPACES, '\n\tb(\n\t\tc\n\t);\n}', '\n  b(\n    c\n  );\n}'],
  ['spaces in a document of tabs', '\tif (a) {', TABS, '\n        b();\n    }', '\n\t\tb();\n\t}'],
  ['two spaces in a document of tabs', 'if (a) {', TABS, '\n  b();\n}', '\n\tb();\n}'],
  ['twice as wide', 'if (a) {', SPACES, '\n    b(\n        c\n    );\n}', '\n  b(\n    c\n  );\n}'],
  ['half as wide', '    if (a) {', { tabs: false, unit: 4 }, '\n      b();\n    }', '\n        b();\n    }'],
  ['an argument aligned is left alone', 'f(', SPACES, 'a,\n  b)', 'a,\n  b)'],
  ['a comment that aligns', '', TABS, '/**\n * a\n */', '/**\n * a\n */'],
  ['the first line of a blank one', '\t', TABS, '    a', '\ta'],
  ['not known', 'a {', { tabs: undefined, unit: undefined }, '\n\tb\n  c', '\n\tb\n  c'],
];
for (const [name, linePrefix, style, text, is] of REINDENTED)
  test(`reindent: ${name}`, () => {
    assert.equal(reindent(text, linePrefix, style), is);
    for (let length = 0; length <= text.length; length++) {
      const part = reindent(text.slice(0, length), linePrefix, style).trimEnd();
      assert.ok(is.startsWith(part), `${JSON.stringify(part)} is taken back`);
    }
  });

const ACCEPTED: [name: string, linePrefix: string, text: string, given: Acceptable | undefined][] = [
  ['in a line', 'a = ', 'b', { replaced: 0, text: 'b', tab: true }],
  ['white space in a line', 'a =', '    b', { replaced: 0, text: '    b', tab: true }],
  ['a line below', 'a {', '\n    b', { replaced: 0, text: '\n    b', tab: true }],
  ['the indentation is there', '    ', 'b', { replaced: 4, text: '    b', tab: true }],
  ['some is missing', '  ', '  b', { replaced: 2, text: '    b', tab: true }],
  ['a tab stop is missing: the first Tab indents', '', '    b', { replaced: 0, text: '    b', tab: false }],
  ['a tab is missing', '\t', '\tb', { replaced: 1, text: '\t\tb', tab: false }],
  ['spaces before a tab', '  ', '\tb', { replaced: 2, text: '  \tb', tab: true }],
  ['a blank line first', '', '\n    b', { replaced: 0, text: '\n    b', tab: true }],
  ['white space alone', '  ', ' \n  ', undefined],
];
for (const [name, linePrefix, text, given] of ACCEPTED)
  test(`acceptable: ${name}`, () => assert.deepEqual(acceptable(linePrefix, text, 4), given));

const LONG = Array.from({ length: 300 }, (_, i) => `line ${i} of many\n`).join('');
const FROZEN: [name: string, sent: string, present: string, stands: boolean][] = [
  ['the same', LONG, LONG, true],
  ['a bracket that the editor closed', `\n${LONG}`, `)\n${LONG}`, true],
  ['one typed over', `)\n${LONG}`, `\n${LONG}`, true],
  ['a pair of them', `\n${LONG}`, `})\n${LONG}`, true],
  ['at the end of the document', '', ')', true],
  ['a word in the cursor’s line', `\n${LONG}`, ` else\n${LONG}`, false],
  ['a number in it', `;\n${LONG}`, `1;\n${LONG}`, false],
  ['another next line', `\n${LONG}`, `\nreturn;\n${LONG}`, false],
  ['a blank line more', `\n${LONG}`, `\n\n${LONG}`, true],
  ['a letter of the next line', `\n${LONG}`, `\nL${LONG.slice(1)}`, false],
  ['the cursor further down', `\n${LONG}`, LONG.slice(100), false],
  ['a line further down', `\n${LONG}`, `\n${LONG.slice(0, 170)}another\n${LONG.slice(170)}`, true],
  ['a tenth and more further down', LONG, LONG.slice(0, 170) + 'x'.repeat(201) + LONG.slice(170), false],
  ['out of sight', LONG, `${LONG.slice(0, 2000)}changed`, true],
];
for (const [name, sent, present, stands] of FROZEN)
  test(`frozen suffix: ${name}`, () => assert.equal(standsFor(sent, present), stands));

test('frozen suffix: it stays while it may, is given up when it may not, and does not grow old', () => {
  const frozen = new FrozenSuffix();
  assert.equal(frozen.shown(`\n${LONG}`, 0), `\n${LONG}`);
  assert.equal(frozen.shown(`)\n${LONG}`, 1000), `\n${LONG}`);
  assert.equal(frozen.shown(`done)\n${LONG}`, 2000), `done)\n${LONG}`);
  assert.equal(frozen.shown(`done\n${LONG}`, 3000), `done)\n${LONG}`);
  assert.equal(frozen.shown(`done\n${LONG}`, 22_000), `done\n${LONG}`);
});
