// The panel by keyboard alone, in the window: from typing to a suggestion, to what it was drawn from, and back into the code. And rows that
// come while a text is written.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Driver } from '../driver';
import { promptBox } from './generating';
import type { HostTest } from './hostTest';
import { FOCUSED, glassbox, open, setting, settledGhost, sleep, until } from './window';

/** Code whose next words are sure to be suggested, whatever was written before. */
const CODE = `export function area(width: number, height: number): number {
  return width * height;
}

export function volume(width: number, height: number, depth: number): number {
‸
}
`;

/** What has the focus on the page: its role, and the position of a token. */
const FOCUS = `(() => {
  const e = document.activeElement;
  return { in: document.hasFocus(), role: e?.getAttribute('role') ?? '', position: Number(e?.dataset.position ?? -1), what: e?.outerHTML.slice(0, 120) ?? '' };
})()`;
interface Focus {
  in: boolean;
  role: string;
  position: number;
  what: string;
}
const SELECTED = `Number(document.querySelector('.token[aria-selected="true"]')?.dataset.position ?? -1)`;
const TOKENS = `document.querySelectorAll('.token').length`;
/** The head that is chosen, as the section of one head says it. */
const HEAD = `[...document.querySelectorAll('select')].filter((e) => ['Layer', 'Head'].some((name) => e.closest('label')?.textContent.startsWith(name))).map((e) => e.value).join()`;

const LIST = 'export const NAMES = {\n  alpha: 1,\n  beta: 2,\n  gamma: 3,\n‸';

/** Notes each length of the text on the page; at the second an early token is clicked, and from then on noted what is selected. */
const RECORD = `(() => {
  if (document.readyState !== 'complete') return false;
  const recorded = (globalThis.recorded = { lengths: [], selected: [] });
  new MutationObserver(() => {
    const length = ${TOKENS};
    if (length === 0 || recorded.lengths.at(-1) === length) return;
    if (recorded.lengths.at(-1) > length) Object.assign(recorded, { lengths: [], selected: [] }); // another text
    recorded.lengths.push(length);
    if (recorded.lengths.length === 2) document.querySelector('.token[data-position="5"]').click();
    if (recorded.lengths.length > 2) recorded.selected.push(${SELECTED});
  }).observe(document.body, { childList: true, subtree: true });
  return true;
})()`;
interface Recorded {
  lengths: number[];
  selected: number[];
}

async function focus(driver: Driver): Promise<Focus> {
  return driver.webview.evaluate<Focus>(FOCUS).catch(() => ({ in: false, role: '', position: -1, what: 'no page' }));
}

/** Presses Tab until the focus is on what is looked for. */
async function tabTo(driver: Driver, what: string, there: (focus: Focus) => boolean): Promise<Focus> {
  const seen: string[] = [];
  for (let presses = 0; presses < 40; presses++) {
    const now = await focus(driver);
    if (there(now)) return now;
    seen.push(now.what);
    await driver.press('Tab');
    await sleep(50);
  }
  return assert.fail(`Tab did not come to ${what}: ${seen.join('\n')}`);
}

/** Runs a command from the palette, by keys. */
async function command(driver: Driver, title: string): Promise<void> {
  await driver.press('F1');
  await promptBox(driver);
  await driver.type(title);
  await until(`the command ${title}`, async () => (await promptBox(driver)).list.includes(title) || undefined);
  await driver.press('Enter');
}

export const tests: HostTest[] = [
  {
    name: 'the panel by keyboard alone: from a suggestion to what it was drawn from, head by head, and back into the code',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      const api = await glassbox();
      await setting(t, 'threshold', 'eager');
      await setting(t, 'workspaceMemory', false); // what other tests have written has no say
      const editor = await open(t, 'typescript', CODE);
      t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
      await driver.type('  return width * ');
      await settledGhost(driver);
      await driver.press('Tab');
      await until('it to be accepted', () => api.history().find(({ fate }) => fate === 'accepted'));
      await driver.press('Escape');
      await command(driver, 'Glassbox: Why Did It Suggest That?');
      await until('the page to have the keys', async () => ((await focus(driver)).in ? true : undefined));
      await until('the tokens', async () => (await driver.webview.evaluate<number>(TOKENS)) > 0 || undefined);

      const start = await tabTo(driver, 'a token', ({ position }) => position >= 0);
      for (let back = 1; back <= 6; back++) {
        await driver.press('ArrowLeft');
        await until(`the token before, ${back} times`, async () =>
          (await focus(driver)).position === start.position - back && (await driver.webview.evaluate<number>(SELECTED)) === start.position - back ? true : undefined,
        ); // prettier-ignore
      }
      const marked = await until('its place to be outlined, and what it looked at to be shaded', () => {
        const now = api.marked(editor.document);
        return now.outlined.length > 0 && now.shaded.flat().length > 0 ? now : undefined;
      });
      assert.ok(marked.outlined.every((range) => range.end.isAfter(range.start)));
      await driver.screenshot('panel-keys');

      const before = await driver.webview.evaluate<string>(HEAD);
      await tabTo(driver, 'the heads', ({ role }) => role === 'grid' || role === 'gridcell');
      await driver.press('ArrowRight');
      await driver.press('Enter');
      await until('another head', async () =>
        (await driver.webview.evaluate<string>(HEAD)) !== before ? true : undefined,
      );

      await driver.press('Control+1');
      await until('the editor to have the keys', async () => (await driver.evaluate<boolean>(FOCUSED)) || undefined);
      const chosen = await driver.webview.evaluate<number>(SELECTED);
      await driver.press('Control+Home');
      await driver.press('ArrowRight');
      await until('the token at the caret', async () => {
        const now = await driver.webview.evaluate<number>(SELECTED);
        return now !== chosen && now >= 0 ? true : undefined;
      });
    },
  },
  {
    name: 'rows come while a text is written, and who looks at an earlier token stays there',
    timeoutMs: 120_000,
    async run(t) {
      const driver = t.needDriver();
      await glassbox();
      await setting(t, 'generate.maxTokens', 800);
      await setting(t, 'generate.temperature', 1.3); // what nobody can guess is written token by token
      // A text may end early, and the model writes faster than a busy window draws.
      for (let round = 1; ; round++) {
        const { document } = await open(t, 'typescript', LIST);
        await vscode.commands.executeCommand('glassbox.showAttention');
        await until('the editor to have the keys', async () => {
          await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
          await sleep(300);
          return (await driver.evaluate<boolean>(FOCUSED)) || undefined;
        });
        await until('the page', async () =>
          (await driver.webview.evaluate<boolean>(RECORD).catch(() => false)) ? true : undefined,
        );
        await vscode.commands.executeCommand('glassbox.continueHere');
        await sleep(1500);
        const { lengths, selected } = await driver.webview.evaluate<Recorded>('globalThis.recorded');
        console.log(`lengths on the page: ${lengths.join(', ')}; selected: ${selected.join(', ')}`);
        assert.ok(selected.every((position) => position === 5));
        if (lengths.length >= 3 && selected.length > 0) break;
        assert.ok(round < 8, 'it never grew on the page');
        await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      }
    },
  },
];
