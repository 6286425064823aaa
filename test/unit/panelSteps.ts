// What tests of the page do again and again: wait, and open all sections. Called by the page tests.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { FromWebview } from '../../src/webviewProtocol';

/** All that the page has posted, in order. */
export const posted = (page: Page): Promise<FromWebview[]> => page.evaluate<FromWebview[]>('globalThis.panel.posted');

/** Waits until an expression holds. What the browser driver has for this needs eval, which the policy forbids. */
export async function until(page: Page, expression: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if ((await page.evaluate(expression)) === true) return;
    await page.waitForTimeout(25);
  }
  assert.fail(`never came true: ${expression}`);
}

/** Waits until all answers are here and drawn. */
export async function quiet(page: Page): Promise<void> {
  for (let tries = 0; tries < 2; tries++) {
    await until(page, "document.querySelector('main').ariaBusy === 'false'");
    await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
  }
}

/** Opens all sections, and waits for their answers. */
export async function openAll(page: Page): Promise<void> {
  await page.evaluate("document.querySelectorAll('details.section').forEach((each) => (each.open = true))");
  await until(page, "document.querySelector('details.section:last-of-type').open");
  await quiet(page);
}
