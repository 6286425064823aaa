// The legend: the colour ramp with the weights that its places stand for, and the mark of generated tokens. Knows
// no map. Drawn by main.ts when the scale or the theme changes.
import { t } from '../l10n';
import type { Choices } from './choices';
import { element } from './dom';
import { fromUnit, LOG_FLOOR, percent } from './scale';
import type { Theme } from './palette';

const PLACES = [0, 0.25, 0.5, 0.75, 1];

export class Legend {
  readonly #ramp = element('canvas', { width: 256, height: 1, ariaHidden: 'true' });
  readonly #ticks = element('div', { className: 'ticks' });
  readonly #unit = element('span');
  /** What is drawn; it is drawn anew only for something else. */
  #drawn: unknown[] = [];
  readonly root = element(
    'div',
    { className: 'legend', role: 'group', ariaLabel: t('Legend') },
    element('div', { className: 'ramp' }, this.#ramp, this.#ticks),
    this.#unit,
    element('span', {}, element('span', { className: 'generated-mark', ariaHidden: 'true' }), t('generated tokens')),
  );

  draw({ scale, full, hideFirst, valueWeighted }: Choices, theme: Theme): void {
    const state = [scale, full, hideFirst, valueWeighted, theme];
    if (state.every((value, index) => value === this.#drawn[index])) return;
    this.#drawn = state;
    const pixels = new ImageData(new Uint8ClampedArray(theme.ramp.slice().buffer), theme.ramp.length, 1);
    this.#ramp.getContext('2d')?.putImageData(pixels, 0, 0);
    this.#ticks.replaceChildren(
      ...PLACES.map((place) => {
        const below = scale === 'log' && place === 0;
        return element('span', {}, below ? `≤ ${percent(LOG_FLOOR)}` : percent(fromUnit(scale, place)));
      }),
    );
    this.#unit.textContent = unit(full, hideFirst, valueWeighted);
  }
}

/** What the percentages are of. */
function unit(full: Choices['full'], hideFirst: boolean, valueWeighted: boolean): string {
  if (full === 'row') return t("of the row's largest weight");
  if (full === 'head') return t("of the head's largest weight");
  if (valueWeighted) return t("of a row's value-weighted attention");
  return hideFirst ? t('of a row without its first token') : t("of a row's attention");
}
