// All heads at once: a picture of each with its class and a metric, walked by keyboard, sorted and filtered. Knows the scene, no host.
import { HEAD_CLASSES } from '../../attention/headClasses';
import type { OverviewAnswer } from '../../inspectionProtocol';
import { t } from '../../l10n';
import { CanvasGrid } from '../canvasGrid';
import { METRICS, type Metric } from '../choices';
import { classLegend, className, LETTERS } from '../classNames';
import { choice, element, explained, setText, toggle } from '../dom';
import { cornerOf, type Flow, flow, headList, type HeadEntry, placeAt, placeKey } from '../headList';
import { toUnit } from '../scale';
import type { Actions, Scene } from '../scene';
import type { Section } from '../fold';
import type { Theme } from '../palette';

export function metricName(metric: Metric): string {
  switch (metric) {
    case 'entropy':
      return t('entropy');
    case 'sink':
      return t('weight on the first token');
    case 'distance':
      return t('mean distance');
    case 'self':
      return t('weight on itself');
    case 'class':
      return t('score of its class');
    case 'effect':
      return t('measured effect');
  }
}

/** A metric's value as people read it. */
export function metricText(metric: Metric, value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  if (metric === 'distance') return value.toFixed(value < 10 ? 1 : 0);
  if (metric === 'effect') return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
  return `${Math.round(100 * value)}\u00a0%`;
}

/** Pictures in a row of the sheet that they are painted on. */
const IN_ROW = 32;

export class OverviewSection implements Section {
  readonly #metric;
  readonly #filter;
  readonly #sorted;
  readonly #readout = element('p', { className: 'readout' });
  readonly #grid: CanvasGrid;
  readonly root;
  #scene: Scene | undefined;
  #entries: HeadEntry[] = [];
  #flow: Flow | undefined;
  /** What is drawn; it is drawn anew only for something else. */
  #drawn: unknown[] = [];
  /** All pictures with their names, without the mark of the chosen head: another head moves the mark alone. */
  readonly #base = element('canvas');
  #painted: { of: OverviewAnswer; theme: Theme; scale: string; image: HTMLCanvasElement } | undefined;

  constructor(actions: Actions) {
    const { change } = actions;
    this.#metric = choice(t('Show'), METRICS.map((metric) => [metric, metricName(metric)] as const), (metric) => change({ metric })); // prettier-ignore
    const classes = HEAD_CLASSES.map((name) => [name as string, className(name)] as const);
    this.#filter = choice(t('Class'), [['', t('all')], ...classes], (filter) => change({ filter }));
    this.#sorted = toggle(t('Largest first'), (sorted) => change({ sorted }));
    const open = (entry: HeadEntry | undefined): void => {
      if (!entry) return;
      const { layer, head } = entry;
      // Before the next drawing another key may come.
      if (this.#scene) this.#scene = { ...this.#scene, choices: { ...this.#scene.choices, layer, head } };
      change({ layer, head });
      actions.say(this.#describe(entry));
    };
    this.#grid = new CanvasGrid(t('All heads: rows are layers, columns are heads'), {
      key: (key) => {
        const at = this.#flow && placeKey(key, this.#selected(), this.#flow.columns, this.#entries.length);
        if (at === undefined) return false;
        open(this.#entries[at]);
        return true;
      },
      hover: (at) => {
        const place = at && this.#flow && placeAt(this.#flow, this.#entries.length, at.x, at.y);
        const entry = this.#entries[place ?? this.#selected()];
        if (entry) setText(this.#readout, this.#describe(entry));
      },
      resized: () => this.#scene && this.draw(this.#scene),
      click: ({ x, y }) => {
        const place = this.#flow && placeAt(this.#flow, this.#entries.length, x, y);
        if (place !== undefined) open(this.#entries[place]);
      },
    });
    const legend = explained(t('Classes'), classLegend(), t('Score of a class = weight on the keys of its pattern / weight on all keys but the first, over the queries that have such keys; it must also be twice what looking everywhere alike would give.')); // prettier-ignore
    this.root = element('div', {}, element('div', { className: 'toolbar' }, this.#metric.root, this.#filter.root, this.#sorted.root), this.#grid.root, this.#readout, legend); // prettier-ignore
  }

  draw(scene: Scene): void {
    this.#scene = scene;
    const { choices, inspected } = scene;
    this.#metric.input.value = choices.metric;
    this.#filter.input.value = choices.filter;
    this.#sorted.input.checked = choices.sorted;
    const { overview } = inspected;
    if (!overview && scene.busy) return;
    this.#grid.root.hidden = !overview;
    if (!overview) return;
    const effects = inspected.effects.get(scene.query)?.answer;
    const { layer, head, metric, sorted, filter, scale } = choices;
    const state = [overview, effects, scene.theme, this.#grid.width, layer, head, metric, sorted, filter, scale];
    if (state.every((value, index) => value === this.#drawn[index])) return;
    const before = this.#drawn;
    this.#drawn = state;
    const moved = state.every((value, index) => value === before[index] || index === 4 || index === 5);
    if (!moved || !this.#flow) {
      this.#entries = headList(inspected, overview, effects, choices);
      const { heads, kvHeads } = inspected.facts.shape;
      const inPlace = !choices.sorted && choices.filter === '';
      this.#flow = flow(this.#entries.length, heads, heads / kvHeads, this.#grid.width - 2, inPlace);
      this.#paint(scene, overview, this.#flow, inPlace);
    }
    this.#show(scene, this.#flow);
    const at = this.#selected();
    const entry = this.#entries[at];
    const { columns } = this.#flow;
    const rows = Math.ceil(this.#entries.length / columns);
    const text = entry ? this.#describe(entry) : t('No head is of this class.');
    if (before[4] !== layer || before[5] !== head || before[3] !== this.#grid.width)
      this.#grid.reveal({ ...cornerOf(this.#flow, at), ...this.#flow });
    this.#grid.describe(text, Math.floor(at / columns), rows, at % columns, columns);
    setText(this.#readout, text);
  }

  /** Place of the chosen head in the order; 0 where it is not among those shown. */
  #selected(): number {
    const choices = this.#scene?.choices;
    return Math.max(
      0,
      this.#entries.findIndex(({ layer, head }) => layer === choices?.layer && head === choices.head),
    );
  }

  #describe(entry: HeadEntry): string {
    const metric = this.#scene?.choices.metric ?? 'entropy';
    const said = metric === 'effect' ? t('{0} nats', metricText(metric, entry.value)) : metricText(metric, entry.value);
    const kind = entry.class ? className(entry.class) : t('no class');
    return t('layer {0}, head {1}: {2}; {3} {4}', entry.layer, entry.head, kind, metricName(metric), said);
  }

  #paint(scene: Scene, overview: OverviewAnswer, flowing: Flow, inPlace: boolean): void {
    const { theme, choices } = scene;
    const { edge } = flowing;
    const { width, height } = this.#sizeOf(flowing);
    Object.assign(this.#base, { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) }); // prettier-ignore
    const context = this.#base.getContext('2d');
    if (!context) return;
    context.scale(devicePixelRatio, devicePixelRatio);
    const image = this.#imageOf(overview, scene);
    context.font = theme.font;
    context.imageSmoothingEnabled = false;
    const { side } = overview;
    this.#entries.forEach((entry, at) => {
      const { x, y } = cornerOf(flowing, at);
      const from = { x: (entry.index % IN_ROW) * side, y: Math.floor(entry.index / IN_ROW) * side };
      context.drawImage(image, from.x, from.y, side, side, x + 1, y + 1, edge, edge);
      context.lineWidth = 1;
      context.strokeStyle = theme.line;
      context.strokeRect(x + 0.5, y + 0.5, edge + 1, edge + 1);
      context.textBaseline = 'top';
      context.textAlign = 'left';
      context.fillStyle = theme.foreground;
      // The upper right of a causal picture is always empty: there is room for a name.
      const value = metricText(choices.metric, entry.value);
      const letter = entry.class ? LETTERS[entry.class] : '';
      if (!inPlace) context.fillText(letter, x + 2, y + edge + 4);
      context.textAlign = 'right';
      context.fillText(edge < 40 ? value.replace(/\s%/, '') : value, x + edge + 1, y + edge + 4);
      context.fillStyle = inPlace ? theme.foreground : theme.faint;
      context.fillText(inPlace ? letter : `${entry.layer}.${entry.head}`, x + edge - 2, y + 4);
    });
    if (inPlace) this.#nameRows(context, scene, flowing);
  }

  /** Size of the whole in CSS pixels. */
  #sizeOf(flowing: Flow): { width: number; height: number } {
    const rows = Math.ceil(this.#entries.length / flowing.columns);
    const last = cornerOf(flowing, flowing.columns - 1);
    return { width: Math.max(1, last.x + flowing.width), height: Math.max(1, flowing.top + rows * flowing.height) };
  }

  /** Puts what is painted on the page, and the mark of the chosen head over it. */
  #show({ theme, choices }: Scene, flowing: Flow): void {
    const { width, height } = this.#sizeOf(flowing);
    const context = this.#grid.prepare(width, height);
    const { width: wide, height: high } = this.#base;
    if (wide > 0 && high > 0) context.drawImage(this.#base, 0, 0, wide / devicePixelRatio, high / devicePixelRatio);
    const at = this.#entries.findIndex(({ layer, head }) => layer === choices.layer && head === choices.head);
    if (at < 0) return;
    const { x, y } = cornerOf(flowing, at);
    context.strokeStyle = theme.focus;
    context.lineWidth = 2;
    context.strokeRect(x, y, flowing.edge + 2, flowing.edge + 2);
  }

  /** Names of layers and heads, and brackets over heads that share keys and values. */
  #nameRows(context: CanvasRenderingContext2D, { theme, inspected }: Scene, flowing: Flow): void {
    const { layers, heads } = inspected.facts.shape;
    const { edge, height, top, group } = flowing;
    context.fillStyle = theme.faint;
    context.strokeStyle = theme.faint;
    context.lineWidth = 1;
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    for (let layer = 0; layer < layers; layer++)
      context.fillText(String(layer), flowing.left - 8, top + layer * height + edge / 2);
    context.textAlign = 'center';
    for (let head = 0; head < heads; head++) context.fillText(String(head), cornerOf(flowing, head).x + edge / 2, 7);
    if (group === 1) return;
    context.beginPath();
    for (let first = 0; first < heads; first += group) {
      const from = cornerOf(flowing, first).x + 1.5;
      const to = cornerOf(flowing, Math.min(heads, first + group) - 1).x + edge + 0.5;
      context.moveTo(from, 20);
      context.lineTo(from, 15.5);
      context.lineTo(to, 15.5);
      context.lineTo(to, 20);
    }
    context.stroke();
  }

  /** The pictures of all heads in the theme's colours, on one sheet; painted once for an answer. */
  #imageOf(overview: OverviewAnswer, { theme, choices }: Scene): HTMLCanvasElement {
    const { scale } = choices;
    if (this.#painted?.of === overview && this.#painted.theme === theme && this.#painted.scale === scale)
      return this.#painted.image;
    const { side, thumbnails } = overview;
    const count = thumbnails.length / (side * side);
    const image = element('canvas', { width: IN_ROW * side, height: Math.ceil(count / IN_ROW) * side });
    const colors = Uint32Array.from({ length: 256 }, (_, root) => theme.ramp[Math.round(255 * toUnit(scale, (root / 255) ** 2))] ?? 0); // prettier-ignore
    const pixels = new Uint32Array(image.width * image.height);
    for (let head = 0; head < count; head++) {
      const corner = Math.floor(head / IN_ROW) * side * image.width + (head % IN_ROW) * side;
      for (let row = 0; row < side; row++)
        for (let column = 0; column <= row; column++)
          pixels[corner + row * image.width + column] =
            colors[thumbnails[(head * side + row) * side + column] ?? 0] ?? 0;
    }
    const data = new ImageData(new Uint8ClampedArray(pixels.buffer), image.width, image.height);
    image.getContext('2d')?.putImageData(data, 0, 0);
    this.#painted = { of: overview, theme, scale, image };
    return image;
  }
}
