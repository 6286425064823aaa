// One head on one canvas, as the panel shows it, beside one SVG element for each weight: time from the weights to the picture, and frames
// while the pointer moves over it. In a plain browser without graphics card, one after another in one run.

import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { openPanels } from '../../unit/panelBrowser';
import { median } from '../stats';
import { figure, table } from '../table';
import { load } from './load';
import { quantile } from './quantile';
import { install as watch, type Frames, type Waited } from './recorder.mjs';
import { install as rival } from './rivalPage.mjs';

const HELP = `npm run bench:panel -- rival [flags]
  --tokens 64,256,1024
  --rounds 3      heads that are shown, and times that the pointer goes over one (one where that takes over 5 s)
`;
const WAYS = ['ours', 'rectangles', 'lines'] as const;
type Way = (typeof WAYS)[number];
/** Edge of the rivals' pictures: about that of the panel's map in this window. */
const EDGE = 560;
const MOVES = 40;
/** What takes longer is given up, in milliseconds. */
const LIMIT = 15_000;
const SLOW = 5_000;

/** What was measured of one way; milliseconds. */
interface Figures {
  painted: number[];
  frames: number[];
}

/** Runs the benchmark and prints its table. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      tokens: { type: 'string', default: '64,256,1024' },
      rounds: { type: 'string', default: '3' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return void process.stdout.write(HELP);
  const before = load();
  const rows = [
    ['tokens', 'way', 'elements', 'painted, ms', '× ours', 'hover: frame, median', '95 %', 'max', '95 %, × ours'],
  ];
  for (const n of values.tokens.split(',').map(Number)) {
    const found = await atLength(n, Number(values.rounds));
    process.stderr.write(`${n} tokens: measured\n`);
    for (const way of WAYS) {
      const { painted, frames } = found[way];
      const worst = (of: Way): number => quantile(found[of].frames, 0.95);
      rows.push([
        figure(n),
        way,
        way === 'ours' ? '2 canvases' : figure((n * (n + 1)) / 2),
        figure(median(painted)),
        figure(median(painted) / median(found.ours.painted)),
        figure(median(frames)),
        figure(worst(way)),
        figure(Math.max(...frames)),
        figure(worst(way) / worst('ours')),
      ]);
    }
  }
  process.stdout.write(
    `load ${before} before, ${load()} after; – : given up after ${LIMIT / 1000} s\n\n${table(rows)}\n`,
  );
}

/** Each way in turn, in a page of its own; the browser is a new one for each length, so that what is given up ends. */
async function atLength(n: number, rounds: number): Promise<Record<Way, Figures>> {
  const found: Record<Way, Figures> = {
    ours: { painted: [], frames: [] },
    rectangles: { painted: [], frames: [] },
    lines: { painted: [], frames: [] },
  };
  const { browser, open } = await openPanels();
  try {
    const panel = await open({ layers: 1, heads: 12, kvHeads: 12, n, promptTokens: n - 1 });
    await panel.evaluate(`(${watch.toString()})()`);
    await panel.evaluate(`for (const each of document.querySelectorAll('details.section')) each.open = each.querySelector('.map') !== null`); // prettier-ignore
    for (let round = 0; round < rounds; round++) {
      const [waited] = await panel.evaluate<(Waited | undefined)[]>(`glassboxWatch.heads(1, 0)`);
      if (waited) found.ours.painted.push(waited.drawn - waited.answered);
      found.ours.frames.push(...(await hovered(panel, '.map .scroller')));
    }
    await panel.close();
    for (const way of ['rectangles', 'lines'] as const) {
      const page = await browser.newPage({ viewport: { width: 640, height: 900 } });
      await page.evaluate(`(${watch.toString()})(); (${rival.toString()})()`);
      for (let round = 0; round < rounds; round++) {
        const time = await limited(page.evaluate<number>(`rival.show('${way}', ${n}, ${EDGE})`));
        if (time === undefined) break;
        found[way].painted.push(time);
        const frames = await limited(hovered(page, 'svg', way === 'lines'));
        if (frames === undefined) break;
        found[way].frames.push(...frames);
        if (time + frames.reduce((a, b) => a + b, 0) > SLOW) break;
      }
      void page.close().catch(() => undefined); // a page that hangs ends with its browser
    }
  } finally {
    await browser.close();
  }
  return found;
}

/** Moves the real pointer over an element: along the diagonal, or down its left edge. @returns milliseconds from frame to frame */
async function hovered(page: Page, selector: string, leftEdge = false): Promise<number[]> {
  await page.evaluate(`document.querySelector('${selector}').scrollIntoView({ block: 'nearest' })`);
  const box = await page.evaluate<{ x: number; y: number; width: number; height: number }>(
    `document.querySelector('${selector}').getBoundingClientRect().toJSON()`,
  );
  await page.evaluate('glassboxWatch.grow()');
  const end = performance.now() + LIMIT / 2;
  for (let move = 1; move <= MOVES && performance.now() < end; move++) {
    const share = (0.9 * move) / MOVES;
    await page.mouse.move(box.x + (leftEdge ? 20 : 0.6 * share * box.width), box.y + share * box.height);
    await page.evaluate('new Promise((then) => requestAnimationFrame(then))');
  }
  return (await page.evaluate<Frames>('glassboxWatch.stop()')).frame;
}

async function limited<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), LIMIT)));
  work.catch(() => undefined); // given up, it ends when the browser does
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
