// Where parts of a text stand after edits, against a list of characters that is edited one by one; and a completion's text in its document.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/engine/random';
import { Anchor, shifts } from '../../src/extension/panel/anchor';
import { Kept } from '../../src/extension/panel/kept';

test('after random edits every part of a text is where it is, or gone', () => {
  const random = seededRandom(11);
  const below = (limit: number): number => Math.floor(random() * limit);
  let found = 0;
  for (let round = 0; round < 300; round++) {
    const length = below(60);
    const kept = new Kept(length);
    // The number of each character as it was; −1: written later.
    const slow = Array.from({ length }, (_, i) => i);
    for (let edits = 0; edits < 8; edits++) {
      const offset = below(slow.length + 1);
      const removed = below(Math.min(6, slow.length - offset + 1));
      const added = below(5);
      slow.splice(offset, removed, ...Array<number>(added).fill(-1));
      kept.edit(offset, removed, added);
      assert.equal(kept.damaged, slow.filter((character) => character >= 0).length < length);
      for (let start = 0; start < length; start++) {
        for (let end = start + 1; end <= Math.min(length, start + 4); end++) {
          const at = slow.indexOf(start);
          const there = at < 0 ? [] : slow.slice(at, at + end - start);
          const whole = there.length === end - start && there.every((character, i) => character === start + i);
          assert.equal(kept.now(start, end), whole ? at : undefined, `round ${round}: [${start}, ${end})`);
          if (whole && at !== start) found++;
        }
      }
    }
  }
  assert.ok(found > 10_000, `${found} parts have moved`);
});

test('what agrees at both ends of two texts is found in the other, and nothing between', () => {
  const shift = shifts('abcXYdef', 'abc123def');
  assert.equal(shift(0, 3), 0);
  assert.equal(shift(5, 8), 1);
  assert.equal(shift(2, 4), undefined);
  assert.equal(shift(4, 6), undefined);
  assert.equal(shifts('same', 'same')(1, 4), 0);
});

/** A document with a completion at ‸, of which `text` is the whole. */
function scene(whole: string, text: string, crlf = false): { anchor: Anchor; document: () => string; edit: Edit } {
  const [before = '', after = ''] = whole.split('‸');
  const long = (part: string): string => (crlf ? part.replaceAll('\n', '\r\n') : part);
  let document = long(before + after);
  const anchor = new Anchor({
    prefix: before,
    suffix: after,
    before,
    after,
    at: long(before).length,
    crlf,
    lead: 0,
    text: () => text,
  });
  const edit: Edit = (offset, removed, added) => {
    document = document.slice(0, offset) + added + document.slice(offset + removed);
    return anchor.edit(offset, removed, added);
  };
  return { anchor, document: () => document, edit };
}
type Edit = (offset: number, removed: number, added: string) => string;

for (const crlf of [false, true]) {
  test(`tokens are found before and after the cursor and in what was accepted, with ${crlf ? '\\r\\n' : '\\n'}`, () => {
    const eol = crlf ? '\r\n' : '\n';
    const { anchor, document, edit } = scene('one\ntwo ‸\nthree', 'b\nc', crlf);
    const at = (place: Parameters<Anchor['place']>[0]): string | undefined => {
      const range = anchor.place(place);
      return range && document().slice(range.start, range.end);
    };
    const two = { in: 'document', start: -4, end: -1 } as const;
    const three = { in: 'document', start: 1, end: 6 } as const;
    const written = { in: 'generated', start: 0, end: 3 } as const;
    const half = { in: 'generated', start: -2, end: 1 } as const;
    assert.deepEqual([at(two), at(three), at(written), at(half)], ['two', 'three', undefined, 'o ']);
    const cursor = document().indexOf('two ') + 4;
    // An editor accepts by replacing the line up to the cursor.
    assert.equal(edit(cursor - 4, 4, `two b${eol}c`), 'writes');
    assert.deepEqual([at(two), at(three), at(written), at(half)], ['two', 'three', `b${eol}c`, 'o b']);
    assert.equal(edit(0, 0, 'new\n'), 'elsewhere');
    assert.equal(anchor.changed, false);
    assert.deepEqual([at(two), at(three), at(written)], ['two', 'three', `b${eol}c`]);
    assert.equal(edit(document().indexOf('two') + 1, 1, ''), 'elsewhere');
    assert.equal(anchor.changed, true);
    assert.deepEqual([at(two), at(three), at(written)], [undefined, 'three', `b${eol}c`]);
    assert.equal(edit(document().indexOf('b'), 1, 'x'), 'touches');
    assert.deepEqual([at(three), at(written)], ['three', undefined]);
    for (const place of [{ in: 'frame' }, { in: 'file', file: 0, start: 0, end: 1 }, { ...two, start: -99 }] as const)
      assert.equal(at(place), undefined);
  });
}

test('a text that is typed is accepted character by character, and another key is not of it', () => {
  const { anchor, edit } = scene('f‸', '(a, b)');
  assert.equal(edit(1, 0, '('), 'writes');
  assert.equal(edit(2, 0, 'a'), 'writes');
  assert.deepEqual(anchor.place({ in: 'generated', start: 0, end: 2 }), { start: 1, end: 3 });
  assert.equal(anchor.end, 3);
  assert.equal(edit(3, 0, ';'), 'touches');
  assert.equal(anchor.end, undefined);
});

test('what the model was shown may be an older state of what follows the cursor', () => {
  const anchor = new Anchor({ prefix: 'a', suffix: 'old tail', before: 'a', after: 'newer tail', at: 1, crlf: false, lead: 0, text: () => '' }); // prettier-ignore
  assert.deepEqual(anchor.place({ in: 'document', start: 4, end: 8 }), { start: 7, end: 11 });
  assert.equal(anchor.place({ in: 'document', start: 0, end: 3 }), undefined);
});
