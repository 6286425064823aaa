// The keys that the selected query looks at most, as a real table: what the map shows, for everyone who reads rather
// than looks. Knows no events. Filled by main.ts whenever the selected row or the map changes.
import { t } from '../l10n';
import { element, setText } from './dom';
import { nameOf, type Shown } from './shown';
import { percent } from './scale';
import { topKeys } from './weights';

const ROWS = 10;

export class TopTable {
  readonly #caption = element('caption');
  readonly #body = element('tbody');
  readonly root = element('table', {}, this.#caption, header(), this.#body);

  /** Shows row `query` of [query, key]; `key` is marked where it is among the top. */
  fill(shown: Shown, query: number, key: number): void {
    const { weights, n, first, labels } = shown;
    const keys = topKeys(weights, n, query, ROWS, first);
    setText(this.#caption, t('Query {0} looks most at', nameOf(shown, query)));
    this.#body.replaceChildren(
      ...keys.map((position, index) => {
        const weight = weights[query * n + position] ?? 0;
        const bar = element('div', { className: 'bar' });
        bar.style.width = `${100 * weight}%`;
        const token = element('code', {}, labels[position] ?? '');
        const row = element('tr', {}, number(String(index + 1)), element('td', {}, token), number(String(position)));
        row.append(number(percent(weight)), element('td', { className: 'bar-cell', ariaHidden: 'true' }, bar));
        if (position === key) row.setAttribute('aria-current', 'true');
        return row;
      }),
    );
  }
}

const number = (text: string): HTMLTableCellElement => element('td', { className: 'number' }, text);

function header(): HTMLTableSectionElement {
  const name = (text: string, className = ''): HTMLTableCellElement => element('th', { scope: 'col', className }, text);
  const bar = element('td', { ariaHidden: 'true' });
  return element('thead', {}, element('tr', {}, name(t('Rank'), 'number'), name(t('Key')), name(t('Position'), 'number'), name(t('Weight'), 'number'), bar)); // prettier-ignore
}
