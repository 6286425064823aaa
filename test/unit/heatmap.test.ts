// The arithmetic of the attention panel: colours, scales, weights, layout, labels, keys and the order of questions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantise, rowStart, triangleLength } from '../../src/attention/weights';
import type { TextAnswer } from '../../src/inspectionProtocol';
import { paintHeat } from '../../src/webview/heatmap';
import { MassFloors } from '../../src/webview/massFloors';
import { keyAction } from '../../src/webview/keys';
import { arrange, cellAt, labelStep, scrollTo, visibleRange } from '../../src/webview/layout';
import { luminance, parseColor, ramp, type Rgb, type ThemeKind } from '../../src/webview/palette';
import { fromUnit, percent, SCALES, toUnit } from '../../src/webview/scale';
import { present, realWeightOf, rowOfShown, type Shown, weightOf } from '../../src/webview/shown';
import { shorten, visible } from '../../src/webview/tokens';
import { hideFirst, overHeads, rank, sharesOf, topKeys } from '../../src/webview/weights';
import { describeCell, describeHidden, describeMap, describeMass, firstKey } from '../../src/webview/words';

/** Causal softmax weights, [query, key], of n tokens; a fixed pattern with a strong first key. */
function sample(n: number): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(n * n);
  for (let query = 0; query < n; query++) {
    const raw = Array.from({ length: query + 1 }, (_, key) => (key === 0 ? 5 : 1 + ((query * 7 + key * 13) % 5)));
    const sum = raw.reduce((a, b) => a + b);
    raw.forEach((value, key) => (weights[query * n + key] = value / sum));
  }
  return weights;
}

/** The same as a lower triangle in 16 bits. */
function triangle(weights: Float32Array, n: number): Uint16Array {
  const to = new Uint16Array(triangleLength(n));
  for (let query = 0; query < n; query++) quantise(weights, query * n, query + 1, to, rowStart(query));
  return to;
}

/** A head's map with the plainest choices but these. */
function shownOf(
  weights: Float32Array,
  n: number,
  choices: Partial<Parameters<typeof present>[1]> = {},
  norms = new Float32Array(n).fill(1),
): Shown {
  const plainly = {
    scale: 'linear',
    full: 'all',
    hideFirst: false,
    valueWeighted: false,
    mass: 1,
    ...choices,
  } as const;
  return present({ n, weights: triangle(weights, n), valueNorms: norms }, plainly);
}

const close = (a: number, b: number, within = 1e-4): boolean => Math.abs(a - b) <= within;

/** Text with ordinary spaces. */
const plain = (text: string): string => text.replaceAll('\u00a0', ' ');
const said = (...of: Parameters<typeof describeCell>): string => plain(describeCell(...of));

const bytes = (color: number): Rgb => [color & 255, (color >> 8) & 255, (color >> 16) & 255];

const RAMPS: [kind: ThemeKind, background: Rgb, direction: 1 | -1][] = [
  ['dark', [31, 31, 31], 1],
  ['dark', [0, 43, 54], 1],
  ['light', [255, 255, 255], -1],
  ['light', [253, 246, 227], -1],
  ['hc-dark', [0, 0, 0], 1],
  ['hc-light', [255, 255, 255], -1],
];
for (const [kind, background, direction] of RAMPS) {
  test(`the ${kind} ramp on ${background.join(',')} never turns back in luminance and is opaque`, () => {
    const colors = ramp(kind, background);
    assert.equal(colors.length, 256);
    const light = [...colors].map((color) => luminance(bytes(color)));
    light.slice(1).forEach((value, index) => {
      assert.ok((value - (light[index] ?? 0)) * direction >= 0, `step ${index + 1}`);
    });
    assert.ok(Math.abs((light[255] ?? 0) - (light[0] ?? 0)) > 0.6, 'the ends are far apart');
    assert.ok(new Set(colors).size > 200, 'nearly all steps differ');
    assert.ok([...colors].every((color) => color >>> 24 === 255));
    if (direction === -1) assert.deepEqual(bytes(colors[0] ?? 0), background, 'zero is the background');
  });
}

const COLORS: [text: string, rgb: Rgb][] = [
  ['#fff', [255, 255, 255]],
  ['#1F1f1F', [31, 31, 31]],
  [' #0a0b0c80 ', [10, 11, 12]],
  ['rgb(1, 2, 3)', [1, 2, 3]],
  ['rgba(1, 2, 3, 0.5)', [1, 2, 3]],
  ['', [9, 9, 9]],
  ['transparent', [9, 9, 9]],
];
for (const [text, rgb] of COLORS) {
  test(`the colour ${JSON.stringify(text)} is read`, () => assert.deepEqual(parseColor(text, [9, 9, 9]), rgb));
}

for (const scale of SCALES) {
  test(`the ${scale} scale runs from 0 to 1, upwards, and back`, () => {
    assert.equal(toUnit(scale, 0), 0);
    assert.equal(toUnit(scale, 1), 1);
    let last = 0;
    for (const weight of [0.0002, 0.001, 0.01, 0.1, 0.5, 0.9]) {
      const place = toUnit(scale, weight);
      assert.ok(place > last && place < 1);
      assert.ok(Math.abs(fromUnit(scale, place) - weight) < 1e-12);
      last = place;
    }
  });
}

const PERCENTS: [weight: number, text: string][] = [
  [0, '0 %'],
  [1, '100 %'],
  [0.2341, '23.4 %'],
  [0.05123, '5.12 %'],
  [0.000341, '0.0341 %'],
  [1e-7, '< 0.001 %'],
  [0.9996, '> 99.9 %'],
];
for (const [weight, text] of PERCENTS) test(`${weight} is ${text}`, () => assert.equal(plain(percent(weight)), text));

// What the reader may choose, each against the definition, computed from float weights.
const CHOICES: [
  name: string,
  choices: Partial<Parameters<typeof present>[1]>,
  valueWeighted: boolean,
  hides: boolean,
][] = [
  ['nothing', {}, false, false],
  ['without the first token', { hideFirst: true }, false, true],
  ['value-weighted', { valueWeighted: true }, true, false],
  ['value-weighted without the first token', { valueWeighted: true, hideFirst: true }, true, true],
];
for (const [name, choices, weighted, hides] of CHOICES) {
  test(`shown weights, chosen: ${name}`, () => {
    const n = 40;
    const weights = sample(n);
    const norms = Float32Array.from({ length: n }, (_, key) => 0.2 + ((key * 7) % 5));
    const shown = shownOf(weights, n, choices, norms);
    for (const query of [0, 1, 17, 39]) {
      const raw = Array.from(
        { length: query + 1 },
        (_, key) => (weights[query * n + key] ?? 0) * (weighted ? (norms[key] ?? 0) : 1),
      );
      const whole = raw.reduce((a, b) => a + b, 0);
      const first = hides ? (raw[0] ?? 0) : 0;
      if (hides) raw[0] = 0;
      const rest = whole - first;
      const renormalised = weighted || hides;
      const row = rowOfShown(shown, query);
      raw.forEach((value, key) => {
        const expected = !renormalised ? value : rest > 1e-12 ? value / rest : 0;
        assert.ok(close(row[key] ?? -1, expected), `${query}, ${key}: ${row[key]} for ${expected}`);
        assert.ok(close(realWeightOf(shown, query, key), weights[query * n + key] ?? 0), 'the real weight is kept');
      });
      if (hides) assert.ok(close(shown.hidden?.[query] ?? -1, first / whole), 'the hidden part is known');
    }
    assert.equal(shown.hidden !== undefined, hides);
  });
}

test('ranks and top keys agree with a full sort', () => {
  const n = 60;
  const weights = sample(n);
  for (const query of [0, 1, 7, 59]) {
    for (const first of [0, 1]) {
      const row = weights.slice(query * n, query * n + query + 1);
      const sorted = [...row.keys()].slice(first).sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || b - a);
      assert.deepEqual(topKeys(row, 10, first), sorted.slice(0, 10));
      for (const key of sorted) {
        const above = sorted.filter((other) => (row[other] ?? 0) > (row[key] ?? 0)).length;
        assert.equal(rank(row, key, first), above + 1);
      }
    }
  }
});

test('the floor of a share of the mass agrees with a full sort', () => {
  const rows = [sample(50).slice(49 * 50, 50 * 50), Float32Array.of(1), Float32Array.of(0, 0), Float32Array.of(0.25, 0.25, 0.25, 0.25), Float32Array.from({ length: 300 }, (_, key) => ((key * 37) % 101) / 15000)]; // prettier-ignore
  for (const row of rows) {
    for (const mass of [0.05, 0.5, 0.9, 0.999]) {
      const sum = row.reduce((a, b) => a + b, 0);
      const sorted = [...row].sort((a, b) => b - a);
      let [covered, count] = [0, 0];
      while (covered < mass * sum - 1e-9) covered += sorted[count++] ?? 0;
      const roots = new Float32Array(triangleLength(row.length));
      roots.set(row.map(Math.sqrt), rowStart(row.length - 1));
      const floor = new MassFloors(roots, new Float32Array(row.length).fill(1)).floor(row.length - 1, mass) ** 2;
      assert.ok(close(floor, count === 0 ? (sorted[0] ?? 0) : (sorted[count - 1] ?? 0), 1e-7), `${mass}: ${floor}`);
    }
  }
});

test('pixels: transparent above the diagonal, ends of the ramp for 0 and full colour, a hidden first column, a floor', () => {
  const colors = Uint32Array.from({ length: 256 }, (_, index) => index + 1);
  const weights = Float32Array.of(1, 9, 0.25, 0.75);
  const painted = (choices: Parameters<typeof shownOf>[2]): number[] => [...paintHeat(shownOf(weights, 2, choices), 2, colors)]; // prettier-ignore
  assert.deepEqual(painted({}), [256, 0, 65, 192]);
  assert.deepEqual(painted({ scale: 'sqrt' }), [256, 0, 129, 222]);
  assert.deepEqual(painted({ full: 'row' }), [256, 0, 86, 256]);
  assert.deepEqual(painted({ full: 'head' }), [256, 0, 65, 192]);
  assert.deepEqual(painted({ hideFirst: true }), [0, 0, 0, 256]);
  assert.deepEqual(painted({ mass: 0.6 }), [256, 0, 1, 192]);
});

test('pixels that stand for several cells show the largest of them and lose none', () => {
  const colors = Uint32Array.from({ length: 256 }, (_, index) => index + 1);
  const n = 100;
  for (const [query, key] of [
    [0, 0],
    [99, 0],
    [57, 31],
    [99, 99],
  ] as const) {
    const weights = new Float32Array(n * n);
    weights[query * n + key] = 1;
    const pixels = paintHeat(shownOf(weights, n), 37, colors);
    const bright = [...pixels.keys()].filter((at) => pixels[at] === 256);
    assert.deepEqual(bright, [Math.floor((query * 37) / n) * 37 + Math.floor((key * 37) / n)]);
  }
});

// Against the definition: each pixel the colour of the largest of its cells, whatever is chosen, also where it is painted over another map.
for (const [name, choices] of [
  ...CHOICES.map(([name, each]) => [name, each] as const),
  ['a share of the mass', { mass: 0.7 }],
  ['rows to their maximum', { full: 'row', hideFirst: true }],
] as const)
  // prettier-ignore
  test(`pooled pixels agree with the definition, chosen: ${name}`, () => {
    const [n, side] = [90, 41];
    const colors = Uint32Array.from({ length: 256 }, (_, index) => index + 1);
    const weights = sample(n);
    const norms = Float32Array.from({ length: n }, (_, key) => 0.2 + ((key * 7) % 5));
    const shown = shownOf(weights, n, choices, norms);
    const cells = paintHeat(shown, n, colors);
    const expected = new Uint32Array(side * side);
    for (let query = 0; query < n; query++)
      for (let key = 0; key <= query; key++) {
        const at = Math.floor((query * side) / n) * side + Math.floor((key * side) / n);
        expected[at] = Math.max(expected[at] ?? 0, cells[query * n + key] ?? 0, 1);
      }
    const over = new Uint32Array(side * side);
    for (let row = 0; row < side; row++) over.fill(200, row * side, row * side + row + 1);
    for (const pixels of [paintHeat(shown, side, colors), paintHeat(shown, side, colors, over)])
      assert.deepEqual([...pixels], [...expected]);
  });

test('summaries over heads, shares for shading, and a row without its first key', () => {
  const weights = Uint16Array.of(65535, 0, 32768, 65535); // two heads, two keys: 1, 0 and 1/4, 1
  const { mean, max } = overHeads(weights, 2);
  assert.ok(close(mean[0] ?? 0, 0.625) && close(mean[1] ?? 0, 0.5) && close(max[0] ?? 0, 1) && close(max[1] ?? 0, 1));
  assert.deepEqual([...sharesOf([0.9, 0.2, 0.1, 0], 1)], [0, 255, 128, 0]);
  assert.deepEqual([...sharesOf([0, 0], 0)], [0, 0]);
  const row = Float32Array.of(0.5, 0.25, 0.25);
  assert.equal(hideFirst(row), 0.5);
  assert.deepEqual([...row], [0, 0.5, 0.5]);
  const sink = Float32Array.of(1, 0);
  assert.equal(hideFirst(sink), 1);
  assert.deepEqual([...sink], [0, 0]);
});

// [tokens, zoom, width, height, device pixels per pixel]
const LAYOUTS: [n: number, zoom: number, width: number, height: number, dpr: number][] = [
  [1, 0, 600, 600, 1],
  [12, 0, 600, 500, 1],
  [300, 0, 660, 750, 1],
  [200, 0, 600, 500, 2],
  [2048, 0, 600, 500, 1],
  [1024, 14, 600, 500, 1.5],
  [300, 1, 200, 200, 1.25],
];
for (const [n, zoom, width, height, dpr] of LAYOUTS) {
  test(`layout of ${n} tokens, zoom ${zoom}, in ${width} × ${height} at ${dpr}`, () => {
    const layout = arrange(n, zoom, width, height, dpr);
    const { cell, edge, side, left, top } = layout;
    assert.ok(Math.abs(edge - n * cell) < 1e-6);
    if (zoom === 0) assert.ok(left + edge <= width && top + edge <= height, 'fit fits');
    const space = Math.min(width - left, height - top);
    if (zoom > 0) assert.ok(Math.abs(cell * dpr - Math.round(cell * dpr)) < 1e-9, 'whole device pixels');
    else assert.ok(cell === 40 || edge > 0.85 * space, 'fit uses the room');
    if (side < n) assert.ok(Math.abs(edge * dpr - side) < 1e-6, 'one device pixel to each pixel of the image');
    const origin = { query: 0, key: 0 };
    for (const query of [0, n >> 1, n - 1]) {
      for (const key of [0, query >> 1, query]) {
        const [x, y] = [left + (key + 0.5) * cell, top + (query + 0.5) * cell];
        assert.deepEqual(cellAt(layout, x, y, 0, 0, origin), { query, key });
        assert.deepEqual(
          cellAt(layout, left + 1e-9, top + 1e-9, x - left, y - top, origin),
          { query, key },
          'scrolled',
        );
      }
    }
    const last = (n - 0.5) * cell;
    assert.equal(cellAt(layout, left + edge + 2, top + last, 0, 0, origin), undefined, 'outside');
    if (n > 1) assert.equal(cellAt(layout, left + last, top + cell / 2, 0, 0, origin), undefined, 'above the diagonal');
    assert.deepEqual(cellAt(layout, 3, top + last, 0, 0, origin), { query: n - 1, key: 0 }, 'ruler of queries');
    assert.deepEqual(cellAt(layout, left + last, 3, 0, 0, origin), { query: n - 1, key: n - 1 }, 'ruler of keys');
    assert.equal(cellAt(layout, 3, 3, 0, 0, origin), undefined, 'corner');
    assert.deepEqual(visibleRange(layout, 0, edge + 100), [0, n]);
    assert.equal(scrollTo(layout, 0, 50, 100), 0);
    assert.ok(scrollTo(layout, n - 1, 0, 100) >= Math.min(0, edge - 100));
  });
}

const STEPS: [cell: number, step: number][] = [
  [40, 1],
  [14, 1],
  [13.9, 2],
  [5, 5],
  [2, 10],
  [0.5, 50],
  [0.2, 100],
];
for (const [cell, step] of STEPS) {
  test(`cells of ${cell} pixels carry every ${step}. label`, () => assert.equal(labelStep(cell, 14), step));
}

const GLYPHS: [token: string, text: string][] = [
  ['return', 'return'],
  [' total', '·total'],
  ['\n\n', '⏎⏎'],
  ['\t\tx', '→→x'],
  ['\r\n', '␍⏎'],
  ['<b>&amp;', '<b>&amp;'],
  ['<|fim_prefix|>', '<|fim_prefix|>'],
  ['', '∅'],
  ['\0\x1b', '␀␛'],
  ['\u00a0', '⍽'],
  ['é日本🙂', 'é日本🙂'],
  ['\ud83d', 'U+D83D'],
  ['a\ude42', 'aU+DE42'],
  ['\u202e', 'U+202E'],
  ['\u200b\ufeff', 'U+200BU+FEFF'],
  ['\ufffd', '\ufffd'],
];
for (const [token, text] of GLYPHS) {
  test(`the token ${JSON.stringify(token)} is shown as ${text}`, () => assert.equal(visible(token), text));
}
test('a label is cut between characters', () => {
  assert.equal(shorten('🙂🙂🙂', 3), '🙂🙂🙂');
  assert.equal(shorten('🙂🙂🙂', 2), '🙂…');
  assert.equal(shorten('abc', 0), '…');
});

const PRESSES: [key: string, control: boolean, from: [number, number], action: unknown][] = [
  ['ArrowLeft', false, [5, 0], { move: { query: 5, key: 0 } }],
  ['ArrowRight', false, [5, 5], { move: { query: 5, key: 5 } }],
  ['ArrowUp', false, [5, 5], { move: { query: 4, key: 4 } }],
  ['ArrowDown', false, [9, 3], { move: { query: 9, key: 3 } }],
  ['Home', false, [5, 3], { move: { query: 5, key: 0 } }],
  ['End', false, [5, 3], { move: { query: 5, key: 5 } }],
  ['PageUp', false, [5, 3], { move: { query: 1, key: 1 } }],
  ['PageDown', false, [5, 3], { move: { query: 9, key: 3 } }],
  ['Home', true, [5, 3], { move: { query: 0, key: 0 } }],
  ['End', true, [5, 3], { move: { query: 9, key: 9 } }],
  ['H', false, [5, 3], { head: -1 }],
  ['l', false, [5, 3], { layer: 1 }],
  ['0', false, [5, 3], { zoom: 0 }],
  ['h', true, [5, 3], undefined],
  ['Tab', false, [5, 3], undefined],
];
for (const [key, control, [query, from], action] of PRESSES) {
  test(`${control ? 'Control+' : ''}${key} at ${query}, ${from}`, () => {
    assert.deepEqual(keyAction({ key, control }, { query, key: from }, 10, 4), action);
  });
}

test('the sentences about a map', () => {
  const weights = Float32Array.of(1, 0, 0, 0.5, 0.5, 0, 0.5, 0.2, 0.3);
  const labels = ['<|a|>', ' b', '\n'].map(visible);
  const named = (choices: Parameters<typeof shownOf>[2]) => ({ shown: shownOf(weights, 3, choices), labels, layer: 5, head: 2 }); // prettier-ignore
  const whole = named({});
  assert.equal(said(whole, 2, 1), 'query `⏎` (2) → key `·b` (1): 20 %, rank 3 of 3; layer 5, head 2');
  assert.equal(firstKey(whole.shown, 2), 2);
  assert.equal(describeHidden(whole.shown, labels, 2), '');
  assert.equal(describeMass(whole.shown, 2), '');

  const rest = named({ hideFirst: true, full: 'row' });
  assert.equal(said(rest, 2, 1), 'query `⏎` (2) → key `·b` (1): 40 % of the rest (20 % of all), rank 2 of 2; layer 5, head 2'); // prettier-ignore
  assert.equal(said(rest, 2, 0), 'query `⏎` (2) → key `<|a|>` (0): 50 %, hidden; layer 5, head 2');
  assert.equal(plain(describeHidden(rest.shown, labels, 2)), 'First token `<|a|>` (0) hidden: it has 50 % of this row, 50 % on average. The rest is scaled to 100 %.'); // prettier-ignore
  assert.equal(
    plain(describeMass(shownOf(weights, 3, { mass: 0.75 }), 2)),
    'Drawn: the 2 largest of 3 keys, 80 % of this row.',
  );
  assert.ok(close(weightOf(rest.shown, 2, 2), 0.6));

  const facts = { promptTokens: 1, model: 'tiny', kernel: 'own', precision: { matrices: 'int8', softmax: 'float32' } } as TextAnswer; // prettier-ignore
  assert.match(
    plain(describeMap(facts, 3, 1)),
    /^3 tokens \(1 prompt \+ 2 generated\) · tiny · each cell is exact to 0\.002 %/,
  );
  assert.match(describeMap({ ...facts, kernel: 'copy' }, 3, 1.4), /the largest of up to 4 cells · weights from a copy/);
});
