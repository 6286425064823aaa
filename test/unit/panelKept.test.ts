// What the page keeps: the completion that was chosen, over a reload; its place on the list; and the list itself while nothing is new.
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

const LIST = 'header select';
const shows = async (page: Page): Promise<unknown> =>
  (await posted(page)).findLast((message) => message.type === 'shows')?.sequence;
const state = (sequences: object[]): string =>
  `panel.send(${JSON.stringify({ type: 'state', model: 'made-up', sequences })})`;
const entry = (sequence: number, title: string): object => ({
  sequence,
  fate: 'other',
  title,
  document: 'a.ts',
  at: 0,
});

test('the completion that was chosen is shown again after a reload', { skip: withoutBrowser }, async () => {
  assert.ok(panels);
  const page = await panels.open(SMALL);
  await quiet(page);
  await page.locator(LIST).first().selectOption('3');
  await quiet(page);
  await page.reload();
  await page.waitForSelector('.token');
  await quiet(page);
  assert.equal(await shows(page), 3);
  assert.equal(await page.locator(LIST).first().inputValue(), '3');
  await page.locator(LIST).first().selectOption('last');
  await page.reload();
  await page.waitForSelector('.token');
  assert.equal(await shows(page), 'last');
  await page.close();
});

test(
  'the list of completions is left alone while nothing is new, and keeps the chosen one',
  { skip: withoutBrowser },
  async () => {
    assert.ok(panels);
    const page = await panels.open(SMALL);
    await page.evaluate(state([entry(9, 'a'), entry(8, 'b')]));
    await quiet(page);
    await page.locator(LIST).first().selectOption('8');
    await page.evaluate("document.querySelector('header select').options[1].mark = true");
    await page.evaluate(state([entry(9, 'a'), entry(8, 'b')]));
    await quiet(page);
    assert.equal(await page.evaluate("document.querySelector('header select').options[1].mark"), true);
    await page.evaluate(state([entry(10, 'c\u202ed'), entry(9, 'a')]));
    await quiet(page);
    assert.equal(await page.locator(LIST).first().inputValue(), '8');
    const names = await page.locator(`${LIST} >> nth=0 >> option`).allTextContents();
    assert.deepEqual(names.slice(1), ['cU+202Ed — a.ts (not taken)', 'a — a.ts (not taken)', 'b — a.ts (not taken)']);
    await page.close();
  },
);
