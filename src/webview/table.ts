// The keys that the selected query looks at most, as a real table: what the map shows, for everyone who reads rather
// than looks. Knows no events. Filled whenever the selected row or the map changes.
import { t } from '../l10n';
import { bar, cell, element, header, setText } from './dom';
import { percent } from './scale';
import { topKeys } from './weights';
import { nameOf } from './words';

const ROWS = 10;

export class TopTable {
  readonly #caption = element('caption');
  readonly #body = element('tbody');
  /** Filled again and again: to make rows anew for each key that is pressed takes longer. */
  readonly #rows = Array.from({ length: ROWS }, tableRow);
  readonly root = element(
    'table',
    {},
    this.#caption,
    header([t('Rank'), 'number'], [t('Key')], [t('Position'), 'number'], [t('Weight'), 'number']),
    this.#body,
  );

  /** Shows a row of weights, [query + 1]; `key` is marked where it is among the top, keys before `first` are left out. */
  fill(weights: Float32Array, labels: readonly string[], key: number, first: number): void {
    setText(this.#caption, t('Query {0} looks most at', nameOf(labels, weights.length - 1)));
    const top = topKeys(weights, ROWS, first);
    const largest = Math.max(1e-9, weights[top[0] ?? 0] ?? 0);
    if (this.#body.childElementCount !== top.length)
      this.#body.replaceChildren(...this.#rows.slice(0, top.length).map(({ row }) => row));
    top.forEach((position, index) => {
      const { row, name, place, share, bar: length } = this.#rows[index] ?? tableRow(undefined, index);
      const weight = weights[position] ?? 0;
      setText(name, labels[position] ?? '');
      setText(place, String(position));
      setText(share, percent(weight));
      length.style.width = `${(100 * weight) / largest}%`;
      if (position === key) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    });
  }
}

/** A row of the table, and what changes in it. */
function tableRow(_: unknown, index: number): Record<'row' | 'name' | 'place' | 'share' | 'bar', HTMLElement> {
  const name = element('code');
  const [place, share] = [cell('', 'number'), cell('', 'number')];
  const bars = bar(0);
  const row = element('tr', {}, cell(String(index + 1), 'number'), element('td', {}, name), place, share, bars);
  return { row, name, place, share, bar: bars.firstElementChild as HTMLElement };
}
