// One query in all heads: a row of pixels for each head, above it the sum of them. Knows the scene, no host.
import type { RowAnswer } from '../../inspectionProtocol';
import { t } from '../../l10n';
import { CanvasGrid } from '../canvasGrid';
import { SUMMARIES, type Choices } from '../choices';
import { choice, element, setText } from '../dom';
import { percent, toUnit } from '../scale';
import type { Actions, Scene } from '../scene';
import type { Section } from '../fold';
import { TopTable } from '../table';
import { hideFirst, overHeads } from '../weights';
import { nameOf } from '../words';

const LEFT = 34;
/** Height of the summary's bars. */
const TOP = 48;

function summaryName(summary: Choices['summary']): string {
  switch (summary) {
    case 'mean':
      return t('mean of all heads');
    case 'max':
      return t('largest of all heads');
    case 'rollout':
      return t('rollout');
  }
}

function formula(summary: Choices['summary']): string {
  switch (summary) {
    case 'mean':
      return t('Mean over all layers and heads of the weight on each key.');
    case 'max':
      return t('The largest weight on each key in any head; the sum may exceed 100 %.');
    case 'rollout':
      return t('Rollout (Abnar and Zuidema 2020): Â = (mean of a layer’s heads + identity) / 2, multiplied through all layers. It favours early tokens in every decoder; the bars show it divided by the rollout of uniform attention, which has the same bias, then scaled to 100 %.'); // prettier-ignore
  }
}

export class RowSection implements Section {
  readonly #summary;
  readonly #grid: CanvasGrid;
  readonly #readout = element('p', { className: 'readout' });
  readonly #about = element('p', { className: 'about' });
  readonly #table = new TopTable();
  readonly #content;
  readonly root;
  #scene: Scene | undefined;
  /** Something is drawn. */
  #here = false;
  /** What is drawn; it is drawn anew only for something else. */
  #drawn: unknown[] = [];
  #cell = { width: 1, height: 4 };

  constructor(actions: Actions) {
    const { change } = actions;
    const summaries = SUMMARIES.map((summary) => [summary, summaryName(summary)] as const);
    this.#summary = choice(t('Summary'), summaries, (summary) => change({ summary }));
    this.#grid = new CanvasGrid(t('The selected query in every head: rows are heads, columns are keys'), {
      key: (key) => this.#onKey(key, actions),
      hover: (at) => {
        const found = at && this.#at(at);
        this.#describe(found);
        actions.point(found?.key ?? this.#scene?.query ?? -1, false);
      },
      resized: () => this.#scene && this.draw(this.#scene),
      click: (at) => {
        const found = this.#at(at);
        if (found) change({ ...this.#headOf(found.row), query: this.#scene?.query ?? -1, key: found.key });
      },
    });
    this.#content = element('div', {}, this.#grid.root, this.#readout, this.#about, this.#table.root);
    this.root = element('div', {}, element('div', { className: 'toolbar' }, this.#summary.root), this.#content);
  }

  draw(scene: Scene): void {
    this.#scene = scene;
    const { inspected, choices, query, key } = scene;
    this.#summary.input.value = choices.summary;
    const answer = inspected.rows.get(query);
    if (!answer && scene.busy && this.#here) return;
    this.#content.hidden = !answer;
    if (!answer) return;
    this.#here = true;
    const rollout = inspected.rollouts.get(query);
    const { layer, head, scale, hideFirst: hides, summary: by } = choices;
    const state = [answer, rollout, scene.theme, this.#grid.width, key, layer, head, scale, hides, by, inspected];
    if (state.every((value, index) => value === this.#drawn[index])) return;
    this.#drawn = state;
    const summary = summaryRow(scene, answer);
    const hidden = summary && query > 0 && choices.summary !== 'max' ? hideFirst(summary) : 0;
    this.#paint(scene, answer, summary);
    const left = hidden > 0 ? t('The first token, with {0}, is left out of the summary.', percent(hidden)) : '';
    setText(this.#about, [formula(choices.summary), left].join(' ').trim());
    this.#table.root.hidden = !summary;
    if (summary) this.#table.fill(summary, inspected.labels, key, query > 0 ? 1 : 0);
    this.#describe(undefined);
    const { layers, heads } = inspected.facts.shape;
    this.#grid.describe(
      this.#sentence(this.#selected(), inspected.spoken),
      this.#selected().row,
      layers * heads,
      key,
      query + 1,
    );
  }

  #paint(
    { inspected, choices, theme, query, key }: Scene,
    { weights }: RowAnswer,
    summary: Float32Array | undefined,
  ): void {
    const keys = query + 1;
    const { layers, heads } = inspected.facts.shape;
    const rows = layers * heads;
    const width = Math.max(120, this.#grid.width - 2);
    const height = Math.max(3, Math.min(14, Math.round(320 / rows)));
    this.#cell = { width: Math.min(24, (width - LEFT) / keys), height };
    const context = this.#grid.prepare(width, TOP + rows * height + 4);
    const image = element('canvas', { width: keys, height: rows });
    const colors = Uint32Array.from({ length: 1024 }, (_, root) => theme.ramp[Math.round(255 * toUnit(choices.scale, (root / 1023) ** 2))] ?? 0); // prettier-ignore
    const pixels = Uint32Array.from({ length: keys * rows }, (_, at) =>
      choices.hideFirst && at % keys === 0 ? 0 : (colors[(weights[at] ?? 0) >>> 6] as number),
    );
    image.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), keys, rows), 0, 0);
    context.imageSmoothingEnabled = this.#cell.width < 1;
    context.drawImage(image, LEFT, TOP, keys * this.#cell.width, rows * height);
    this.#bars(context, theme.generated, summary);
    context.font = theme.font;
    context.fillStyle = context.strokeStyle = theme.faint;
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    context.beginPath();
    for (let layer = 0; layer < layers; layer++) {
      const y = TOP + layer * heads * height;
      if (heads * height >= 11 || layer % 2 === 0) context.fillText(String(layer), LEFT - 6, y + (heads * height) / 2);
      context.moveTo(LEFT - 4, Math.round(y) + 0.5);
      context.lineTo(LEFT, Math.round(y) + 0.5);
    }
    context.stroke();
    context.strokeStyle = theme.focus;
    context.lineWidth = 2;
    const y = TOP + (choices.layer * heads + choices.head) * height;
    context.strokeRect(LEFT - 1, y - 1, keys * this.#cell.width + 2, height + 2);
    context.lineWidth = 1;
    context.strokeStyle = theme.foreground;
    context.strokeRect(
      LEFT + key * this.#cell.width - 0.5,
      TOP - 1,
      Math.max(2, this.#cell.width) + 1,
      rows * height + 2,
    );
  }

  #bars(context: CanvasRenderingContext2D, color: string, summary: Float32Array | undefined): void {
    if (!summary) return;
    const top = Math.max(...summary, 1e-9);
    context.fillStyle = color;
    summary.forEach((weight, key) => {
      const height = (TOP - 8) * (weight / top);
      context.fillRect(LEFT + key * this.#cell.width, TOP - 4 - height, Math.max(1, this.#cell.width - 0.5), height);
    });
  }

  #at({ x, y }: { x: number; y: number }): { row: number; key: number } | undefined {
    if (!this.#scene) return undefined;
    const key = Math.floor((x - LEFT) / this.#cell.width);
    const row = Math.max(0, Math.floor((y - TOP) / this.#cell.height));
    const { layers, heads } = this.#scene.inspected.facts.shape;
    return key >= 0 && key <= this.#scene.query && row < layers * heads ? { row, key } : undefined;
  }

  #headOf(row: number): { layer: number; head: number } {
    const heads = this.#scene?.inspected.facts.shape.heads ?? 1;
    return { layer: Math.floor(row / heads), head: row % heads };
  }

  #selected(): { row: number; key: number } {
    const scene = this.#scene;
    if (!scene) return { row: 0, key: 0 };
    return { row: scene.choices.layer * scene.inspected.facts.shape.heads + scene.choices.head, key: scene.key };
  }

  /** @param labels as they are read out, or else as they are seen */
  #sentence({ row, key }: { row: number; key: number }, labels = this.#scene?.inspected.labels ?? []): string {
    if (!this.#scene) return '';
    const { inspected, query } = this.#scene;
    const w = inspected.rows.get(query)?.weights[row * (query + 1) + key] ?? 0;
    const { layer, head } = this.#headOf(row);
    return t('layer {0}, head {1} → key {2}: {3}', layer, head, nameOf(labels, key), percent((w / 65535) ** 2)); // prettier-ignore
  }

  #describe(cell: { row: number; key: number } | undefined): void {
    setText(this.#readout, this.#sentence(cell ?? this.#selected()));
  }

  #onKey(key: string, { change, say }: Actions): boolean {
    const scene = this.#scene;
    if (!scene) return false;
    const { layers, heads } = scene.inspected.facts.shape;
    const selected = this.#selected();
    const steps: Record<string, [rows: number, keys: number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-heads, 0], PageDown: [heads, 0], Home: [0, -Infinity], End: [0, Infinity] }; // prettier-ignore
    const by = steps[key];
    if (!by) return false;
    const row = Math.min(layers * heads - 1, Math.max(0, selected.row + by[0]));
    const to = Math.min(scene.query, Math.max(0, selected.key + by[1]));
    // Before the next drawing another key may come.
    this.#scene = { ...scene, key: to, choices: { ...scene.choices, ...this.#headOf(row) } };
    change({ ...this.#headOf(row), query: scene.query, key: to });
    say(this.#sentence({ row, key: to }, scene.inspected.spoken));
    return true;
  }
}

/** The summary of a row, [query + 1]; undefined while it is not here. */
function summaryRow({ inspected, choices, query }: Scene, { weights }: RowAnswer): Float32Array | undefined {
  if (choices.summary !== 'rollout') return overHeads(weights, query + 1)[choices.summary];
  const rollout = inspected.rollouts.get(query);
  if (!rollout) return undefined;
  const corrected = rollout.weights.map((weight, key) => weight / Math.max(1e-12, rollout.uniform[key] ?? 0));
  const sum = corrected.reduce((all, value) => all + value, 0);
  return corrected.map((value) => value / sum);
}
