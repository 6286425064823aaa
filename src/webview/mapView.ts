// The map on the page: two canvases under a scrolling element, with pointer, keyboard and what a screen reader hears of
// the grid. Knows nothing of the host, of storage or of the other parts of the panel. Made once by main.ts.
import { t } from '../l10n';
import { element, setText } from './dom';
import { drawFocus, drawMap, type View } from './draw';
import { paintHeat } from './heatmap';
import { keyAction } from './keys';
import { arrange, type Cell, cellAt, FRAME, type Layout, scrollTo } from './layout';
import type { Theme } from './palette';
import type { Shown } from './shown';
import { describeCell, type Named } from './words';

/** What the reader does in the map. */
export interface MapEvents {
  select(cell: Cell): void;
  /** The cell under the pointer; undefined when it leaves. */
  hover(cell: Cell | undefined): void;
  stepHead(by: number): void;
  stepLayer(by: number): void;
  /** One step nearer or farther; 0 fits. */
  stepZoom(by: number): void;
  /** The map was laid out; how many cells one pixel stands for, along an edge. */
  arranged(cellsPerPixel: number): void;
}

/** A head's map, the names of its tokens, and where the prompt ends. */
export interface MapContent extends Named {
  promptTokens: number;
  window: number;
  /** Names of the tokens as they are read out. */
  spoken: readonly string[];
}

/** A painted map, side pixels square: of these weights, in these colours. */
interface HeatImage {
  side: number;
  canvas: HTMLCanvasElement;
  data: ImageData;
  of: Shown | undefined;
  ramp: Uint32Array | undefined;
}
/** So many are kept: zooming in and out paints nothing again. */
const IMAGES = 2;

export class MapView {
  readonly #map = element('canvas');
  readonly #focus = element('canvas');
  readonly #space = element('div');
  readonly #scroller = element('div', { className: 'scroller', tabIndex: -1 }, this.#space);
  readonly #gridCell = element('div', { id: 'map-cell', role: 'gridcell', ariaSelected: 'true' });
  readonly #row = element('div', { className: 'unseen', role: 'row' }, this.#gridCell);
  /** What has the focus and what a screen reader sees: a grid of which only the selected cell is there. */
  readonly #grid = element('div', { className: 'grid', role: 'grid', tabIndex: 0 }, this.#row);
  readonly root = element('div', { className: 'map' }, this.#map, this.#focus, this.#scroller, this.#grid);

  readonly #events: MapEvents;
  #theme: Theme;
  #shown: MapContent | undefined;
  #zoom = 0;
  #layout: Layout | undefined;
  /** The coloured map by its side: fitted, and with a pixel for each cell; painted over when there is another. */
  readonly #images: HeatImage[] = [];
  /** What the canvases show: they are drawn anew only for something else. */
  #drawn: unknown[] = [];
  #focused: unknown[] = [];
  /** Sizes and scroll offset as the page last said: asking for them after a change would have it laid out in the middle of a frame. */
  #room = { width: 0, height: 0 };
  #inner = { width: 0, height: 0 };
  #scroll = { x: 0, y: 0 };
  #selected: Cell = { query: 0, key: 0 };
  #hovered: Cell | undefined;
  #frame: number | undefined;

  constructor(theme: Theme, events: MapEvents) {
    this.#theme = theme;
    this.#events = events;
    for (const canvas of [this.#map, this.#focus]) canvas.ariaHidden = 'true';
    this.#grid.ariaLabel = t('Attention weights: rows are queries, columns are keys');
    this.#grid.setAttribute('aria-activedescendant', 'map-cell');
    this.#grid.setAttribute('aria-describedby', 'keys-help');
    this.#grid.addEventListener('keydown', (press) => this.#onKey(press));
    this.#scroller.addEventListener('scroll', () => {
      this.#scroll = { x: this.#scroller.scrollLeft, y: this.#scroller.scrollTop };
      this.#redraw();
    });
    this.#scroller.addEventListener('pointermove', (move) => this.#setHovered(this.#cellUnder(move)));
    this.#scroller.addEventListener('pointerleave', () => this.#setHovered(undefined));
    this.#scroller.addEventListener('click', (click) => {
      const cell = this.#cellUnder(click);
      this.#grid.focus({ preventScroll: true });
      if (cell) this.#events.select(cell);
    });
    this.#scroller.addEventListener('wheel', (wheel) => this.#onWheel(wheel), { passive: false });
    const observer = new ResizeObserver((entries) => this.#resized(entries));
    observer.observe(this.root);
    observer.observe(this.#scroller);
  }

  /** Shows a map, or none. */
  show(content: MapContent | undefined): void {
    this.#shown = content;
    this.#hovered = undefined;
    this.#grid.ariaRowCount = this.#grid.ariaColCount = String(content?.shown.n ?? 0);
    this.rearrange();
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#redraw();
  }

  /** Edge of a cell in CSS pixels, or 0 to fit. */
  setZoom(zoom: number): void {
    this.#zoom = zoom;
    this.rearrange();
    this.#reveal();
  }

  /** Selects a cell; `reveal` scrolls to it. */
  select(cell: Cell, reveal: boolean): void {
    this.#selected = cell;
    const { spoken: labels } = this.#shown ?? {};
    if (this.#shown && labels) setText(this.#gridCell, describeCell({ ...this.#shown, labels }, cell.query, cell.key));
    this.#row.ariaRowIndex = String(cell.query + 1);
    this.#gridCell.ariaColIndex = String(cell.key + 1);
    if (reveal) this.#reveal();
    this.#redraw();
  }

  /** There is another size: known before the frame is painted, so it is drawn at once. */
  #resized(entries: readonly ResizeObserverEntry[]): void {
    const { width: before } = this.#room;
    for (const { target, contentRect } of entries) {
      // Folded away: what was drawn stays.
      if (contentRect.width === 0) continue;
      const size = { width: Math.round(contentRect.width), height: Math.round(contentRect.height) };
      if (target === this.root) this.#room = size;
      else this.#inner = size;
    }
    this.rearrange();
    if (before === 0) this.#reveal();
    this.draw();
  }

  /** Fits the map to the size of the element and the pixels of the screen. */
  rearrange(): void {
    const { width, height } = this.#room;
    if (!this.#shown || width === 0) return;
    const layout = arrange(this.#shown.shown.n, this.#zoom, width, height, devicePixelRatio);
    const { left, top, edge } = layout;
    this.#layout = layout;
    this.#space.style.width = `${left + edge + FRAME}px`;
    this.#space.style.height = `${top + edge + FRAME}px`;
    // As the page will do when it is laid out.
    this.#scroll = this.#within(this.#scroll.x, this.#scroll.y, layout);
    this.#events.arranged(layout.n / layout.side);
    this.#redraw();
  }

  /** The nearest offset that the map can be scrolled to. */
  #within(x: number, y: number, { left, top, edge }: Layout): { x: number; y: number } {
    const most = (whole: number, room: number): number => Math.max(0, Math.ceil(whole) - room);
    return {
      x: Math.max(0, Math.min(x, most(left + edge + FRAME, this.#inner.width))),
      y: Math.max(0, Math.min(y, most(top + edge + FRAME, this.#inner.height))),
    };
  }

  /** Draws in the next frame; many calls give one drawing. */
  #redraw(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.draw();
    });
  }

  /** Draws now what has changed. */
  draw(): void {
    const view = this.#view();
    if (!view) return;
    const { layout, theme, width, height, scrollX, scrollY } = view;
    const state = [this.#shown, theme, layout, width, height, scrollX, scrollY, devicePixelRatio];
    if (state.some((value, index) => value !== this.#drawn[index])) {
      this.#drawn = state;
      drawMap(this.#prepare(this.#map, view), view, this.#paint(view));
    }
    this.#drawFocus(view);
  }

  /** What is drawn, as a picture; undefined where there is nothing. */
  get canvas(): HTMLCanvasElement | undefined {
    return this.#layout && this.#map;
  }

  #drawFocus(view: View | undefined): void {
    if (!view) return;
    const { layout, theme, width, height, scrollX, scrollY } = view;
    const { query, key } = this.#hovered ?? this.#selected;
    const state = [this.#shown, query, key, theme, layout, width, height, scrollX, scrollY, devicePixelRatio];
    if (state.every((value, index) => value === this.#focused[index])) return;
    this.#focused = state;
    drawFocus(this.#prepare(this.#focus, view), view, { query, key });
  }

  /** The coloured map at the side that is wanted. */
  #paint({ layout: { side }, theme }: View): HTMLCanvasElement {
    const shown = this.#shown?.shown;
    let image = this.#images.find((each) => each.side === side);
    if (!image) {
      const canvas = element('canvas', { width: side, height: side });
      image = { side, canvas, data: new ImageData(side, side), of: undefined, ramp: undefined };
      this.#images.push(image);
      if (this.#images.length > IMAGES) this.#images.shift();
    }
    if (shown && (image.of !== shown || image.ramp !== theme.ramp)) {
      Object.assign(image, { of: shown, ramp: theme.ramp });
      paintHeat(shown, side, theme.ramp, new Uint32Array(image.data.data.buffer));
      image.canvas.getContext('2d')?.putImageData(image.data, 0, 0);
    }
    return image.canvas;
  }

  #view(): View | undefined {
    if (!this.#shown || !this.#layout) return undefined;
    const { labels, promptTokens, window } = this.#shown;
    const { x: scrollX, y: scrollY } = this.#scroll;
    return { layout: this.#layout, theme: this.#theme, labels, promptTokens, window, ...this.#inner, scrollX, scrollY };
  }

  /** The context of a canvas with the size of the view, its unit one CSS pixel. */
  #prepare(canvas: HTMLCanvasElement, { width, height }: View): CanvasRenderingContext2D {
    const [deviceWidth, deviceHeight] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
    if (canvas.width !== deviceWidth || canvas.height !== deviceHeight) {
      Object.assign(canvas, { width: deviceWidth, height: deviceHeight });
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    const context = canvas.getContext('2d');
    if (!context) throw new Error('this browser has no 2D canvas');
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    return context;
  }

  #cellUnder(at: MouseEvent): Cell | undefined {
    if (!this.#layout) return undefined;
    const box = this.#scroller.getBoundingClientRect();
    const { scrollLeft, scrollTop } = this.#scroller;
    return cellAt(this.#layout, at.clientX - box.left, at.clientY - box.top, scrollLeft, scrollTop, this.#selected);
  }

  #setHovered(cell: Cell | undefined): void {
    if (cell?.query === this.#hovered?.query && cell?.key === this.#hovered?.key) return;
    this.#hovered = cell;
    this.#events.hover(cell);
    this.#drawFocus(this.#view());
  }

  #reveal(): void {
    if (!this.#layout) return;
    const { left, top } = this.#layout;
    const { width, height } = this.#inner;
    const { x, y } = this.#scroll;
    const to = this.#within(
      scrollTo(this.#layout, this.#selected.key, x, width - left),
      scrollTo(this.#layout, this.#selected.query, y, height - top),
      this.#layout,
    );
    if (to.x === x && to.y === y) return;
    this.#scroll = to;
    this.#scroller.scrollTo(to.x, to.y);
  }

  #onKey(press: KeyboardEvent): void {
    if (!this.#shown || !this.#layout || press.altKey) return;
    const page = Math.max(2, Math.min(10, Math.floor(this.#shown.shown.n / 4)));
    const control = press.ctrlKey || press.metaKey;
    const action = keyAction({ key: press.key, control }, this.#selected, this.#shown.shown.n, page);
    if (!action) return;
    press.preventDefault();
    if ('move' in action) {
      this.#hovered = undefined;
      // Before the next drawing another key may come.
      this.#selected = action.move;
      this.#events.select(action.move);
    } else if ('head' in action) this.#events.stepHead(action.head);
    else if ('layer' in action) this.#events.stepLayer(action.layer);
    else this.#events.stepZoom(action.zoom);
  }

  #onWheel(wheel: WheelEvent): void {
    if (!wheel.ctrlKey && !wheel.metaKey) return;
    wheel.preventDefault();
    if (wheel.deltaY !== 0) this.#events.stepZoom(wheel.deltaY < 0 ? 1 : -1);
  }
}
