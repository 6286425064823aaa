// Draws the map with its rulers, and over it the selected row and column, on two canvases. Knows the layout and the
// theme, no events. Called by the map view: the map after a scroll or change, the selection at every pointer move.
import { t } from '../l10n';
import { type Cell, labelStep, type Layout, visibleRange } from './layout';
import type { Theme } from './palette';
import { shorten } from './tokens';

export interface View {
  layout: Layout;
  theme: Theme;
  /** Visible text of each token. */
  labels: readonly string[];
  promptTokens: number;
  /** By the layer's window: keys that a query can see; 0: all. */
  window: number;
  /** Size of the canvas and offset of the scrolled map, in CSS pixels. */
  width: number;
  height: number;
  scrollX: number;
  scrollY: number;
}

type Context = CanvasRenderingContext2D;

/** Room of one label along its ruler. */
const LABEL_ROOM = 14;
const GAP = 5;
/** Width of the bar beside generated tokens. */
const BAR = 3;

/** The map, its rulers, and the lines between prompt and generated tokens. `image` is layout.side pixels square. */
export function drawMap(context: Context, view: View, image: CanvasImageSource): void {
  const { layout, theme, width, height, scrollX, scrollY } = view;
  const { left, top, cell, side, n } = layout;
  context.clearRect(0, 0, width, height);
  const [fromKey, toKey] = visibleRange(layout, scrollX, width - left);
  const [fromQuery, toQuery] = visibleRange(layout, scrollY, height - top);
  context.save();
  clip(context, left, top, width, height);
  context.imageSmoothingEnabled = false;
  const pixel = side === n ? 1 : side / n;
  context.drawImage(
    image,
    fromKey * pixel,
    fromQuery * pixel,
    (toKey - fromKey) * pixel,
    (toQuery - fromQuery) * pixel,
    left + fromKey * cell - scrollX,
    top + fromQuery * cell - scrollY,
    (toKey - fromKey) * cell,
    (toQuery - fromQuery) * cell,
  );
  outlineTriangle(context, view);
  if (view.window > 0 && view.window < n) drawWindow(context, view);
  context.restore();

  const border = view.promptTokens;
  if (border > 0 && border < n) drawBorder(context, view, border * cell);
  context.font = theme.font;
  context.textBaseline = 'middle';
  const step = labelStep(cell, LABEL_ROOM);
  const first = (from: number): number => Math.ceil(from / step) * step;
  for (let query = first(fromQuery); query < toQuery; query += step) drawQueryLabel(context, view, query, false);
  for (let key = first(fromKey); key < toKey; key += step) drawKeyLabel(context, view, key, false);
  drawCorner(context, view);
}

function clip(context: Context, left: number, top: number, right: number, bottom: number): void {
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
}

/** The edge of what a causal model can see, so that zeros and cells that do not exist can be told apart. */
function outlineTriangle(context: Context, { layout, theme, scrollX, scrollY }: View): void {
  const x = layout.left - scrollX;
  const y = layout.top - scrollY;
  const { edge, cell, n } = layout;
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, y);
  if (cell < 4) context.lineTo(x + edge, y + edge);
  else {
    for (let position = 0; position < n; position++) {
      context.lineTo(x + (position + 1) * cell, y + position * cell);
      context.lineTo(x + (position + 1) * cell, y + (position + 1) * cell);
    }
  }
  context.lineTo(x, y + edge);
  context.closePath();
  context.stroke();
}

/** The edge beyond which the queries of a layer with a sliding window see nothing. */
function drawWindow(context: Context, { layout, theme, window, scrollX, scrollY }: View): void {
  const { left, top, cell, edge, n } = layout;
  context.strokeStyle = theme.faint;
  context.lineWidth = 1;
  context.setLineDash([2, 3]);
  context.beginPath();
  context.moveTo(left - scrollX, top + window * cell - scrollY);
  context.lineTo(left + (n - window) * cell - scrollX, top + edge - scrollY);
  context.stroke();
  context.setLineDash([]);
}

/** Bars along the generated part of both rulers and a line across the map where it begins. */
function drawBorder(context: Context, { layout, theme, width, height, scrollX, scrollY }: View, offset: number): void {
  const { left, top, edge } = layout;
  const x = left + offset - scrollX;
  const y = top + offset - scrollY;
  context.fillStyle = theme.generated;
  const endX = Math.min(width, left + edge - scrollX);
  const endY = Math.min(height, top + edge - scrollY);
  const startX = Math.max(left, x);
  const startY = Math.max(top, y);
  if (startY < endY) context.fillRect(left - BAR - 1, startY, BAR, endY - startY);
  if (startX < endX) context.fillRect(startX, top - BAR - 1, endX - startX, BAR);
  context.save();
  clip(context, left, top, width, height);
  context.strokeStyle = theme.generated;
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  context.beginPath();
  context.moveTo(left, Math.round(y) - 0.5);
  context.lineTo(Math.min(endX, x), Math.round(y) - 0.5);
  context.moveTo(Math.round(x) - 0.5, Math.max(top, y));
  context.lineTo(Math.round(x) - 0.5, endY);
  context.stroke();
  context.restore();
}

/** Characters of the theme's font that fit into `room` pixels. */
function fitting(context: Context, text: string, room: number): string {
  return shorten(text, Math.floor(room / (context.measureText('0').width || 7)));
}

/** The label of a row; `strong` sets it off and clears what was under it. */
function drawQueryLabel(context: Context, view: View, query: number, strong: boolean): void {
  const { layout, scrollY, height } = view;
  const y = layout.top + (query + 0.5) * layout.cell - scrollY;
  if (y < layout.top || y > height) return;
  drawLabel(context, view, query, strong, layout.left, Math.round(y));
}

/** The label of a column, turned by a quarter so that it reads downwards and ends at the map. */
function drawKeyLabel(context: Context, view: View, key: number, strong: boolean): void {
  const { layout, scrollX, width } = view;
  const x = layout.left + (key + 0.5) * layout.cell - scrollX;
  if (x < layout.left || x > width) return;
  context.save();
  context.translate(Math.round(x), 0);
  context.rotate(Math.PI / 2);
  drawLabel(context, view, key, strong, layout.top, 0);
  context.restore();
}

/** Position and token, the token ending at `end`. */
function drawLabel(
  context: Context,
  { layout, labels, promptTokens, theme }: View,
  position: number,
  strong: boolean,
  end: number,
  y: number,
): void {
  const number = String(position);
  const text = labels[position] ?? '';
  const numberWidth = context.measureText('0').width * Math.max(3, String(layout.n - 1).length);
  const right = end - BAR - GAP;
  if (strong) {
    context.fillStyle = theme.background;
    context.fillRect(0, y - LABEL_ROOM / 2 - 1, end - BAR - 2, LABEL_ROOM + 2);
    context.strokeStyle = theme.focus;
    context.lineWidth = 1;
    context.strokeRect(0.5, y - LABEL_ROOM / 2 - 0.5, end - BAR - 3, LABEL_ROOM + 1);
  }
  context.textAlign = 'left';
  context.fillStyle = strong ? theme.foreground : theme.faint;
  context.fillText(number, 3, y + 0.5);
  context.textAlign = 'right';
  context.fillStyle = position >= promptTokens ? theme.generated : theme.foreground;
  context.fillText(fitting(context, text, right - numberWidth - GAP), right, y + 0.5);
}

/** Names the axes in words. */
function drawCorner(context: Context, { layout, theme }: View): void {
  context.fillStyle = theme.faint;
  context.textAlign = 'right';
  context.fillText(t('key →'), layout.left - 10, layout.top - 2.5 * LABEL_ROOM);
  context.fillText(t('query ↓'), layout.left - 10, layout.top - 1.5 * LABEL_ROOM);
}

/** The row and column of a cell, its outline, and both labels. */
export function drawFocus(context: Context, view: View, { query, key }: Cell): void {
  const { layout, theme, width, height, scrollX, scrollY } = view;
  const { left, top, cell, edge } = layout;
  context.clearRect(0, 0, width, height);
  const x = left + key * cell - scrollX;
  const y = top + query * cell - scrollY;
  context.save();
  clip(context, left - BAR, top - BAR, width, height);
  const size = Math.max(cell, 1);
  const frame = (x0: number, y0: number, w: number, h: number, grow: number): void =>
    context.strokeRect(x0 - grow, y0 - grow, w + 2 * grow, h + 2 * grow);
  for (const [style, lineWidth] of [
    [theme.background, 3],
    [theme.foreground, 1],
  ] as const) {
    context.strokeStyle = style;
    context.lineWidth = lineWidth;
    context.globalAlpha = lineWidth === 3 ? 0.6 : 0.9;
    frame(left - scrollX, y, (query + 1) * cell, size, 0.5);
    frame(x, top + key * cell - scrollY, size, edge - key * cell, 0.5);
  }
  context.globalAlpha = 1;
  context.strokeStyle = theme.background;
  context.lineWidth = 4;
  frame(x, y, size, size, 1.5);
  context.strokeStyle = theme.focus;
  context.lineWidth = 2;
  frame(x, y, size, size, 1.5);
  context.restore();
  context.font = theme.font;
  context.textBaseline = 'middle';
  drawQueryLabel(context, view, query, true);
  drawKeyLabel(context, view, key, true);
}
