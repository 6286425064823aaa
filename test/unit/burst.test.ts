// The judge of typing in a real window (test/bench/typing): recordings made by hand, with the faults that it must find and without.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { judge, type Answer, type Burst } from '../bench/typing/judge';
import { LANGUAGES, passageOf, piecesOf } from '../bench/typing/passages';
import { processorSeconds } from '../bench/typing/processes';
import { quantile } from '../bench/typing/report';

const TYPED = 'let total = 0;\nlet';

/** What the document holds after each key, where none is dropped. */
const allOf = (typed: string): number[] => Array.from(typed, (_, i) => i + 1);
const ALL = allOf(TYPED);

/** Frames 10 ms apart, each `[characters on the screen, ghost text]`; keys come 1 ms before the frame that first shows them. */
function burst(
  frames: [number, string][],
  answers: Omit<Answer, 'from'>[],
  { typed = TYPED, counts = allOf(typed) }: Partial<Burst> = {},
): Burst {
  return {
    typed,
    firstLine: 5,
    counts,
    keys: Array.from({ length: typed.length }, (_, i) => {
      const first = frames.findIndex(([count]) => count > i);
      return (first < 0 ? frames.length : first) * 10 - 1;
    }),
    frames: frames.map(([count, text], i) => {
      const lines = typed.slice(0, count).split('\n');
      return { painted: true, text, line: lines.at(-1) ?? '', lineNumber: 4 + lines.length, at: i * 10 };
    }),
    answers: answers.map((answer) => ({ ...answer, from: 'model' })),
  };
}

/** What is offered after `let`. */
const OFFER = { after: 3, text: ' total = 0;' };

const CASES: { name: string; burst: Burst; flickers?: number; stale?: number; shrinks?: number; dropped?: number }[] = [
  {
    name: 'typed through',
    burst: burst(
      [
        [3, ' total = 0;'],
        [4, 'total = 0;'],
        [5, 'otal = 0;'],
      ],
      [OFFER],
    ),
  },
  {
    name: 'grows',
    burst: burst(
      [
        [3, ' to'],
        [3, ' total'],
        [4, 'total = 0;'],
      ],
      [{ after: 3, text: ' to' }, { after: 3, text: ' total' }, OFFER],
    ),
  },
  {
    name: 'a blank frame at a key',
    burst: burst(
      [
        [3, ' total = 0;'],
        [4, ''],
        [4, 'total = 0;'],
      ],
      [OFFER],
    ),
    flickers: 1,
  },
  {
    name: 'a blank frame without a key',
    burst: burst(
      [
        [3, ' total'],
        [3, ''],
        [3, ' total = 0;'],
      ],
      [{ after: 3, text: ' total' }, OFFER],
    ),
    flickers: 1,
  },
  {
    name: 'another suggestion for one frame',
    burst: burst(
      [
        [3, ' total = 0;'],
        [4, 'x'],
        [5, 'otal = 0;'],
      ],
      [OFFER, { after: 4, text: 'x' }],
    ),
    flickers: 1,
  },
  {
    name: 'blank over several keys',
    burst: burst(
      [
        [3, ' total = 0;'],
        [4, ''],
        [5, ''],
        [6, 'tal = 0;'],
      ],
      [OFFER],
    ),
    flickers: 1,
  },
  {
    name: 'a blank frame because the typing deviates',
    burst: burst(
      [
        [3, ' sum = 0;'],
        [4, 'sum = 0;'],
        [5, ''],
        [6, 'tal'],
      ],
      [
        { after: 3, text: ' sum = 0;' },
        { after: 6, text: 'tal' },
      ],
    ),
  },
  {
    name: 'a blank frame because all of it was typed',
    burst: burst(
      [
        [3, ' t'],
        [5, ''],
        [5, 'otal'],
      ],
      [
        { after: 3, text: ' t' },
        { after: 5, text: 'otal' },
      ],
    ),
  },
  {
    name: 'another suggestion for good',
    burst: burst(
      [
        [3, ' total = 0;'],
        [4, 'tide();'],
        [5, ''],
      ],
      [OFFER, { after: 4, text: 'tide();' }],
    ),
  },
  {
    name: 'over a line end',
    burst: burst(
      [
        [13, ';\nlet x'],
        [14, '\nlet x'],
        [15, 'let x'],
        [16, 'et x'],
      ],
      [{ after: 13, text: ';\nlet x' }],
    ),
  },
  {
    name: 'blank at a line end',
    burst: burst(
      [
        [14, '\nlet x'],
        [15, ''],
        [16, 'et x'],
      ],
      [{ after: 13, text: ';\nlet x' }],
    ),
    flickers: 1,
  },
  {
    name: 'one key behind',
    burst: burst(
      [
        [3, ' total = 0;'],
        [4, ' total = 0;'],
        [5, 'otal = 0;'],
      ],
      [OFFER],
    ),
    stale: 1,
    flickers: 1,
  },
  { name: 'never offered', burst: burst([[4, 'total']], []), stale: 1 },
  { name: 'offered later', burst: burst([[3, ' total = 0;']], [{ after: 4, text: 'total = 0;' }]), stale: 1 },
  {
    name: 'shorter',
    burst: burst(
      [
        [3, ' total = 0;'],
        [4, 'total'],
      ],
      [OFFER, { after: 4, text: 'total' }],
    ),
    shrinks: 1,
  },
  {
    name: 'a key that never came',
    burst: burst([], [], { counts: [...ALL.slice(0, 4), ...ALL.slice(5).map(() => -1)] }),
    dropped: 14,
  },
  { name: 'two characters at once', burst: burst([], [], { counts: ALL.filter((count) => count !== 5) }), dropped: 1 },
  {
    name: 'white space typed on a blank line keeps what the editor keeps',
    burst: burst(
      [
        [2, '}'],
        [4, '}'],
        [5, ''],
      ],
      [{ after: 1, text: ' }' }],
      { typed: '     }' },
    ),
  },
  {
    name: 'white space typed after something does not',
    burst: burst(
      [
        [14, '}'],
        [15, '}'],
      ],
      [{ after: 14, text: '}' }],
      { typed: 'let total = 0;   ' },
    ),
    stale: 1,
  },
];

for (const { name, burst, flickers = 0, stale = 0, shrinks = 0, dropped = 0 } of CASES)
  test(`a recording: ${name}`, () => {
    const found = judge(burst);
    assert.deepEqual(
      { flickers: found.flickers.length, stale: found.stale.length, shrinks: found.shrinks, dropped: found.dropped },
      { flickers, stale, shrinks, dropped },
    );
  });

test('times run from the key to the frame, and are told apart by where the text came from', () => {
  const answers: Answer[] = [
    { after: 3, text: ' total', from: 'model' },
    { after: 5, text: 'otal = 0;', from: 'running' },
  ];
  const found = judge({
    ...burst(
      [
        [3, ''],
        [3, ' total'],
        [4, 'total'],
        [5, ''],
        [5, 'otal = 0;'],
      ],
      [],
    ),
    answers,
  });
  assert.deepEqual(found.echoMs, [1, 1, 1, 1, 1]);
  assert.deepEqual(found.ghostMs, { memory: [1], running: [11], model: [11] });
});

test('a frame that shows no line of the text is counted, not guessed at', () => {
  const recording = burst([[3, ' total = 0;']], [OFFER]);
  const strange = { painted: true, text: 'x', line: 'something else', lineNumber: 5, at: 5 };
  assert.deepEqual(judge({ ...recording, frames: [...recording.frames, strange] }).unread, [strange]);
});

test('quantiles are numbers of the list', () => {
  const numbers = [5, 1, 4, 2, 3];
  assert.deepEqual(
    [0.01, 0.2, 0.5, 0.9, 1].map((q) => quantile(numbers, q)),
    [1, 1, 3, 5, 5],
  );
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test('passages are pieces of held-out files, whole lines of them', () => {
  for (const language of LANGUAGES) {
    const { before, typed, after } = passageOf(join(process.cwd(), 'models/eval/heldout.jsonl'), language, 500);
    assert.ok(typed.length >= 500 && typed.length < 700, `${typed.length}`);
    assert.ok(before.endsWith('\n') && after.startsWith('\n') && !typed.endsWith('\n'));
    const pieces = piecesOf({ language, before, typed, after }, 7);
    assert.equal(pieces.map((piece) => piece.typed).join(''), typed);
    for (const piece of pieces) assert.ok(piece.before.endsWith('\n') && piece.typed !== '');
  }
});

test('processor time of a process that works grows', { skip: process.platform !== 'linux' }, () => {
  const before = processorSeconds(process.pid) ?? NaN;
  for (const end = performance.now() + 100; performance.now() < end;);
  assert.ok((processorSeconds(process.pid) ?? NaN) > before);
  assert.equal(processorSeconds(-1), undefined);
});
