// The panel before the rules of axe-core: no violation, in every theme, narrow and wide, with everything unfolded, and when there is nothing to see.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPanels, type Opening, type Shape, SMALL, THEMES, type ThemeName, withoutBrowser } from './panelBrowser';
import { openAll, quiet } from './panelSteps';

let panels: Awaited<ReturnType<typeof openPanels>> | undefined;
before(async () => {
  if (withoutBrowser === false) panels = await openPanels();
});
after(() => panels?.browser.close());

/** The rules as one script; it is run, not loaded, because the page's policy lets nothing in. */
const AXE = readFileSync(createRequire(`${process.cwd()}/`).resolve('axe-core/axe.min.js'), 'utf8');

interface Found {
  violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
  passes: string[];
}

/**
 * Every rule is on, the experimental ones and those of best practice as well. Off, but in the high-contrast themes: `color-contrast-enhanced`
 * (7 to 1), because the colours are the theme's, and VS Code's own links and descriptions keep to 4.5 to 1.
 */
async function judged(page: Page): Promise<Found> {
  await page.evaluate(AXE);
  return page.evaluate<Found>(`(async () => {
    const strict = /high-contrast/.test(document.body.className);
    const rules = Object.fromEntries(axe.getRules().map(({ ruleId }) => [ruleId, { enabled: strict || ruleId !== 'color-contrast-enhanced' }]));
    const { violations, passes } = await axe.run(document, { rules, resultTypes: ['violations'] });
    const plain = ({ id, nodes }) => ({ id, nodes: nodes.map(({ html, failureSummary }) => ({ html: html.slice(0, 200), failureSummary })) });
    return { violations: violations.map(plain), passes: passes.map(({ id }) => id) };
  })()`);
}

async function assertClean(page: Page, passed: readonly string[]): Promise<void> {
  const { violations, passes } = await judged(page);
  const said = violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`)); // prettier-ignore
  assert.ok(said.length === 0, said.join('\n'));
  for (const rule of passed) assert.ok(passes.includes(rule), `${rule} had something to judge`);
}

/** Rules that must have found something to judge, so that a page on which nothing is drawn does not pass. */
const JUDGED = ['aria-required-children', 'button-name', 'color-contrast', 'label', 'landmark-one-main', 'page-has-heading-one', 'scrollable-region-focusable', 'select-name', 'target-size']; // prettier-ignore

for (const theme of Object.keys(THEMES) as ThemeName[])
  for (const width of [360, 900])
    test(`axe: ${theme}, ${width} pixels, everything unfolded and measured`, { skip: withoutBrowser }, async () => {
      assert.ok(panels);
      const page = await panels.open(SMALL, { theme, width });
      await openAll(page);
      await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))");
      await page.getByRole('button', { name: 'Measure' }).click();
      await page.locator('table', { hasText: 'Heads, by effect' }).locator('tbody tr').first().waitFor();
      await quiet(page);
      await assertClean(page, JUDGED);
      await page.close();
    });

// [what asks for rest, class of the page, the system's wish, whether anything moves]
const MOTION: [name: string, dressed: string, wish: 'reduce' | 'no-preference', moves: boolean][] = [
  ['nobody', '', 'no-preference', true],
  ['the system', '', 'reduce', false],
  ['VS Code', 'vscode-reduce-motion', 'no-preference', false],
];
for (const [name, dressed, wish, moves] of MOTION)
  test(
    `${name} asks for less motion: ${moves ? 'some things move' : 'nothing moves'}`,
    { skip: withoutBrowser },
    async () => {
      assert.ok(panels);
      const page = await panels.open(SMALL);
      await page.emulateMedia({ reducedMotion: wish });
      await page.evaluate(`'${dressed}' && document.body.classList.add('${dressed}')`);
      await openAll(page);
      const moving =
        await page.evaluate<number>(`[...document.querySelectorAll('*')].flatMap((each) => ['', '::before', '::after'].map((part) => getComputedStyle(each, part)))
      .filter(({ transitionDuration, animationName, scrollBehavior }) => transitionDuration !== '0s' || animationName !== 'none' || scrollBehavior !== 'auto').length`);
      assert.equal(moving > 0, moves, `${moving} things move`);
      await page.close();
    },
  );

// [what it is, sequence, how the page is opened]
const TROUBLED: [name: string, shape: Shape, as: Opening][] = [
  ['nothing to look at', { ...SMALL, trouble: { notice: 'Nothing is completed yet.' } }, { until: '.notice:not(:empty)' }], // prettier-ignore
  ['no answer', { ...SMALL, trouble: { error: 'It is not kept any more.' } }, { until: '.notice:not(:empty)' }],
  ['a graph that cannot be taken apart', { ...SMALL, trouble: { limit: 'Its graph is run as it is.' } }, {}],
];
for (const [name, shape, as] of TROUBLED)
  test(`axe: ${name}`, { skip: withoutBrowser }, async () => {
    assert.ok(panels);
    const page = await panels.open(shape, { ...as, width: 360 });
    if (await page.locator('.token').count()) await openAll(page);
    await assertClean(page, ['color-contrast', 'landmark-one-main', 'page-has-heading-one']);
    await page.close();
  });
