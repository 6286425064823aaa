// The map on the page: two canvases under a scrolling element, with pointer, keyboard and what a screen reader hears of
// the grid. Knows nothing of the host, of storage or of the other parts of the panel. Made once by main.ts.
import { t } from '../l10n';
import { element, setText } from './dom';
import { drawFocus, drawMap, type View } from './draw';
import { paintHeat } from './heatmap';
import { keyAction } from './keys';
import { arrange, type Cell, cellAt, FRAME, type Layout, scrollTo } from './layout';
import { describeCell, type Shown } from './shown';
import type { Theme } from './theme';

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
  #shown: Shown | undefined;
  #zoom = 0;
  #layout: Layout | undefined;
  /** The coloured map, layout.side pixels square; undefined when it has to be painted again. */
  #image: HTMLCanvasElement | undefined;
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
    this.#scroller.addEventListener('scroll', () => this.#redraw());
    this.#scroller.addEventListener('pointermove', (move) => this.#setHovered(this.#cellUnder(move)));
    this.#scroller.addEventListener('pointerleave', () => this.#setHovered(undefined));
    this.#scroller.addEventListener('click', (click) => {
      const cell = this.#cellUnder(click);
      this.#grid.focus({ preventScroll: true });
      if (cell) this.#events.select(cell);
    });
    this.#scroller.addEventListener('wheel', (wheel) => this.#onWheel(wheel), { passive: false });
    new ResizeObserver(() => this.rearrange()).observe(this.root);
  }

  /** Shows a map, or none. */
  show(shown: Shown | undefined): void {
    this.#shown = shown;
    this.#hovered = undefined;
    this.#image = undefined;
    this.#grid.ariaRowCount = this.#grid.ariaColCount = String(shown?.n ?? 0);
    this.rearrange();
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#image = undefined;
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
    if (this.#shown) setText(this.#gridCell, describeCell(this.#shown, cell));
    this.#row.ariaRowIndex = String(cell.query + 1);
    this.#gridCell.ariaColIndex = String(cell.key + 1);
    if (reveal) this.#reveal();
    this.#redraw();
  }

  /** Fits the map to the size of the element and the pixels of the screen. */
  rearrange(): void {
    const { clientWidth, clientHeight } = this.root;
    if (!this.#shown || clientWidth === 0) return;
    const layout = arrange(this.#shown.n, this.#zoom, clientWidth, clientHeight, devicePixelRatio);
    if (layout.side !== this.#layout?.side) this.#image = undefined;
    this.#layout = layout;
    this.#space.style.width = `${layout.left + layout.edge + FRAME}px`;
    this.#space.style.height = `${layout.top + layout.edge + FRAME}px`;
    this.#events.arranged(layout.n / layout.side);
    this.#redraw();
  }

  /** Draws in the next frame; many calls give one drawing. */
  #redraw(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      const view = this.#view();
      if (!view) return;
      drawMap(this.#prepare(this.#map, view), view, (this.#image ??= this.#paint(view)));
      this.#drawFocus(view);
    });
  }

  #drawFocus(view: View | undefined): void {
    if (view) drawFocus(this.#prepare(this.#focus, view), view, this.#hovered ?? this.#selected);
  }

  #paint({ shown, layout: { side }, theme }: View): HTMLCanvasElement {
    const image = element('canvas', { width: side, height: side });
    const colors = paintHeat(shown, side, theme.ramp);
    image.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(colors.buffer), side, side), 0, 0);
    return image;
  }

  #view(): View | undefined {
    if (!this.#shown || !this.#layout) return undefined;
    const { clientWidth: width, clientHeight: height, scrollLeft: scrollX, scrollTop: scrollY } = this.#scroller;
    return { layout: this.#layout, theme: this.#theme, shown: this.#shown, width, height, scrollX, scrollY };
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
    const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.#scroller;
    this.#scroller.scrollTo(
      scrollTo(this.#layout, this.#selected.key, scrollLeft, clientWidth - left),
      scrollTo(this.#layout, this.#selected.query, scrollTop, clientHeight - top),
    );
  }

  #onKey(press: KeyboardEvent): void {
    if (!this.#shown || !this.#layout || press.altKey) return;
    const page = Math.max(2, Math.min(10, Math.floor(this.#shown.n / 4)));
    const control = press.ctrlKey || press.metaKey;
    const action = keyAction({ key: press.key, control }, this.#selected, this.#shown.n, page);
    if (!action) return;
    press.preventDefault();
    if ('move' in action) {
      this.#hovered = undefined;
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
