// The sentences about a map. Pure; strings alone.
import type { TextAnswer } from '../inspectionProtocol';
import { t } from '../l10n';
import { percent } from './scale';
import { realWeightOf, rowOfShown, weightOf, type Shown } from './shown';
import { covered, rank } from './weights';

/** A map with the names of its tokens. */
export interface Named {
  shown: Shown;
  labels: readonly string[];
  layer: number;
  head: number;
}

/** A token by its text and position, such as "`return` (37)". */
export function nameOf(labels: readonly string[], position: number): string {
  return `\`${labels[position] ?? ''}\` (${position})`;
}

/** A cell in one line. */
export function describeCell({ shown, labels, layer, head }: Named, query: number, key: number): string {
  const { first, valueWeighted } = shown;
  const real = percent(realWeightOf(shown, query, key));
  const row = rowOfShown(shown, query);
  const place = rank(row, key, first);
  const keys = query + 1 - first;
  let value: string;
  if (key < first) value = t('{0}, hidden', real);
  else if (valueWeighted)
    value = t('{0} value-weighted ({1} of the attention), rank {2} of {3}', percent(row[key] ?? 0), real, place, keys); // prettier-ignore
  else if (first === 1)
    value = t('{0} of the rest ({1} of all), rank {2} of {3}', percent(row[key] ?? 0), real, place, keys); // prettier-ignore
  else value = t('{0}, rank {1} of {2}', real, place, keys);
  return t('query {0} → key {1}: {2}; layer {3}, head {4}', nameOf(labels, query), nameOf(labels, key), value, layer, head); // prettier-ignore
}

/** What the picture is and how exact; `cellsPerPixel` above 1 when a pixel stands for several cells. */
export function describeMap(facts: TextAnswer, n: number, cellsPerPixel: number): string {
  const { promptTokens, model, kernel, precision } = facts;
  const exact =
    cellsPerPixel > 1
      ? t('each pixel shows the largest of up to {0} cells', Math.ceil(cellsPerPixel) ** 2)
      : kernel === 'own'
        ? t('each cell is exact to 0.002 %')
        : t('each cell is as exact as the graph is, and kept to 0.002 %');
  const by =
    kernel === 'own'
      ? t("weights from the decoder's own softmax")
      : t('weights from a copy of the model on the processor, which has them as outputs');
  const { matrices, softmax } = precision;
  const types = softmax === undefined ? t('matrices {0}', matrices) : t('matrices {0}, softmax {1}', matrices, softmax);
  const tokens = t('{0} tokens ({1} prompt + {2} generated)', n, promptTokens, n - promptTokens);
  return [tokens, model, exact, by, types].join(' · ');
}

/** How much of a row is drawn, where not all of it is. */
export function describeMass(shown: Shown, query: number): string {
  if (shown.mass >= 1) return '';
  const row = rowOfShown(shown, query);
  const floor = (shown.floors[query] ?? 0) ** 2 * (1 - 2e-5);
  const count = row.filter((weight) => weight > 0 && weight >= floor).length;
  return t('Drawn: the {0} largest of {1} keys, {2} of this row.', count, query + 1 - shown.first, percent(Math.min(1, covered(row, floor)))); // prettier-ignore
}

/** How much the hidden first token had, or nothing when it is shown. */
export function describeHidden({ hidden }: Shown, labels: readonly string[], query: number): string {
  if (!hidden) return '';
  const others = hidden.subarray(1);
  const mean = others.length > 0 ? others.reduce((sum, value) => sum + value, 0) / others.length : 0;
  return t('First token {0} hidden: it has {1} of this row, {2} on average. The rest is scaled to 100 %.', nameOf(labels, 0), percent(hidden[query] ?? 0), percent(mean)); // prettier-ignore
}

/** The key that a row looks at most, the first token apart. */
export function firstKey(shown: Shown, query: number): number {
  let best = query > 0 ? 1 : 0;
  for (let key = best; key <= query; key++) if (weightOf(shown, query, key) > weightOf(shown, query, best)) best = key;
  return best;
}
