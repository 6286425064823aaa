// The controls over the map: layer, head, colour scale, first token, zoom. Native controls, so that keyboard and screen
// reader work as everywhere. Knows the choices, not the map. Made once by main.ts, set from the choices after each change.
import { t } from '../l10n';
import type { Choices } from './choices';
import { element } from './dom';
import { ZOOMS } from './layout';
import { type Scale, SCALES } from './scale';

function nameOf(scale: Scale): string {
  switch (scale) {
    case 'linear':
      return t('Linear');
    case 'sqrt':
      return t('Square root');
    case 'log':
      return t('Logarithmic');
  }
}

export class Toolbar {
  readonly #layer = element('select');
  readonly #head = element('select');
  readonly #scale = element('select');
  readonly #perRow = element('select');
  readonly #hideFirst = element('input', { type: 'checkbox' });
  readonly #zoom = element('input', { type: 'range', min: '0', max: String(ZOOMS.length - 1), step: '1' });
  readonly #zoomText = element('output', { className: 'zoom-text' });
  readonly root = element('div', { className: 'toolbar', role: 'group', ariaLabel: t('What the map shows') });

  /** `change` gets what the reader changed. */
  constructor(change: (changed: Partial<Choices>) => void) {
    for (const scale of SCALES) this.#scale.append(element('option', { value: scale }, nameOf(scale)));
    this.#perRow.append(
      element('option', { value: '' }, '100 %'),
      element('option', { value: 'row' }, t('row maximum')),
    );
    this.#layer.addEventListener('change', () => change({ layer: Number(this.#layer.value) }));
    this.#head.addEventListener('change', () => change({ head: Number(this.#head.value) }));
    this.#scale.addEventListener('change', () => change({ scale: SCALES[this.#scale.selectedIndex] ?? 'sqrt' }));
    this.#perRow.addEventListener('change', () => change({ perRow: this.#perRow.value === 'row' }));
    this.#hideFirst.addEventListener('change', () => change({ hideFirst: this.#hideFirst.checked }));
    this.#zoom.addEventListener('input', () => change({ zoom: ZOOMS[Number(this.#zoom.value)] ?? 0 }));
    const hideFirst = element('label', {}, this.#hideFirst, t('Hide first token'));
    hideFirst.title = t(
      'The first token often takes most of the attention (an attention sink). Hidden, every row is scaled to 100 % again.',
    );
    this.root.append(
      element('label', {}, t('Layer'), this.#layer),
      element('label', {}, t('Head'), this.#head),
      element('label', {}, t('Scale'), this.#scale),
      element('label', {}, t('Full colour at'), this.#perRow),
      element('label', {}, t('Cell size'), this.#zoom, this.#zoomText),
      hideFirst,
    );
  }

  /** Offers the layers and heads of a model. */
  offer(layers: number, heads: number): void {
    fill(this.#layer, layers);
    fill(this.#head, heads);
  }

  /** Shows the choices. */
  set({ layer, head, scale, perRow, hideFirst, zoom }: Choices): void {
    this.#layer.value = String(layer);
    this.#head.value = String(head);
    this.#scale.value = scale;
    this.#perRow.value = perRow ? 'row' : '';
    this.#hideFirst.checked = hideFirst;
    this.#zoom.value = String(ZOOMS.indexOf(zoom));
    this.#zoom.ariaValueText = this.#zoomText.value = zoom === 0 ? t('fit') : `${zoom} px`;
  }
}

/** Gives a select the numbers 0 to count - 1. */
function fill(select: HTMLSelectElement, count: number): void {
  if (select.options.length === count) return;
  select.replaceChildren(...Array.from({ length: count }, (_, index) => element('option', {}, String(index))));
}
