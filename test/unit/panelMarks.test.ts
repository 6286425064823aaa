// What the editor is told to mark is what the page shows: after each way of choosing a token or of shading it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPanels, SMALL, withoutBrowser } from './panelBrowser';
import { posted, quiet } from './panelSteps';

let panels: Awaited<ReturnType<typeof openPanels>> | undefined;
before(async () => {
  if (withoutBrowser === false) panels = await openPanels();
});
after(() => panels?.browser.close());

/** Levels of shading on the page, of as many as VS Code has colours for. */
const LEVELS = `[...document.querySelectorAll('.token')].map((e) => Number(e.dataset.level ?? 0))`;
const SELECTED = `Number(document.querySelector('.token[aria-selected=true]')?.dataset.position)`;
/** Milliseconds after which the editor has been told: walking is told of at a pace. */
const TOLD = 250;

const STEPS: [name: string, step: (page: Page) => Promise<unknown>][] = [
  ['a click', (page) => page.locator(`.token[data-position='60']`).click()],
  ['the caret in the editor', (page) => page.evaluate(`panel.send({ type: 'caret', sequence: 7, position: 40 })`)],
  ['shading by the chosen head', (page) => page.getByLabel('Shaded by').selectOption({ label: 'the chosen head' })],
  ['another head, by keys', async (page) => { await page.locator('.map [role=grid]').focus(); await page.keyboard.press('h'); await page.keyboard.press('l'); }], // prettier-ignore
  ['arrow keys', async (page) => { await page.locator('.token[aria-selected=true]').focus(); for (let k = 0; k < 5; k++) await page.keyboard.press('ArrowLeft'); }], // prettier-ignore
  ['places that come late', (page) => page.evaluate(`panel.send({ type: 'sources', sequence: 7, parts: [], partOf: new Int32Array(panel.n).fill(-1), lineOf: new Int32Array(panel.n), changed: false })`)], // prettier-ignore
];

test(
  'the editor is told to mark what the page shows, after whatever changes it',
  { skip: withoutBrowser },
  async () => {
    assert.ok(panels);
    const page = await panels.open(SMALL);
    await quiet(page);
    let before = (await posted(page)).length;
    for (const [name, step] of STEPS) {
      await step(page);
      await quiet(page);
      await page.waitForTimeout(TOLD);
      const all = await posted(page);
      const point = all.slice(before).findLast((message) => message.type === 'point');
      before = all.length;
      assert.ok(point?.type === 'point', `${name}: nothing was said`);
      assert.equal(point.position, await page.evaluate<number>(SELECTED), name);
      const shares = Object.values(point.shares);
      assert.equal(shares.length, point.position + 1, name);
      const levels = await page.evaluate<number[]>(LEVELS);
      const told = levels.map((_, at) => Math.max(0, Math.ceil(((shares[at] ?? 0) * 8) / 255 - 0.25)));
      assert.deepEqual(told, levels, name);
      assert.ok(Math.max(...levels) === 8, name);
    }
    await page.close();
  },
);
