// Files that the panel saves, read back: an SVG by its elements, CSV and JSON by their grammars. No token may be lost or become markup.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowStart, toU16, triangleLength } from '../../src/attention/weights';
import { seededRandom } from '../../src/engine/random';
import type { TextAnswer } from '../../src/inspectionProtocol';
import { readChoices } from '../../src/webview/choices';
import { csvOfKeys } from '../../src/webview/export/csv';
import { headFile } from '../../src/webview/export/headFile';
import { svgOfMap, type MapPicture } from '../../src/webview/export/svg';
import { escapeXml } from '../../src/webview/export/xml';
import { HeadMap } from '../../src/webview/headMap';
import { Inspected } from '../../src/webview/inspected';
import { ramp } from '../../src/webview/palette';
import type { Scene } from '../../src/webview/scene';
import { visible } from '../../src/webview/tokens';

/** Tokens that have broken such files. */
const NASTY = ['<s>', '<b>', '&', '&amp;', '"', "'", '\t', '\r\n', '\n\n  ', ']]>', '-->', 'a,b', '=1+1', '', '\u0000\u001b', '\ud83d', '😀', '\ufffe', '\u202e', '日本', ';']; // prettier-ignore

interface Element {
  name: string;
  attributes: Record<string, string>;
  text: string;
  /** Attributes of the elements around it. */
  around: Record<string, string>[];
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"' };

/** Reads XML strictly: what is not well-formed throws. Only what our files use is known. */
function readXml(xml: string): Element[] {
  const all: Element[] = [];
  const open: Element[] = [];
  const unescape = (text: string): string => {
    assert.doesNotMatch(text, /[<>]|&(?!(lt|gt|amp|quot);)/);

    assert.doesNotMatch(text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/u);
    return text.replace(/&(\w+);/g, (_, name: string) => ENTITIES[name] as string);
  };
  let at = 0;
  for (const tag of xml.matchAll(/<(\/?)(\w+)((?: [\w:-]+="[^"<]*")*)(\/?)>/g)) {
    const [whole, closes, name = '', attributes = '', empty] = tag;
    const text = unescape(xml.slice(at, tag.index));
    const inner = open.at(-1);
    if (inner) inner.text += text;
    else assert.equal(text.trim(), '');
    at = tag.index + whole.length;
    if (closes === '/') assert.equal(open.pop()?.name, name);
    else {
      const pairs = [...attributes.matchAll(/ ([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [
        key,
        unescape(value as string),
      ]);
      assert.equal(new Set(pairs.map(([key]) => key)).size, pairs.length, `an attribute twice: ${whole}`);
      const element = {
        name,
        attributes: Object.fromEntries(pairs) as Record<string, string>,
        text: '',
        around: open.map((one) => one.attributes),
      };
      all.push(element);
      if (empty === '') open.push(element);
    }
  }
  assert.equal(open.length, 0);
  assert.equal(unescape(xml.slice(at)).trim(), '');
  return all;
}

const RAMP = ramp('light', [255, 255, 255]);
const hex = (color: number): string =>
  `#${[0, 8, 16].map((by) => ((color >>> by) & 255).toString(16).padStart(2, '0')).join('')}`;

function picture(tokens: string[], pixels: Uint32Array): MapPicture {
  return {
    title: 'A "head" & <more>',
    about: ['first line', 'α < β & γ'],
    tokens,
    promptTokens: tokens.length - 1,
    pixels,
    ramp: RAMP,
    selected: { query: tokens.length - 1, key: 0 },
    colors: { background: '#fff', foreground: 'rgb(1, 2, 3)', line: '#ccc', generated: '#080', focus: '"<&' },
    font: '"Fira Code", monospace',
    axes: { queries: 'query', keys: 'key' },
    leftOut: (faintest, colors) => `left out ${faintest} of ${colors}`,
  };
}

/** Colours on the ramp: most cells are ground, and runs of one colour are frequent. */
function randomPixels(n: number, ground: number): Uint32Array {
  const random = seededRandom(n);
  return Uint32Array.from(
    { length: n * n },
    () => (random() < ground ? RAMP[0] : RAMP[Math.floor(random() * 3) * 90 + 40]) as number,
  );
}

/** The colour of each cell of the lower triangle by what the file draws. */
function cellsOf(elements: Element[], n: number): (string | undefined)[][] {
  const cells = Array.from({ length: n }, (_, q) => new Array<string | undefined>(q + 1).fill(undefined));
  for (const { name, attributes, around } of elements) {
    const fill = around.at(-1)?.['fill'];
    if (name !== 'rect' || !around.some((one) => one['shape-rendering'] !== undefined) || fill === undefined) continue;
    const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((key) => Number(attributes[key]) / 10) as [
      number,
      number,
      number,
      number,
    ];
    assert.equal(height, 1);
    for (let key = x; key < x + width; key++) {
      assert.equal(cells[y]?.[key], undefined, 'no cell twice');
      (cells[y] as string[])[key] = fill;
    }
  }
  return cells;
}

test('an SVG says every token, the title and what it is, and draws the cells that are on the screen', () => {
  const n = NASTY.length;
  const pixels = randomPixels(n, 0.5);
  const elements = readXml(svgOfMap(picture(NASTY, pixels)));
  const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text);
  NASTY.forEach((token, position) => {
    const label = `${position} ${visible(token).replace('\ufffe', '\ufffd')}`;
    assert.equal(texts.filter((text) => text === label).length, 2, `as query and as key: ${JSON.stringify(label)}`);
  });
  // At its row, or turned by a quarter at its column.
  for (const { text, attributes } of elements.filter(({ name, text: label }) => name === 'text' && /^\d/.test(label))) {
    const at = attributes['transform'] === 'rotate(90)' ? -Number(attributes['y']) : Number(attributes['y']);
    assert.equal(Math.floor(at / 10), parseInt(text, 10), text);
    assert.ok(Number(attributes['x']) < 0 && attributes['transform'] !== 'rotate(-90)');
  }
  assert.equal(elements.find(({ name }) => name === 'title')?.text, 'A "head" & <more>');
  assert.equal(elements.find(({ name }) => name === 'desc')?.text, 'first line\nα < β & γ');
  const cells = cellsOf(elements, n);
  cells.forEach((row, query) =>
    row.forEach((fill, key) => {
      const color = pixels[query * n + key] as number;
      assert.equal(fill, color === RAMP[0] ? undefined : hex(color), `${query}, ${key}`);
    }),
  );
  assert.ok(cells.flat().some((fill) => fill !== undefined));
  assert.equal(
    elements.filter(({ attributes }) => attributes['stroke-dasharray'] !== undefined).length,
    1,
    'where the prompt ends',
  );
});

test('of a map with too many cells the faintest are left out, and the file says so', () => {
  const n = 900;
  const pixels = randomPixels(n, 0.4); // 81,000 cells each in three colours
  const elements = readXml(
    svgOfMap(
      picture(
        Array.from({ length: n }, () => 'x'),
        pixels,
      ),
    ),
  );
  const [, said] = /left out (\d+) of 256/.exec(elements.find(({ name }) => name === 'desc')?.text ?? '') ?? [];
  const least = Number(said) + 1;
  assert.ok(least > 40 && least <= 130, said);
  const drawn = new Map<string, number>();
  cellsOf(elements, n)
    .flat()
    .forEach((fill) => fill !== undefined && drawn.set(fill, (drawn.get(fill) ?? 0) + 1));
  assert.deepEqual([...drawn.keys()].sort(), [130, 220].map((step) => hex(RAMP[step] as number)).sort());
  let expected = 0;
  for (let q = 0; q < n; q++)
    for (let k = 0; k <= q; k++) if ([RAMP[130], RAMP[220]].includes(pixels[q * n + k])) expected++;
  assert.equal(
    [...drawn.values()].reduce((a, b) => a + b),
    expected,
  );
});

test('text in XML comes back as it was, but for what XML cannot write', () => {
  const [element] = readXml(`<a b="${escapeXml(NASTY.join('|'))}">${escapeXml(NASTY.join('|'))}</a>`);

  const expected = NASTY.join('|').replace(/[\u0000\u001b\ufffe]|\ud83d(?![\udc00-\udfff])/g, '\ufffd');
  assert.equal(element?.text, expected);
  assert.equal(element.attributes['b'], expected);
});

/** Reads CSV as RFC 4180 says. */
function readCsv(file: string): string[][] {
  const csv = file.replace(/^\uFEFF/, '');
  const rows: string[][] = [[]];
  for (let at = 0; at < csv.length;) {
    const quoted = /"((?:[^"]|"")*)"/y;
    const plain = /[^",\r\n]*/y;
    quoted.lastIndex = plain.lastIndex = at;
    const match = quoted.exec(csv) ?? plain.exec(csv) ?? assert.fail('not reached: plain matches nothing, too');
    rows.at(-1)?.push((match[1] ?? match[0]).replaceAll('""', '"'));
    at += match[0].length;
    if (csv.startsWith('\r\n', at)) {
      at += 2;
      if (at < csv.length) rows.push([]);
    } else if (at < csv.length) assert.equal(csv[at++], ',');
  }
  return rows;
}

/** As a spreadsheet is to show a text, and not to compute it. */
const literal = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

test('a CSV has every token literally, the largest weight first, and nothing that a spreadsheet computes', () => {
  const keys = [...NASTY, '=1+1', '@SUM(A1)', '-', '+1'].map((text, position) => ({
    position,
    id: 100 + position,
    text,
    weight: 1 / (position + 3),
    shown: position % 3,
    ...(position % 2 === 0 && { file: 'a "b", c.ts', line: position + 1 }),
  }));
  assert.equal(csvOfKeys(keys)[0], '\uFEFF');
  const [heads, ...rows] = readCsv(csvOfKeys(keys));
  assert.deepEqual(heads, ['rank', 'position', 'id', 'token', 'weight', 'shown', 'file', 'line']);
  const expected = [2, 1, 0].flatMap((shown) => keys.filter((key) => key.shown === shown).reverse());
  assert.deepEqual(
    rows,
    expected.map(({ position, id, text, weight, shown, file = '', line = '' }, i) =>
      [i + 1, position, id, literal(text), Number(weight.toPrecision(6)), shown, file, line].map(String),
    ),
  );
});

/** What the page knows of a head over the nasty tokens, the last two generated. */
function scene(changed: object = {}): Scene {
  const n = NASTY.length;
  const facts: TextAnswer = {
    answer: 'text',
    sequence: 4,
    from: 0,
    tokens: NASTY.map((text, id) => ({
      id,
      text,
      special: id === 0,
      place: { in: 'frame' },
      ...(id >= n - 2 && { logprob: -0.5 }),
    })),
    promptTokens: n - 2,
    finished: true,
    files: [],
    path: 'src/<a & b>.ts',
    shape: { layers: 2, heads: 2, kvHeads: 1, headDim: 4, vocab: 99, windows: [0, 0] },
    kernel: 'own',
    precision: { matrices: 'int8', softmax: 'float32' },
    model: 'tiny',
    limits: {},
  };
  const inspected = new Inspected(facts);
  const random = seededRandom(6);
  const weights = new Uint16Array(triangleLength(n));
  for (let q = 0; q < n; q++) {
    const row = Array.from({ length: q + 1 }, () => random() ** 4);
    const sum = row.reduce((a, b) => a + b);
    row.forEach((p, k) => (weights[rowStart(q) + k] = toU16(p / sum)));
  }
  const map = new HeadMap(1, 0);
  map.add({
    answer: 'head',
    sequence: 4,
    layer: 1,
    head: 0,
    from: 0,
    n,
    weights,
    valueNorms: new Float32Array(n).fill(2),
  });
  inspected.heads.set(map, 1, 0);
  const color = '#123456';
  return {
    choices: { ...readChoices(undefined), layer: 1, head: 0, ...changed },
    inspected,
    query: n - 1,
    key: 3,
    theme: {
      ramp: RAMP,
      background: color,
      foreground: color,
      faint: color,
      line: color,
      generated: color,
      focus: color,
      font: '11px monospace',
    },
    entry: undefined,
    busy: false,
    sources: {
      type: 'sources',
      sequence: 4,
      changed: false,
      parts: [{ name: 'f', kind: 'symbol', file: 'a.ts', firstLine: 1, lastLine: 9 }],
      partOf: new Int32Array(n),
      lineOf: new Int32Array(n).fill(7),
    },
  };
}
const textOf = (bytes: Uint8Array | undefined): string =>
  new TextDecoder('utf-8', { fatal: true }).decode(bytes ?? assert.fail('no file'));

test('the JSON of a head has the model, the tokens and all weights', () => {
  const shown = scene({ hideFirst: true });
  const saved = JSON.parse(textOf(headFile('json', shown))) as {
    model: string;
    promptTokens: number;
    layer: number;
    settings: object;
    tokens: { text: string; logprob?: number }[];
    weights: number[][];
    valueNorms: number[];
  };
  assert.deepEqual([saved.model, saved.layer, saved.promptTokens], ['tiny', 1, NASTY.length - 2]);
  assert.deepEqual(
    saved.tokens.map(({ text }) => text),
    NASTY,
  );
  assert.equal(saved.tokens.at(-1)?.logprob, -0.5);
  assert.deepEqual(saved.settings, {
    scale: 'sqrt',
    full: 'all',
    hideFirst: true,
    valueWeighted: false,
    mass: 1,
    query: NASTY.length - 1,
    key: 3,
  });
  const { weights } = shown.inspected.heads.get(1, 0) as HeadMap;
  assert.equal(saved.weights.length, NASTY.length);
  saved.weights.forEach((row, q) => {
    assert.equal(row.length, q + 1);
    row.forEach((p, k) => assert.ok(Math.abs(p - ((weights[rowStart(q) + k] as number) / 65535) ** 2) <= 1e-7));
    assert.ok(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-3);
  });
  assert.deepEqual(
    saved.valueNorms,
    NASTY.map(() => 2),
  );
});

test('the CSV of a head has the selected row, with and without the first token, and where tokens stand', () => {
  for (const hideFirst of [false, true]) {
    const [heads = [], ...rows] = readCsv(textOf(headFile('csv', scene({ hideFirst }))));
    assert.equal(rows.length, NASTY.length);
    const column = (name: string): string[] => rows.map((row) => row[heads.indexOf(name)] as string);
    assert.deepEqual(
      new Set(column('token')),
      new Set(NASTY.map((text) => literal(text.replace(/^\ud83d$/, '\ufffd')))),
    );
    const total = (name: string): number => column(name).reduce((sum, value) => sum + Number(value), 0);
    assert.ok(Math.abs(total('weight') - 1) < 1e-3);
    assert.ok(Math.abs(total('shown') - 1) < 1e-3);
    assert.equal(column('shown')[column('position').indexOf('0')] === '0', hideFirst);
    assert.deepEqual([column('file')[0], column('line')[0]], ['a.ts', '7']);
  }
});

test('the SVG of a head says model, document, formula and the selected cell', () => {
  for (const change of [
    {},
    { hideFirst: true },
    { valueWeighted: true, full: 'row' },
    { hideFirst: true, valueWeighted: true, full: 'head', mass: 0.5 },
  ]) {
    const elements = readXml(textOf(headFile('svg', scene(change))));
    const about = elements.find(({ name }) => name === 'desc')?.text ?? '';
    for (const part of [
      'tiny',
      'int8',
      'src/<a & b>.ts',
      'softmax(query · key · scale)',
      'Colour follows √α',
      `\`;\` (${NASTY.length - 1})`,
    ])
      assert.ok(about.includes(part), `${part} in ${about}`);
    assert.equal(about.includes('hidden'), 'hideFirst' in change);
    assert.equal(about.includes('‖v(k)‖'), 'valueWeighted' in change);
    assert.ok(
      cellsOf(elements, NASTY.length)
        .flat()
        .some((fill) => fill !== undefined),
    );
  }
});

test('a head that is not here has no file', () => {
  assert.equal(headFile('svg', scene({ head: 1 })), undefined);
  assert.equal(headFile('csv', { ...scene(), query: NASTY.length }), undefined);
});
