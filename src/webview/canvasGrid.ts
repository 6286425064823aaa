// A canvas with cells that can be walked by keyboard and heard: over it lies a grid of which only the selected cell is there. Knows nothing
// of what is drawn. Made by the sections that draw many cells.
import { element, setText } from './dom';

export interface GridEvents {
  /** A key was pressed; true: it was for the grid. */
  key(key: string): boolean;
  /** The pointer is at a place in CSS pixels; undefined: it left. */
  hover(at: { x: number; y: number } | undefined): void;
  click(at: { x: number; y: number }): void;
  /** There is another width to draw in. */
  resized(): void;
}

let made = 0;

export class CanvasGrid {
  #width = 0;
  readonly canvas = element('canvas', { ariaHidden: 'true' });
  readonly #cell = element('div', { id: `grid-cell-${++made}`, role: 'gridcell', ariaSelected: 'true' });
  readonly #row = element('div', { className: 'unseen', role: 'row' }, this.#cell);
  readonly #grid = element('div', { className: 'grid', role: 'grid', tabIndex: 0 }, this.#row);
  /** As large as the canvas, in an element that scrolls. */
  readonly #sheet = element('div', { className: 'sheet' }, this.canvas, this.#grid);
  readonly root = element('div', { className: 'canvas-grid', tabIndex: -1 }, this.#sheet);

  constructor(label: string, events: GridEvents) {
    this.#grid.ariaLabel = label;
    this.#grid.setAttribute('aria-activedescendant', this.#cell.id);
    new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width > 0 && width !== this.#width) {
        this.#width = width;
        events.resized();
      }
    }).observe(this.root);
    const placeOf = (at: MouseEvent): { x: number; y: number } => {
      const box = this.canvas.getBoundingClientRect();
      return { x: at.clientX - box.left, y: at.clientY - box.top };
    };
    this.#grid.addEventListener('keydown', (press) => {
      if (press.altKey || press.ctrlKey || press.metaKey) return;
      if (events.key(press.key)) press.preventDefault();
    });
    this.#sheet.addEventListener('pointermove', (move) => events.hover(placeOf(move)));
    this.#sheet.addEventListener('pointerleave', () => events.hover(undefined));
    this.#sheet.addEventListener('click', (click) => {
      this.#grid.focus({ preventScroll: true });
      events.click(placeOf(click));
    });
  }

  /** Width that is there, as it was when it last changed: reading it anew makes the browser lay the page out. */
  get width(): number {
    return (this.#width ||= this.root.clientWidth);
  }

  /** The context of the canvas at this size, its unit one CSS pixel, empty. */
  prepare(width: number, height: number): CanvasRenderingContext2D {
    const [deviceWidth, deviceHeight] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
    if (this.canvas.width !== deviceWidth || this.canvas.height !== deviceHeight) {
      Object.assign(this.canvas, { width: deviceWidth, height: deviceHeight });
      Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    const context = this.canvas.getContext('2d');
    if (!context) throw new Error('this browser has no 2D canvas');
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  }

  /** What the grid is for those who hear it: its size, and the selected cell. */
  describe(text: string, row: number, rows: number, column: number, columns: number): void {
    setText(this.#cell, text);
    this.#grid.ariaRowCount = String(rows);
    this.#grid.ariaColCount = String(columns);
    this.#row.ariaRowIndex = String(row + 1);
    this.#cell.ariaColIndex = String(column + 1);
  }

  /** Scrolls as little as shows a part of the canvas. */
  reveal({ x, y, width, height }: { x: number; y: number; width: number; height: number }): void {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.root;
    const into = (from: number, to: number, scrolled: number, room: number): number =>
      from < scrolled ? from : Math.max(scrolled, to - room);
    this.root.scrollTo(into(x, x + width, scrollLeft, clientWidth), into(y, y + height, scrollTop, clientHeight));
  }
}
