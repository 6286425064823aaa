// How tokens are read out: white space in words, nothing that cannot be heard.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spoken } from '../../src/webview/spoken';
import { visible } from '../../src/webview/tokens';

// [token, what is heard]
const TOKENS: [token: string, heard: string][] = [
  ['return', 'return'],
  [' return', 'return'],
  [' ', 'space'],
  ['  ', '2 spaces'],
  ['    x', '4 spaces x'],
  ['\n', 'line break'],
  ['\r\n', 'line break'],
  ['\n\n', '2 line breaks'],
  ['\t', 'tab'],
  ['\t\t}', '2 tabs }'],
  [';\n  ', '; line break 2 spaces'],
  ['a b', 'a b'],
  ['\r', '␍'],
  ['', '∅'],
  ['\u200b', 'U+200B'],
  ['\ufffd', '\ufffd'],
  ['🙂', '🙂'],
  ['<|fim_prefix|>', '<|fim_prefix|>'],
];
for (const [token, heard] of TOKENS)
  test(`${JSON.stringify(token)} is heard as ${heard}`, () => assert.equal(spoken(token, visible(token)), heard));
