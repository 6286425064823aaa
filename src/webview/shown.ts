// The map on screen: what came from the host together with what the reader's choices make of it, and the sentences
// about it. Pure; knows no element of the page. Made by main.ts when a map arrives or a choice changes.
import { t } from '../l10n';
import type { ShowMap } from '../webviewProtocol';
import type { Choices } from './choices';
import type { Heat } from './heatmap';
import type { Cell } from './layout';
import { percent } from './scale';
import { visible } from './tokens';
import { meanHidden, rank, rowTops, sumError, topKeys, withoutFirst } from './weights';

export interface Shown extends Heat {
  source: ShowMap;
  /** Visible text of each token; length n. */
  labels: string[];
  /** Weight of the hidden first token in each row, [query]; undefined when it is shown. */
  hidden?: Float32Array;
}

/** Applies the choices to a map. */
export function present(source: ShowMap, choices: Choices): Shown {
  const { tokens, weights } = source.map;
  const n = tokens.length;
  const cut = choices.hideFirst ? withoutFirst(weights, n) : undefined;
  const drawn = cut?.weights ?? weights;
  return {
    source,
    n,
    labels: tokens.map(visible),
    weights: drawn,
    first: cut ? 1 : 0,
    scale: choices.scale,
    ...(choices.perRow && { tops: rowTops(drawn, n) }),
    ...(cut && { hidden: cut.hidden }),
  };
}

/** The cell to begin with: the newest token and what it looks at most, the first token apart. */
export function firstCell({ weights, n }: Shown): Cell {
  const query = n - 1;
  return { query, key: topKeys(weights, n, query, 1, query > 0 ? 1 : 0)[0] ?? 0 };
}

/** A token by its text and position, such as "`return` (37)". */
export function nameOf(shown: Shown, position: number): string {
  return `\`${shown.labels[position] ?? ''}\` (${position})`;
}

/** The selected cell in one line. */
export function describeCell(shown: Shown, { query, key }: Cell): string {
  const { n, weights, first, source } = shown;
  const { layer, head } = source.map;
  const real = source.map.weights[query * n + key] ?? 0;
  const keys = query + 1 - first;
  const value =
    first === 0
      ? t('{0}, rank {1} of {2}', percent(real), rank(weights, n, query, key, 0), keys)
      : key === 0
        ? t('{0}, hidden', percent(real))
        : t(
            '{0} of the rest ({1} of all), rank {2} of {3}',
            percent(weights[query * n + key] ?? 0),
            percent(real),
            rank(weights, n, query, key, 1),
            keys,
          );
  return t(
    'query {0} → key {1}: {2}; layer {3}, head {4}',
    nameOf(shown, query),
    nameOf(shown, key),
    value,
    layer,
    head,
  );
}

/** What the picture is and how exact; `cellsPerPixel` above 1 when a pixel stands for several cells. */
export function describeMap({ source, n }: Shown, cellsPerPixel: number): string {
  const { map, model } = source;
  const parts = [
    t('{0} tokens ({1} prompt + {2} generated)', n, map.promptTokens, n - map.promptTokens),
    model,
    t('exact softmax weights, float32, row sums 1 ± {0}', sumError(map.weights, n).toExponential(0)),
  ];
  if (cellsPerPixel > 1)
    parts.push(t('each pixel shows the largest of up to {0} cells', Math.ceil(cellsPerPixel) ** 2));
  return parts.join(' · ');
}

/** How much the hidden first token had, or nothing when it is shown. */
export function describeHidden(shown: Shown, query: number): string {
  if (!shown.hidden) return '';
  const name = nameOf(shown, 0);
  return t(
    'First token {0} hidden: it has {1} of this row, {2} on average. The rest is scaled to 100 %.',
    name,
    percent(shown.hidden[query] ?? 0),
    percent(meanHidden(shown.hidden)),
  );
}
