// The arithmetic of the attention panel: colours, scales, weights, layout, labels, keys and the order of questions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attentionPage, readMessage } from '../../src/extension/attentionPage';
import type { FromWebview, ShowMap } from '../../src/webviewProtocol';
import { readChoices } from '../../src/webview/choices';
import { Exchange } from '../../src/webview/exchange';
import { paintHeat } from '../../src/webview/heatmap';
import { keyAction } from '../../src/webview/keys';
import { arrange, cellAt, labelStep, scrollTo, visibleRange } from '../../src/webview/layout';
import { luminance, parseColor, ramp, type Rgb, type ThemeKind } from '../../src/webview/palette';
import { fromUnit, percent, SCALES, toUnit } from '../../src/webview/scale';
import { describeCell, describeHidden, describeMap, firstCell, present } from '../../src/webview/shown';
import { shorten, visible } from '../../src/webview/tokens';
import { meanHidden, rank, rowTops, sumError, topKeys, withoutFirst } from '../../src/webview/weights';

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

/** A map of these tokens, two of which were generated. */
function message(tokens: string[], weights = sample(tokens.length)): ShowMap {
  const map = { layer: 5, head: 2, tokens, promptTokens: tokens.length - 2, weights };
  return { type: 'map', map, layers: 8, heads: 4, model: 'tiny' };
}

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

test('without the first token every row sums to 1 again and the hidden part is known', () => {
  const n = 40;
  const weights = sample(n);
  const { weights: rest, hidden } = withoutFirst(weights, n);
  assert.ok(sumError(weights, n) < 1e-6);
  for (let query = 0; query < n; query++) {
    const row = rest.subarray(query * n, (query + 1) * n);
    const sum = row.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - (query === 0 ? 0 : 1)) < 1e-6, `row ${query}`);
    assert.equal(row[0], 0);
    assert.equal(hidden[query], weights[query * n]);
    assert.ok(row.subarray(query + 1).every((weight) => weight === 0));
  }
  assert.ok(Math.abs(meanHidden(Float32Array.of(1, 0.2, 0.4)) - 0.3) < 1e-6);
  assert.equal(meanHidden(Float32Array.of(1)), 0);
  assert.deepEqual([...withoutFirst(Float32Array.of(1, 0, 1, 0), 2).weights], [0, 0, 0, 0], 'a row may be all sink');
});

test('ranks and top keys agree with a full sort', () => {
  const n = 60;
  const weights = sample(n);
  for (const query of [0, 1, 7, 59]) {
    for (const first of [0, 1]) {
      const row = weights.subarray(query * n, query * n + query + 1);
      const sorted = [...row.keys()].slice(first).sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || b - a);
      assert.deepEqual(topKeys(weights, n, query, 10, first), sorted.slice(0, 10));
      for (const key of sorted) {
        const above = sorted.filter((other) => (row[other] ?? 0) > (row[key] ?? 0)).length;
        assert.equal(rank(weights, n, query, key, first), above + 1);
      }
    }
  }
  const tops = rowTops(weights, n);
  assert.ok(
    [0, 7, 59].every((query) => tops[query] === weights[query * n + (topKeys(weights, n, query, 1, 0)[0] ?? 0)]),
  );
});

test('pixels: transparent above the diagonal, ends of the ramp for 0 and full colour, a hidden first column', () => {
  const colors = Uint32Array.from({ length: 256 }, (_, index) => index + 1);
  const weights = Float32Array.of(1, 9, 0.25, 0.75);
  const heat = { weights, n: 2, first: 0, scale: 'linear' } as const;
  assert.deepEqual([...paintHeat(heat, 2, colors)], [256, 0, 65, 192]);
  assert.deepEqual([...paintHeat({ ...heat, scale: 'sqrt' }, 2, colors)], [256, 0, 129, 222]);
  assert.deepEqual([...paintHeat({ ...heat, tops: Float32Array.of(1, 0.75) }, 2, colors)], [256, 0, 86, 256]);
  assert.deepEqual([...paintHeat({ ...heat, first: 1 }, 2, colors)], [0, 0, 0, 192]);
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
    const pixels = paintHeat({ weights, n, first: 0, scale: 'linear' }, 37, colors);
    const bright = [...pixels.keys()].filter((at) => pixels[at] === 256);
    assert.deepEqual(bright, [Math.floor((query * 37) / n) * 37 + Math.floor((key * 37) / n)]);
  }
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
  const whole = present(message(['<|a|>', ' b', '\n'], weights), readChoices(undefined));
  assert.equal(said(whole, { query: 2, key: 1 }), 'query `⏎` (2) → key `·b` (1): 20 %, rank 3 of 3; layer 5, head 2');
  assert.deepEqual(firstCell(whole), { query: 2, key: 2 });
  assert.match(describeMap(whole, 1), /^3 tokens \(1 prompt \+ 2 generated\) · tiny · exact softmax weights, float32/);
  assert.match(describeMap(whole, 1.4), /the largest of up to 4 cells$/);
  assert.equal(describeHidden(whole, 2), '');

  const rest = present(message(['<|a|>', ' b', '\n'], weights), readChoices({ hideFirst: true, perRow: true }));
  assert.equal(said(rest, { query: 2, key: 1 }), 'query `⏎` (2) → key `·b` (1): 40 % of the rest (20 % of all), rank 2 of 2; layer 5, head 2'); // prettier-ignore
  assert.equal(said(rest, { query: 2, key: 0 }), 'query `⏎` (2) → key `<|a|>` (0): 50 %, hidden; layer 5, head 2');
  assert.equal(plain(describeHidden(rest, 2)), 'First token `<|a|>` (0) hidden: it has 50 % of this row, 50 % on average. The rest is scaled to 100 %.'); // prettier-ignore
});

test('choices: whatever was stored, the result can be used', () => {
  const defaults = { layer: 0, head: 0, scale: 'sqrt', perRow: false, hideFirst: false, zoom: 0, query: -1, key: -1 };
  for (const stored of [undefined, null, 'x', 7, [], { layer: -1, head: 1.5, scale: 'cubic', zoom: 7, query: '3' }]) {
    assert.deepEqual(readChoices(stored), defaults);
  }
  const kept = { layer: 3, head: 1, scale: 'log', perRow: true, hideFirst: true, zoom: 14, query: 9, key: 2 };
  assert.deepEqual(readChoices({ ...kept, more: 1 }), kept);
});

test('questions to the host: one at a time, the newest last, stale answers dropped', () => {
  const posted: FromWebview[] = [];
  const exchange = new Exchange({ layer: 1, head: 1 }, (sent) => posted.push(sent));
  const reply = (layer: number, head: number): boolean =>
    exchange.accept({ map: { layer, head }, layers: 4, heads: 4 });
  exchange.start();
  exchange.choose({ layer: 1, head: 2 });
  exchange.choose({ layer: 1, head: 3 });
  assert.deepEqual(posted, [{ type: 'ready', layer: 1, head: 1 }]);
  assert.equal(reply(1, 1), false, 'no longer wanted');
  assert.deepEqual(posted.slice(1), [{ type: 'select', layer: 1, head: 3 }]);
  assert.equal(reply(1, 1), false, 'an older question');
  assert.ok(exchange.busy);
  assert.equal(reply(1, 3), true);
  assert.ok(!exchange.busy);
  assert.equal(reply(1, 3), true, 'a new completion, unasked');
  exchange.choose({ layer: 9, head: 3 });
  assert.equal(reply(3, 3), true, 'the model has fewer layers');
  assert.deepEqual(exchange.chosen, { layer: 3, head: 3 });
  exchange.choose({ layer: 0, head: 0 });
  exchange.choose({ layer: 0, head: 1 });
  exchange.refused();
  assert.deepEqual(posted.at(-1), { type: 'select', layer: 0, head: 1 });
  exchange.refused();
  assert.ok(!exchange.busy);
  assert.equal(posted.length, 5);
});

const MESSAGES: [message: unknown, valid: boolean][] = [
  [{ type: 'ready', layer: 0, head: 0 }, true],
  [{ type: 'select', layer: 31, head: 7 }, true],
  [{ type: 'select', layer: -1, head: 0 }, false],
  [{ type: 'select', layer: 0.5, head: 0 }, false],
  [{ type: 'select', layer: '0', head: 0 }, false],
  [{ type: 'select', layer: 1e9, head: 0 }, false],
  [{ type: 'delete', layer: 0, head: 0 }, false],
  [{ type: 'select' }, false],
  [null, false],
  ['select', false],
];
for (const [sent, valid] of MESSAGES) {
  test(`the host ${valid ? 'takes' : 'drops'} ${JSON.stringify(sent)}`, () => {
    assert.deepEqual(readMessage(sent), valid ? sent : undefined);
  });
}

test('the page allows one script, our styles and our images, and holds no style or script of its own', () => {
  const parts = { nonce: 'n0nce', cspSource: 'https://own', script: 's.js', style: 'p.css', language: 'zh-cn' };
  const strings = { Head: '头</script><script>alert(1)</script>' };
  const page = attentionPage({ ...parts, strings });
  assert.match(page, /content="default-src 'none'; script-src 'nonce-n0nce'; style-src https:\/\/own; img-src https:\/\/own blob: data:"/); // prettier-ignore
  const [, data = ''] = /<script type="application\/json" id="strings">([^<]*)<\/script>/.exec(page) ?? [];
  assert.deepEqual(JSON.parse(data), strings);
  assert.doesNotMatch(page.replace(data, ''), /unsafe|style=|<style|\son\w+=|<script[^>]*>[^<]/);
  assert.match(page, /<html lang="zh-cn">/);
});
