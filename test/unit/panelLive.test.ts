// The panel while a text is written: who follows goes with it, who looks back stays, and what belongs to writing goes away at its end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPanels, SMALL, withoutBrowser } from './panelBrowser';
import { Listener } from './panelHeard';
import { quiet, until } from './panelSteps';

let panels: Awaited<ReturnType<typeof openPanels>> | undefined;
before(async () => {
  if (withoutBrowser === false) panels = await openPanels();
});
after(() => panels?.browser.close());

/** Longer than the panel waits before it says something. */
const SPOKEN = 450;

async function grow(page: Page, n: number, finished = false): Promise<void> {
  await page.evaluate(`panel.grow(${n}, ${String(finished)})`);
  await page.waitForSelector(`.token[data-position='${n - 1}']`);
  await quiet(page);
}
const selected = (page: Page): Promise<string | null> =>
  page.locator('.token[aria-selected=true]').getAttribute('data-position');
const follow = (page: Page) => page.getByRole('checkbox', { name: 'Follow' });

function onPage(name: string, run: (page: Page) => Promise<void>): void {
  test(name, { skip: withoutBrowser }, async () => {
    assert.ok(panels);
    const page = await panels.open(SMALL);
    await quiet(page);
    await run(page);
    await page.close();
  });
}

onPage('Follow is there while text is written, and only then', async (page) => {
  assert.equal(await follow(page).isVisible(), false, 'a text that has ended');
  await grow(page, SMALL.n + 1);
  assert.equal(await follow(page).isVisible(), true);
  assert.equal(await follow(page).isChecked(), true);
  await follow(page).focus();
  await grow(page, SMALL.n + 2, true);
  assert.equal(await follow(page).isVisible(), false);
  assert.equal(await page.evaluate("document.activeElement.labels[0].innerText.includes('Completion')"), true, 'the focus went to what is beside it'); // prettier-ignore
});

// [how one goes back to the newest token, the same as done]
const RETURNS: [name: string, back: (page: Page) => Promise<void>][] = [
  ['Follow', (page) => follow(page).check()],
  ['End', (page) => page.keyboard.press('End')],
];
for (const [name, back] of RETURNS)
  onPage(`who looks back stays there while the text grows, until ${name}`, async (page) => {
    let n = SMALL.n;
    await grow(page, ++n);
    assert.equal(await selected(page), String(n - 1), 'at first the newest token is selected');
    await page.locator('.token[aria-selected=true]').focus();
    for (let back = 0; back < 9; back++) await page.keyboard.press('ArrowLeft');
    await quiet(page);
    const at = await selected(page);
    assert.equal(at, String(n - 10));
    const scrolled = await page.evaluate("document.querySelector('.tokens').scrollTop");
    for (let more = 0; more < 4; more++) await grow(page, ++n);
    // The caret of the editor goes with the text that is written; the reader does not.
    await page.evaluate(`panel.send({ type: 'caret', sequence: 7, position: ${n - 1} })`);
    await grow(page, ++n);
    assert.equal(await selected(page), at);
    assert.equal(await page.evaluate("document.querySelector('.tokens').scrollTop"), scrolled, 'nothing scrolls away');
    assert.equal(await page.evaluate('document.activeElement.dataset.position'), at, 'the focus stays, too');
    assert.equal(await follow(page).isChecked(), false);
    await back(page);
    await quiet(page);
    assert.equal(await selected(page), String(n - 1), 'the newest token');
    await grow(page, ++n);
    assert.equal(await selected(page), String(n - 1), 'and with it on');
    await grow(page, ++n, true);
    assert.equal(await selected(page), String(n - 1));
  });

onPage('after the end the caret chooses the token again', async (page) => {
  await page.evaluate("panel.send({ type: 'caret', sequence: 7, position: 12 })");
  await page.waitForSelector(`.token[data-position='12'][aria-selected=true]`);
});

onPage('growing is not spoken of, the end is, once', async (page) => {
  const listener = await Listener.on(page);
  for (let more = 1; more <= 5; more++) await grow(page, SMALL.n + more);
  await page.waitForTimeout(SPOKEN);
  assert.deepEqual(await listener.said(), []);
  await grow(page, SMALL.n + 6, true);
  await page.waitForTimeout(SPOKEN);
  assert.deepEqual(await listener.said(), [`The text is finished: ${SMALL.n + 6} tokens.`]);
});

onPage('nothing jumps while the text grows and another token is chosen', async (page) => {
  await page.evaluate("document.querySelectorAll('details.section').forEach((each) => (each.open = true))");
  await quiet(page);
  const heights = () => page.evaluate<number[]>("[...document.querySelectorAll('details.section')].map((each) => Math.round(each.offsetHeight))"); // prettier-ignore
  const before = await heights();
  await page.evaluate('panel.hold = true');
  await page.locator(`.token[data-position='90']`).click();
  await until(page, "document.querySelector('main').ariaBusy === 'true'");
  const waiting = await heights();
  await page.evaluate('panel.hold = false; panel.release()');
  await quiet(page);
  // A line more or less of text is no jump: a section that goes away until its answer is here would be.
  for (const [at, height] of before.entries())
    assert.ok(Math.abs((waiting[at] ?? 0) - height) < 60, `section ${at}: ${height} → ${waiting[at]}`);
});
