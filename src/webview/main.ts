// The attention panel: joins toolbar, map, read-out and table, asks the extension host for heads and keeps the reader's
// choices. Knows the messages of protocol.ts and nothing of engine or editor. Started by the page of attentionPanel.ts.
import './strings';
import { t } from '../l10n';
import type { FromWebview, ShowMap, ToWebview } from '../webviewProtocol';
import { type Choices, readChoices } from './choices';
import { element, setText } from './dom';
import { Exchange } from './exchange';
import { type Cell, ZOOMS } from './layout';
import { Legend } from './legend';
import { MapView } from './mapView';
import { describeCell, describeHidden, describeMap, firstCell, present, type Shown } from './shown';
import { Speech } from './speech';
import { TopTable } from './table';
import { onThemeChange, readTheme } from './theme';
import { Toolbar } from './toolbar';

declare function acquireVsCodeApi(): {
  postMessage(message: FromWebview): void;
  getState(): unknown;
  setState(state: Choices): void;
};

const KEYS = t(
  'Arrow keys move the selected cell, Page Up and Page Down by several rows, Home and End to the ends of the row, with Control to the ends of the map. H and Shift+H step through the heads, L and Shift+L through the layers, + and − change the cell size, 0 fits the map.',
);

const host = acquireVsCodeApi();
const exchange = new Exchange(readChoices(host.getState()), (message) => host.postMessage(message));
let choices = readChoices(host.getState());
let theme = readTheme();
let source: ShowMap | undefined;
let shown: Shown | undefined;

const toolbar = new Toolbar(change);
const legend = new Legend();
const table = new TopTable();
const speech = new Speech();
const notice = element('p', { className: 'notice', role: 'status' });
const about = element('p', { className: 'about' });
const hidden = element('p', { className: 'about' });
const readout = element('p', { className: 'readout' });
const map = new MapView(theme, {
  select: (cell) => {
    select(cell);
    if (shown) speech.say(describeCell(shown, cell));
  },
  hover: (cell) => describe(cell),
  stepHead: (by) => step('head', by, source?.heads),
  stepLayer: (by) => step('layer', by, source?.layers),
  stepZoom: (by) => change({ zoom: by === 0 ? 0 : nextZoom(by) }),
  arranged: (cellsPerPixel) => shown && setText(about, describeMap(shown, cellsPerPixel)),
});
const help = element('details', { className: 'help' }, element('summary', {}, t('Keys')), element('p', { id: 'keys-help' }, KEYS)); // prettier-ignore
const content = element('div', { className: 'content', hidden: true });
content.append(map.root, element('div', { className: 'side' }, readout, table.root, legend.root, hidden, about, help));
const heading = element('h1', { className: 'unseen' }, t('Attention of the last completion'));
const page = element('main', {}, heading, toolbar.root, notice, content, speech.root);

/** Applies a change of the reader's. */
function change(changed: Partial<Choices>): void {
  choices = { ...choices, ...changed };
  host.setState(choices);
  toolbar.set(choices);
  if ('layer' in changed || 'head' in changed) ask();
  else if ('zoom' in changed) map.setZoom(choices.zoom);
  else refresh();
}

function ask(): void {
  exchange.choose({ layer: choices.layer, head: choices.head });
  showBusy();
}

function step(what: 'layer' | 'head', by: number, count = 0): void {
  if (count > 0) change({ [what]: (choices[what] + by + count) % count });
}

function nextZoom(by: number): number {
  const at = ZOOMS.indexOf(choices.zoom) + by;
  return ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, at))] ?? 0;
}

/** Draws the map again, with the present choices; `reveal` scrolls to the selected cell. */
function refresh(reveal = false): void {
  legend.draw(choices, theme);
  if (!source) return;
  shown = present(source, choices);
  map.show(shown);
  const { query, key } = choices;
  const kept = query >= 0 && query < shown.n && key >= 0 && key <= query;
  select(kept ? { query, key } : firstCell(shown), reveal);
}

function select(cell: Cell, reveal = true): void {
  if (!shown) return;
  choices = { ...choices, ...cell };
  host.setState(choices);
  map.select(cell, reveal);
  table.fill(shown, cell.query, cell.key);
  setText(hidden, describeHidden(shown, cell.query));
  describe(undefined);
}

/** Shows a cell, or else the selected one, in the line of text. */
function describe(cell: Cell | undefined): void {
  if (shown) setText(readout, describeCell(shown, cell ?? choices));
}

function receive(message: ToWebview | undefined): void {
  if (message?.type === 'notice') {
    exchange.refused();
    setText(notice, message.text);
    content.hidden = true;
  } else if (message?.type === 'map' && exchange.accept(message)) {
    const previous = source?.map.tokens.join('\0');
    const isOther = previous !== message.map.tokens.join('\0');
    source = message;
    choices = { ...choices, ...exchange.chosen, ...(isOther && previous !== undefined && { query: -1, key: -1 }) };
    toolbar.offer(source.layers, source.heads);
    toolbar.set(choices);
    content.hidden = false;
    setText(notice, '');
    refresh(isOther);
  }
  showBusy();
}

function showBusy(): void {
  page.ariaBusy = String(exchange.busy);
  page.classList.toggle('busy', exchange.busy);
}

document.body.append(page);
toolbar.set(choices);
map.setZoom(choices.zoom);
window.addEventListener('message', ({ data }: MessageEvent<ToWebview | undefined>) => receive(data));
window.addEventListener('resize', () => map.rearrange());
onThemeChange(() => {
  theme = readTheme();
  map.setTheme(theme);
  legend.draw(choices, theme);
});
setText(notice, t('Reading the attention weights…'));
exchange.start();
showBusy();
