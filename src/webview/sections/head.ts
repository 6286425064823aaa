// One head: the zoomable matrix with its controls, read-out, table and legend. Knows the scene, no host.
import { t } from '../../l10n';
import { FULLS, type Choices } from '../choices';
import { choice, element, explained, setText, slider, toggle } from '../dom';
import { ZOOMS } from '../layout';
import { Legend } from '../legend';
import { MapView } from '../mapView';
import { type Scale, SCALES } from '../scale';
import { type Actions, type Scene, shownHead } from '../scene';
import type { Section } from '../fold';
import type { Shown } from '../shown';
import { rowOfShown } from '../shown';
import { TopTable } from '../table';
import type { Theme } from '../palette';
import { describeCell, describeHidden, describeMap, describeMass, type Named } from '../words';

const KEYS = t(
  'Arrow keys move the selected cell, Page Up and Page Down by several rows, Home and End to the ends of the row, with Control to the ends of the map. H and Shift+H step through the heads, L and Shift+L through the layers, + and − change the cell size, 0 fits the map.',
);

function scaleName(scale: Scale): string {
  switch (scale) {
    case 'linear':
      return t('Linear');
    case 'sqrt':
      return t('Square root');
    case 'log':
      return t('Logarithmic');
  }
}

function fullName(full: Choices['full']): string {
  switch (full) {
    case 'row':
      return t('row maximum');
    case 'head':
      return t('maximum of the head');
    case 'all':
      return '100 %';
  }
}

export class HeadSection implements Section {
  readonly #layer;
  readonly #head;
  readonly #scale;
  readonly #full;
  readonly #hideFirst;
  readonly #valueWeighted;
  readonly #mass;
  readonly #zoom;
  readonly #legend = new Legend();
  readonly #table = new TopTable();
  readonly #readout = element('p', { className: 'readout' });
  readonly #about = element('p', { className: 'about' });
  readonly #left = element('p', { className: 'about' });
  readonly #content;
  readonly #map: MapView;
  readonly root;
  #scene: Scene | undefined;
  #named: Named | undefined;
  /** Edge of what a pixel of the map stands for, in cells. */
  #cells = 1;
  /** Of which something is drawn. */
  #sequence = -1;
  /** What is to be said as soon as it is drawn. */
  #unsaid: 'cell' | 'first' | undefined;
  readonly #actions: Actions;
  #drawn: { shown?: Shown; theme?: Theme; zoom?: number; query?: number; key?: number } = {};

  constructor(theme: Theme, actions: Actions) {
    const { change } = actions;
    this.#actions = actions;
    this.#layer = choice(t('Layer'), [], (value) => change({ layer: Number(value) }));
    this.#head = choice(t('Head'), [], (value) => change({ head: Number(value) }));
    this.#scale = choice(t('Scale'), SCALES.map((scale) => [scale, scaleName(scale)] as const), (scale) => change({ scale })); // prettier-ignore
    this.#full = choice(t('Full colour at'), FULLS.map((full) => [full, fullName(full)] as const), (full) => change({ full })); // prettier-ignore
    this.#hideFirst = toggle(t('Hide first token'), (hideFirst) => this.#saying('first', () => change({ hideFirst })), t('The first token often takes most of the attention (an attention sink). Hidden, every row is scaled to 100 % again.')); // prettier-ignore
    this.#valueWeighted = toggle(t('Value-weighted'), (valueWeighted) => change({ valueWeighted }), t('Each weight times the length of the value that it mixes in, every row scaled to 100 % again: α · ‖v‖ / Σ α · ‖v‖.')); // prettier-ignore
    this.#mass = slider(t('Draw the top'), { min: 5, max: 100, step: 5 }, (value) => t('{0} % of each row', value), (value) => change({ mass: value / 100 })); // prettier-ignore
    this.#zoom = slider(t('Cell size'), { min: 0, max: ZOOMS.length - 1, step: 1 }, (at) => zoomName(ZOOMS[at] ?? 0), (at) => change({ zoom: ZOOMS[at] ?? 0 })); // prettier-ignore
    const bars = [this.#layer, this.#head, this.#scale, this.#full, this.#mass, this.#zoom, this.#hideFirst, this.#valueWeighted]; // prettier-ignore
    const toolbar = element('div', { className: 'toolbar', role: 'group', ariaLabel: t('What the map shows') }, ...bars.map(({ root }) => root)); // prettier-ignore
    this.#map = new MapView(theme, {
      select: ({ query, key }) => {
        change({ query, key });
        if (this.#named && this.#scene)
          actions.say(describeCell({ ...this.#named, labels: this.#scene.inspected.spoken }, query, key));
      },
      hover: (cell) => {
        this.#describe(cell);
        const selected = this.#scene?.query ?? -1;
        actions.point(cell ? cell.key : selected, false);
      },
      stepHead: (by) => this.#step('head', by, actions),
      stepLayer: (by) => this.#step('layer', by, actions),
      stepZoom: (by) => change({ zoom: by === 0 ? 0 : nextZoom(this.#scene?.choices.zoom ?? 0, by) }),
      arranged: (cells) => {
        this.#cells = cells;
        if (this.#scene) setText(this.#about, describeMap(this.#scene.inspected.facts, this.#scene.inspected.n, cells));
      },
    });
    const help = explained(t('Keys'), element('p', { id: 'keys-help' }, KEYS));
    const side = element('div', { className: 'side' }, this.#readout, this.#table.root, this.#legend.root, this.#left, this.#about, help); // prettier-ignore
    this.#content = element('div', { className: 'content' }, this.#map.root, side);
    this.root = element('div', {}, toolbar, this.#content);
  }

  /** What is drawn, and how many cells a pixel of it stands for; undefined unless it is on the page and what the scene says. */
  picture(scene: Scene): { canvas: HTMLCanvasElement; cells: number } | undefined {
    const isHere = this.root.checkVisibility() && !this.#content.hidden && this.#content.ariaBusy !== 'true';
    const shown = shownHead(scene);
    const { canvas } = this.#map;
    return isHere && canvas && shown && shown === this.#drawn.shown ? { canvas, cells: this.#cells } : undefined;
  }

  draw(scene: Scene): void {
    this.#scene = scene;
    const { choices, inspected, theme, query, key } = scene;
    this.#setControls(scene);
    const shown = shownHead(scene);
    const isHere = shown !== undefined && query < shown.n;
    // Until another head is here the last one stays: who steps through the heads by keyboard must not lose the focus.
    this.#content.hidden = !isHere && (this.#sequence < 0 || !scene.busy);
    this.#content.ariaBusy = String(!isHere);
    if (!isHere) return;
    this.#sequence = inspected.sequence;
    const { facts, labels } = inspected;
    const { layer, head } = choices;
    this.#named = { shown, labels, layer, head };
    const before = this.#drawn;
    this.#drawn = { shown, theme, zoom: choices.zoom, query, key };
    if (before.theme !== theme) this.#map.setTheme(theme);
    this.#legend.draw(choices, theme);
    if (before.shown !== shown)
      this.#map.show({
        ...this.#named,
        promptTokens: facts.promptTokens,
        window: facts.shape.windows[layer] ?? 0,
        spoken: inspected.spoken,
      });
    if (before.zoom !== choices.zoom) this.#map.setZoom(choices.zoom);
    if (before.shown !== shown || before.query !== query || before.key !== key) {
      this.#map.select({ query, key }, before.query !== query || before.key !== key);
      this.#table.fill(rowOfShown(shown, query), labels, key, shown.first);
      setText(this.#left, [describeHidden(shown, labels, query), describeMass(shown, query)].join(' ').trim());
      this.#describe(undefined);
    }
    this.#map.draw();
    if (this.#unsaid) this.#say(scene, shown, this.#unsaid);
    this.#unsaid = undefined;
  }

  #saying(what: 'cell' | 'first', does: () => void): void {
    this.#unsaid = what;
    does();
  }

  /** What a change brought, for those who do not see the map: the cell in another head, or how much the first token had. */
  #say({ query, key, choices, inspected: { spoken: labels } }: Scene, shown: Shown, what: 'cell' | 'first'): void {
    const { layer, head } = choices;
    const hidden = what === 'first' ? describeHidden(shown, labels, query) : '';
    this.#actions.say(hidden || describeCell({ shown, labels, layer, head }, query, key));
  }

  #setControls({ choices, inspected }: Scene): void {
    const { layers, heads } = inspected.facts.shape;
    fill(this.#layer.input, layers);
    fill(this.#head.input, heads);
    this.#layer.input.value = String(choices.layer);
    this.#head.input.value = String(choices.head);
    this.#scale.input.value = choices.scale;
    this.#full.input.value = choices.full;
    this.#hideFirst.input.checked = choices.hideFirst;
    this.#valueWeighted.input.checked = choices.valueWeighted;
    this.#mass.set(Math.round(100 * choices.mass));
    this.#zoom.set(ZOOMS.indexOf(choices.zoom));
  }

  /** Shows a cell, or else the selected one, in the line of text. */
  #describe(cell: { query: number; key: number } | undefined): void {
    const at = cell ?? this.#scene;
    if (this.#named && at) setText(this.#readout, describeCell(this.#named, at.query, at.key));
  }

  #step(what: 'layer' | 'head', by: number, { change }: Actions): void {
    if (!this.#scene) return;
    const { layers, heads } = this.#scene.inspected.facts.shape;
    const count = what === 'layer' ? layers : heads;
    const next = (this.#scene.choices[what] + by + count) % count;
    this.#saying('cell', () => change({ [what]: next }));
  }
}

const zoomName = (zoom: number): string => (zoom === 0 ? t('fit') : t('{0} px', zoom));

function nextZoom(zoom: number, by: number): number {
  const at = ZOOMS.indexOf(zoom) + by;
  return ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, at))] ?? 0;
}

/** Gives a select the numbers 0 to count − 1. */
function fill(select: HTMLSelectElement, count: number): void {
  if (select.options.length === count) return;
  select.replaceChildren(...Array.from({ length: count }, (_, index) => element('option', {}, String(index))));
}
