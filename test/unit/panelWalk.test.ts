// The whole panel by keyboard, as somebody hears it who does not see: compared with a transcript that was read and found to make sense,
// golden/panel-transcript.txt. From nothing focused, each section is reached and used; the focus is always there and always seen.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPanels, SMALL, THEMES, type ThemeName, withoutBrowser } from './panelBrowser';
import { type Heard, Listener } from './panelHeard';
import { posted, quiet } from './panelSteps';

let panels: Awaited<ReturnType<typeof openPanels>> | undefined;
before(async () => {
  if (withoutBrowser === false) panels = await openPanels();
});
after(() => panels?.browser.close());

const TRANSCRIPT = 'test/golden/panel-transcript.txt';
/** Somewhat longer than the panel waits before it says something. */
const SPOKEN = 450;
/** More stops than the page has. */
const MOST = 120;

/** [what for, role and name of what is gone to by Tab, keys that are pressed there] */
const WALK: [what: string, role: string, name: RegExp, ...keys: string[]][] = [
  ['fold and unfold the answer', 'DisclosureTriangle', /^What the completion drew from$/, 'Enter', 'Enter'],
  ['show a source in the editor', 'button', /parseArgs/, 'Enter'],
  ['choose a token', 'option', /./, 'ArrowLeft', 'ArrowUp', 'Home', 'ArrowRight', 'End'],
  ['choose a head', 'grid', /^All heads/, 'ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowLeft'],
  ['draw less of each row', 'slider', /^Draw the top/, 'ArrowLeft', 'Home', 'End'],
  ['hide the first token', 'checkbox', /^Hide first token/, 'Space'],
  ['walk through the map', 'grid', /^Attention weights/, 'ArrowUp', 'Home', 'ArrowRight', 'PageUp', 'h', 'L'],
  ['unfold the query in all heads', 'DisclosureTriangle', /^The query in all heads$/, 'Enter'],
  ['walk through it', 'grid', /^The selected query/, 'ArrowDown', 'Home', 'ArrowRight'],
  ['unfold the next token', 'DisclosureTriangle', /^The next token$/, 'Enter'],
  ['keep three tokens', 'slider', /^Top-k/, 'ArrowRight', 'ArrowRight', 'ArrowRight'],
  ['read the table of tokens', 'region', /likeliest/, 'ArrowDown'],
  ['unfold the effects', 'DisclosureTriangle', /^Did it matter/, 'Space'],
  ['measure', 'button', /^Measure$/, 'Enter'],
  ['go to the head with the largest effect', 'button', /^layer/, 'Enter'],
  ['unfold the lesson', 'DisclosureTriangle', /^How a head works$/, 'Enter'],
  ['choose a file format', 'combobox', /^Save as/, 'ArrowDown'],
  ['save', 'button', /^Save$/, 'Enter'],
];

/** What is wrong with the focus as it is seen; nothing where it is on the page, in view, and set off. */
const UNSEEN = `(() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return 'nothing has the focus';
  if (!focused.matches(':focus-visible')) return 'the focus is not shown';
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(focused);
  if (outlineStyle === 'none' || parseFloat(outlineWidth) < 1 || outlineColor.endsWith(', 0)')) return 'no outline';
  const { top, bottom, left, right, width, height } = focused.getBoundingClientRect();
  if (width * height === 0 || bottom <= 0 || right <= 0 || top >= innerHeight || left >= innerWidth) return 'out of view';
  return '';
})()`;

const whole = ({ line, cell }: Heard): string => (cell === '' ? line : `${line} › ${cell}`);

async function assertSeen(page: Page, where: string): Promise<void> {
  assert.equal(await page.evaluate(UNSEEN), '', where);
}

/** Tabs through a page once, from nothing to nothing: what each stop is. Then back again, through the same. */
async function tabThrough(page: Page, listener: Listener): Promise<string[]> {
  const stops: string[] = [];
  for (;;) {
    await page.keyboard.press('Tab');
    if (await page.evaluate('document.activeElement === document.body')) break;
    const line = whole(await listener.focus());
    await assertSeen(page, line);
    stops.push(line);
    assert.ok(stops.length < MOST, `a trap: ${stops.slice(-3).join(' | ')}`);
  }
  for (const stop of stops.toReversed()) {
    await page.keyboard.press('Shift+Tab');
    assert.equal(whole(await listener.focus()), stop, 'the way back is the same');
  }
  return stops;
}

test(
  'the panel is walked through and used by keyboard alone, and makes sense to who only hears it',
  { skip: withoutBrowser },
  async () => {
    // prettier-ignore
    assert.ok(panels);
    const page = await panels.open(SMALL);
    await quiet(page);
    const listener = await Listener.on(page);
    const lines = ['As the panel opens, by Tab'];
    const stops = await tabThrough(page, listener);
    lines.push(...stops.map((stop) => `  ${stop}`));
    for (const [what, role, name, ...keys] of WALK) {
      let heard = await listener.focus();
      for (let tabs = 0; !(heard.role === role && name.test(heard.name)); tabs++) {
        assert.ok(tabs < MOST, `${what}: never reached`);
        await page.keyboard.press('Tab');
        heard = await listener.focus();
      }
      await assertSeen(page, what);
      lines.push('', `To ${what}`, `  ${whole(heard)}`);
      await listener.said();
      for (const key of keys) {
        await page.keyboard.press(key);
        await quiet(page);
        await page.waitForTimeout(SPOKEN);
        await assertSeen(page, `${what}: ${key}`);
        const said = (await listener.said()).map((text) => `    says “${text.replace(/\s+/g, ' ')}”`);
        const now = await listener.focus();
        const news = now.line === heard.line ? now.cell : whole(now);
        lines.push(`  ${key}${whole(now) === whole(heard) ? '' : ` → ${news}`}`, ...said);
        heard = now;
      }
    }
    const last = (await posted(page)).at(-1);
    assert.ok(last?.type === 'export' && last.name.endsWith('.svg') && last.data.length > 0);
    await page.close();
    const transcript = `${lines.join('\n')}\n`;
    if (transcript === read(TRANSCRIPT)) return;
    mkdirSync('.test-out', { recursive: true });
    writeFileSync('.test-out/panel-transcript.txt', transcript);
    assert.equal(transcript, read(TRANSCRIPT), 'what was heard is in .test-out/panel-transcript.txt');
  },
);

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

for (const theme of Object.keys(THEMES) as ThemeName[])
  test(
    `${theme}: with everything unfolded, each stop of the Tab key is seen, and none is a trap`,
    { skip: withoutBrowser },
    async () => {
      // prettier-ignore
      assert.ok(panels);
      const page = await panels.open(SMALL, { theme, width: 360 });
      await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))");
      await quiet(page);
      const stops = await tabThrough(page, await Listener.on(page));
      assert.equal(stops.filter((stop) => stop.startsWith('section')).length, await page.locator('summary').count()); // prettier-ignore
      assert.equal(stops.filter((stop) => stop.startsWith('grid')).length, 3);
      await page.close();
    },
  );

/** Everything that can have the focus, by place. */
const FOCUSABLE = "[...document.querySelectorAll('summary, button, select, input, [tabindex=\"0\"]')].filter((each) => each.checkVisibility())"; // prettier-ignore

// [what happens while the focus is somewhere, the same as a script]
const REDRAWN: [name: string, happens: string][] = [
  ['the text grows', 'panel.grow(panel.n + 1, false)'],
  ['the text ends', 'panel.grow(panel.n, true)'],
  ['another text is looked at', "panel.send({ type: 'show', sequence: 'last' })"],
  ['the theme changes', "document.body.classList.toggle('vscode-light')"],
];
for (const [name, happens] of REDRAWN)
  test(`the focus is kept when ${name}`, { skip: withoutBrowser }, async () => {
    assert.ok(panels);
    const page = await panels.open({ ...SMALL, n: 40, promptTokens: 30 });
    await page.evaluate("panel.grow(panel.n + 1, false); document.querySelectorAll('details').forEach((each) => (each.open = true))"); // prettier-ignore
    await quiet(page);
    await page.getByRole('button', { name: 'Measure' }).click();
    await quiet(page);
    const [count, lost] = await page.evaluate<[number, string[]]>(`(async () => {
      const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
      const settled = async () => { do for (let k = 0; k < 3; k++) await frame(); while (document.querySelector('main').ariaBusy === 'true'); };
      const focusable = () => ${FOCUSABLE};
      const [count, lost] = [focusable().length, []];
      for (let at = 0; at < count; at++) {
        if (!panel.writing) { panel.grow(panel.n + 1, false); await settled(); }
        const one = focusable()[at];
        one?.focus();
        ${happens};
        await settled();
        if (document.activeElement === document.body) lost.push(one?.outerHTML.slice(0, 120));
      }
      return [count, lost];
    })()`);
    assert.ok(count > 40, String(count));
    assert.deepEqual(lost, []);
    await page.close();
  });
