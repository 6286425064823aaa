// The keys that the extension asks for: none of them is one that the editor or a programmer needs, and each has a condition.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Keybinding {
  command: string;
  key: string;
  mac?: string;
  when?: string;
}
const { contributes } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  contributes: { keybindings: Keybinding[] };
};

/** What a condition must speak of where a key is one that everybody uses: something of ours is on show. */
const OURS = /\b(inlineSuggestionVisible|glassbox\.\w+)\b/;
/** Keys that others use too: what ends, accepts or sends away. */
const SHARED = /^((ctrl|cmd|shift)\+)?(escape|enter)$/;

test('no key of the editor is taken', () => {
  assert.ok(contributes.keybindings.length > 0);
  for (const { command, key, mac = key, when = '' } of contributes.keybindings) {
    assert.notEqual(when, '', `${command} has no condition`);
    for (const pressed of [key, mac].map((each) => each.toLowerCase())) {
      assert.doesNotMatch(pressed, /\btab\b/, `${command} takes Tab`);
      if (SHARED.test(pressed))
        assert.match(when, OURS, `${command} takes ${pressed} where nothing of ours is on show`);
      // Of letters with one modifier or with Shift, hardly any is free; with Ctrl and Alt most are.
      else assert.match(pressed, /^(ctrl|cmd)\+alt\+[a-z]$/, `${command} takes ${pressed}`);
    }
  }
});
