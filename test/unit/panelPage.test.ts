// The panel as a page: in a real browser, with a host that answers from the same arithmetic as the engine's. Each test has a page of its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPanels, type Opening, SMALL, THEMES, type ThemeName, withoutBrowser } from './panelBrowser';
import { openAll, posted, quiet, until } from './panelSteps';

let panels: Awaited<ReturnType<typeof openPanels>> | undefined;
before(async () => {
  if (withoutBrowser === false) panels = await openPanels();
});
after(() => panels?.browser.close());

/** A test with a page; every page must keep to the content security policy and throw nothing. */
function onPage(name: string, run: (page: Page) => Promise<void>, as: Opening = {}): void {
  test(name, { skip: withoutBrowser }, async () => {
    assert.ok(panels);
    const page = await panels.open(SMALL, as);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await run(page);
    assert.deepEqual(errors, []);
    assert.deepEqual(await page.evaluate('globalThis.seen'), [], 'nothing the policy forbids');
    await page.close();
  });
}

const asked = async (page: Page): Promise<string[]> =>
  (await posted(page)).flatMap((message) => (message.type === 'ask' ? [message.question.ask] : []));
onPage('what is open is asked, once, and what is folded is not', async (page) => {
  await quiet(page);
  assert.deepEqual((await asked(page)).sort(), ['drawn', 'head', 'overview', 'row', 'text']);
  await openAll(page);
  assert.deepEqual((await asked(page)).sort(), ['drawn', 'head', 'lesson', 'logits', 'overview', 'row', 'text']);
});

onPage('tokens are text, never markup', async (page) => {
  const texts = await page.locator('.token').allTextContents();
  assert.equal(texts.length, SMALL.n);
  assert.ok(texts.includes('<b>') && texts.includes('&amp;') && texts.includes('🙂') && texts.includes('→'));
  assert.equal(await page.locator('main b, main img').count(), 0);
  assert.equal(await page.locator('.token.written').count(), SMALL.n - SMALL.promptTokens);
});

onPage('the answer names what was drawn from, and each source points at its place', async (page) => {
  await page.waitForSelector('table th[scope=row] button');
  assert.match(await page.locator('.sentence').first().innerText(), /^This completion drew [\d.]+\s% from `?\w/);
  await page.locator('table th[scope=row] button').first().click();
  const last = (await posted(page)).at(-1);
  assert.ok(last?.type === 'point' && last.reveal && last.position > 0);
  await page.locator('[aria-live]', { hasText: `Shown in the editor: a.ts, line ${last.position}` }).waitFor();
  // What the model wrote has no place in this text: there is nowhere to go, and no button that pretends there is.
  const names = page.locator('table th[scope=row]');
  assert.ok((await names.allTextContents()).includes('what it had written itself'));
  assert.equal(await names.locator('button', { hasText: 'what it had written itself' }).count(), 0);
  await page.locator(`.token[data-position='${SMALL.n - 1}']`).focus();
  await page.keyboard.press('Enter');
  await page.locator('[aria-live]', { hasText: 'This has no place in the editor.' }).waitFor();
  await page.evaluate("panel.send({ type: 'revealed', failure: 'a.ts cannot be opened' })");
  await page.locator('.notice', { hasText: 'a.ts cannot be opened' }).waitFor();
});

onPage('by keyboard alone: tokens, heads, the map; and a new page begins where the last one ended', async (page) => {
  await quiet(page);
  await page.locator('.token[aria-selected=true]').focus();
  for (const key of ['ArrowLeft', 'ArrowLeft', 'Home', 'ArrowRight', 'End', 'ArrowLeft'])
    await page.keyboard.press(key);
  await quiet(page);
  assert.equal(await page.locator('.token[aria-selected=true]').getAttribute('data-position'), String(SMALL.n - 2));
  const [overview, map] = [page.locator('.canvas-grid .grid').first(), page.locator('.map .grid')];
  await overview.focus();
  for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight']) await page.keyboard.press(key);
  await quiet(page);
  assert.match((await overview.textContent()) ?? '', /^layer 1, head 2: /);
  await map.focus();
  for (const key of ['Home', 'ArrowRight', 'ArrowUp', 'h']) await page.keyboard.press(key);
  await quiet(page);
  const cell = (await map.textContent()) ?? '';
  assert.match(cell, new RegExp(`\\(${SMALL.n - 3}\\) → key .* \\(1\\): .*layer 1, head 3$`));
  await page.reload();
  await page.waitForSelector('.token');
  await quiet(page);
  assert.equal(await map.textContent(), cell);
});

onPage(
  'while the text grows, only what is missing is asked, one question at a time, and the newest token stays selected',
  async (page) => {
    await quiet(page);
    const before = (await posted(page)).length;
    await page.evaluate(
      'globalThis.panel.hold = true; globalThis.panel.grow(99, false); globalThis.panel.grow(100, false)',
    );
    await until(page, "globalThis.panel.posted.at(-1).type === 'ask'");
    const held = (await posted(page)).slice(before).filter(({ type }) => type === 'ask');
    assert.equal(held.length, 1, 'the second change waits for the answer');
    await page.evaluate('globalThis.panel.hold = false; globalThis.panel.release()');
    await page.waitForSelector(`.token[data-position='99'][aria-selected=true]`);
    await quiet(page);
    const questions = (await posted(page)).slice(before).flatMap((message) => (message.type === 'ask' ? [message.question] : [])); // prettier-ignore
    assert.deepEqual(
      questions.find(({ ask }) => ask === 'head'),
      { ask: 'head', layer: 0, head: 0, from: SMALL.n },
    );
    assert.deepEqual(
      questions.find(({ ask }) => ask === 'text'),
      { ask: 'text', from: SMALL.n },
    );
    assert.deepEqual(
      questions.find(({ ask }) => ask === 'drawn'),
      { ask: 'drawn', from: SMALL.n },
    );
    assert.match((await page.locator('.map .grid').textContent()) ?? '', /\(99\) → key/);
    await page.locator(`.token[data-position='90']`).click();
    await page.evaluate('globalThis.panel.grow(101, true)');
    await page.waitForSelector(`.token[data-position='100']`);
    await quiet(page);
    assert.equal(
      await page.locator('.token[aria-selected=true]').getAttribute('data-position'),
      '90',
      'looking back is left alone',
    );
  },
);

onPage('sliders act on the logits that are here, and what they leave out stays', async (page) => {
  await openAll(page);
  const before = (await asked(page)).length;
  const rows = await page.locator('tr.pruned').count();
  const topK = page.locator('label', { hasText: 'Top-k' }).locator('input');
  await topK.focus();
  for (let k = 0; k < 3; k++) await page.keyboard.press('ArrowRight');
  await quiet(page);
  assert.equal(rows, 0);
  assert.equal(await page.locator('tr.pruned').count(), 47, 'all of the table but three');
  assert.equal((await asked(page)).length, before);
});

onPage('measured is only when asked for, and effects are ranked', async (page) => {
  await openAll(page);
  assert.ok(!(await asked(page)).includes('effects'));
  await page.getByRole('button', { name: 'Measure' }).click();
  const table = page.locator('table', { hasText: 'Heads, by effect' });
  await table.locator('tbody tr').first().waitFor();
  const effects = (await table.locator('tbody td:nth-child(5)').allTextContents()).map((text) => Math.abs(Number(text.replace('−', '-')))); // prettier-ignore
  assert.ok(effects.length === 12 && effects.every((effect, at) => at === 0 || effect <= (effects[at - 1] ?? 0)), effects.join()); // prettier-ignore
  const question = (await posted(page)).flatMap((message) => (message.type === 'ask' && message.question.ask === 'effects' ? [message.question] : [])); // prettier-ignore
  assert.ok(question[0]?.heads && question[0].spans.length > 0 && question[0].spans.every(([start, end]) => start < end && end <= SMALL.n)); // prettier-ignore
});

onPage('the selected key and its line are hidden, too; another key is measured when it is asked for', async (page) => {
  await openAll(page);
  const measure = page.getByRole('button', { name: 'Measure' });
  const spans = async (): Promise<number[][]> =>
    (await posted(page)).flatMap((message) => (message.type === 'ask' && message.question.ask === 'effects' ? message.question.spans.map(([start, end]) => [start, end]) : [])); // prettier-ignore
  for (const key of [20, 33]) {
    await page.locator('.map [role=grid]').focus();
    await page.keyboard.press('Home');
    for (let steps = 0; steps < key; steps++) await page.keyboard.press('ArrowRight');
    await quiet(page);
    assert.equal(await measure.getAttribute('aria-disabled'), 'false');
    await measure.click();
    await quiet(page);
    assert.equal(await measure.getAttribute('aria-disabled'), 'true');
    const asked = await spans();
    assert.ok(asked.some(([start, end]) => start === key && end === key + 1), asked.join('; ')); // prettier-ignore
    assert.ok(asked.some(([start = 0, end = 0]) => start <= key && end > key + 1), 'and more than the key'); // prettier-ignore
  }
});

test('1,024 tokens, all heads: every token, head and weight is on the page', { skip: withoutBrowser }, async () => {
  assert.ok(panels);
  const n = 1024;
  const page = await panels.open({ layers: 6, heads: 4, kvHeads: 2, n, promptTokens: 1000 });
  await openAll(page);
  assert.equal(await page.locator('.token').count(), n);
  const [overview, map, row] = [0, 1, 2].map((at) => page.locator('[role=grid]').nth(at));
  assert.equal(await overview?.getAttribute('aria-rowcount'), '6');
  assert.equal(await overview?.getAttribute('aria-colcount'), '4');
  for (const side of ['rowcount', 'colcount']) assert.equal(await map?.getAttribute(`aria-${side}`), String(n));
  assert.equal(await row?.getAttribute('aria-rowcount'), '24');
  assert.equal(await row?.getAttribute('aria-colcount'), String(n));
  // The corners of the map: the last query's first key and its own.
  await map?.focus();
  for (const [key, at] of [
    ['Control+End', n - 1],
    ['Home', 0],
  ] as const) {
    await page.keyboard.press(key);
    await quiet(page);
    const heard = (await map?.locator('[aria-selected=true]').innerText()) ?? '';
    assert.ok(heard.includes(`(${n - 1}) → key`) && heard.includes(`(${at}): `), heard);
  }
  await page.close();
});

// Sections that are out of sight or have no time in a frame wait for a later one: not busy means that none does.
onPage(
  'whatever waited for a later frame is drawn when the page is not busy, and what was folded when it is opened',
  async (page) => {
    await openAll(page);
    // Every drawing now takes more than a frame has, so that each section waits for a frame of its own.
    await page.evaluate("const clock = performance.now.bind(performance); let calls = 0; performance.now = () => clock() + 20 * ++calls; scrollTo(0, 0); document.querySelector('.map').closest('details').open = false"); // prettier-ignore
    await page.locator(`.token[data-position='40']`).click();
    await until(page, "document.querySelector('main').ariaBusy === 'false'");
    const rest = page.locator('details.section', { hasText: 'The next token' });
    assert.ok(((await rest.boundingBox())?.y ?? 0) > 900, 'out of sight');
    assert.match((await rest.locator('.sentence').textContent()) ?? '', /^The token at .*\(40\) was chosen/);
    const heads = page.locator('.canvas-grid .grid').nth(1);
    assert.equal(await heads.getAttribute('aria-colcount'), '41', 'the row of all heads');
    await page.evaluate("document.querySelector('.map').closest('details').open = true");
    await quiet(page);
    assert.match((await page.locator('.map .grid').textContent()) ?? '', /\(40\) → key/);
    const drawn = await page.evaluate("(() => { const canvas = document.querySelector('.map canvas'); const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height); return new Set(new Uint32Array(data.buffer)).size; })()"); // prettier-ignore
    assert.ok((drawn as number) > 3, 'the map');
  },
);

// [format, what the file begins with]
const FILES: [format: string, start: RegExp][] = [
  ['png', /^\x89PNG/],
  ['svg', /^<(\?xml|svg)/],
  ['json', /^\{/],
  ['csv', /^ï»¿rank,/],
];
onPage('a head is saved in every format', async (page) => {
  await quiet(page);
  for (const [format, start] of FILES) {
    await page.locator('header label', { hasText: 'Save as' }).locator('select').selectOption(format);
    await page.getByRole('button', { name: 'Save' }).click();
    await until(page, `globalThis.panel.posted.at(-1).name?.endsWith('.${format}') ?? false`);
    const head = await page.evaluate('String.fromCharCode(...globalThis.panel.posted.at(-1).data.slice(0, 40))');
    assert.match(head as string, start, format);
  }
});

/** The last file that was saved, as a picture: its size, and the colours of its corners. */
const PICTURE = `createImageBitmap(new Blob([globalThis.panel.posted.at(-1).data])).then((image) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const corner = (x, y) => [...context.getImageData(x, y, 1, 1).data].join();
  return { width: image.width, height: image.height, corners: [corner(0, 0), corner(image.width - 1, image.height - 1)] };
})`;
onPage(
  'a picture stands on the ground of the page, with words below, and is never that of another head',
  async (page) => {
    await quiet(page);
    const save = page.getByRole('button', { name: 'Save' });
    const saved = async (): Promise<number> => (await posted(page)).filter(({ type }) => type === 'export').length;
    await save.click();
    await until(page, `globalThis.panel.posted.at(-1).type === 'export'`);
    const picture = await page.evaluate<{ width: number; height: number; corners: string[] }>(PICTURE);
    const map = await page.evaluate<number>("document.querySelector('.map canvas').height");
    assert.deepEqual(picture.corners, Array(2).fill('31,31,31,255'));
    assert.ok(picture.height > map + 100, `${picture.height} of ${map}`);
    await page.evaluate("document.querySelector('.map').closest('details').open = false");
    await page.locator('.canvas-grid .grid').first().focus();
    for (const key of ['ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
    await quiet(page);
    await save.click();
    await until(page, "document.querySelector('.notice').textContent.includes('open the section')");
    assert.equal(await saved(), 1);
    await page.evaluate("document.querySelector('.map').closest('details').open = true");
    await quiet(page);
    await save.click();
    await until(page, `globalThis.panel.posted.at(-1).type === 'export'`);
    assert.equal(await page.evaluate('globalThis.panel.posted.at(-1).name'), 'attention-layer1-head1.png');
  },
);

for (const theme of Object.keys(THEMES) as ThemeName[]) {
  onPage(
    `${theme}: every canvas is drawn and spoken for, controls have names, nothing sticks out at 360 pixels`,
    async (page) => {
      await openAll(page);
      const blank = await page.evaluate(`[...document.querySelectorAll('canvas')].filter((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return canvas.offsetParent && new Set(new Uint32Array(data.buffer)).size < 3;
      }).length`);
      assert.equal(blank, 0, 'blank canvases');
      const unsaid = await page.evaluate(`[...document.querySelectorAll('canvas')].filter((canvas) => canvas.ariaHidden !== 'true').length + [...document.querySelectorAll('[role=grid], [role=listbox]')].filter((grid) => !grid.ariaLabel).length + [...document.querySelectorAll('input, select')].filter((input) => !input.labels?.[0]?.innerText).length`); // prettier-ignore
      assert.equal(unsaid, 0, 'without a name');
      assert.equal(await page.locator('.map .grid').getAttribute('aria-activedescendant'), 'map-cell');
      const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.ok((wide as number) <= 0, `${String(wide)} pixels too wide`);
    },
    { theme, width: 360 },
  );
}
