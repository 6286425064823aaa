// Did it matter: each head taken out in turn, and the sources with the most weight, the selected key and its line hidden in turn; ranked by what that did to the selected
// token, beside what attention had said. Knows the scene, no host.
import { weightsOf } from '../../attention/weights';
import type { EffectsAnswer } from '../../inspectionProtocol';
import { t } from '../../l10n';
import { className } from '../classNames';
import { bar, cell, element, explained, header, refill, setText } from '../dom';
import { classesOf } from '../headList';
import { origins, type Origin } from '../origins';
import { percent } from '../scale';
import { type Actions, drawnKeys, type Scene } from '../scene';
import type { Section } from '../fold';
import { overHeads, topKeys } from '../weights';
import { nameOf } from '../words';

type Span = [start: number, end: number];

const HEADS = 12;
/** How many sources are hidden in turn. */
const SPANS = 5;

export class EffectsSection implements Section {
  readonly #button = element('button', { type: 'button', className: 'button' }, t('Measure'));
  readonly #about = element('p', { className: 'about' });
  readonly #result = element('p', { className: 'sentence' });
  readonly #heads = element('tbody');
  readonly #spans = element('tbody');
  readonly #headTable;
  readonly #spanTable;
  readonly root;
  #scene: Scene | undefined;
  #filled: unknown[] = [];
  /** Position whose result has been asked for and is to be said. */
  #awaited = -1;

  readonly actions: Actions;

  constructor(actions: Actions) {
    this.actions = actions;
    this.#button.addEventListener('click', () => this.#measure());
    const note = explained(t('How this is measured'), t('Each head is taken out of the last step in turn, and the longest piece of each source, the selected key and its line hidden from it; what that does to the log-probability of the selected token is its effect, in nats: above 0, it helped. Weights are those of the query that predicted the token, of sources the mean of all heads. Effects of several do not add up.')); // prettier-ignore
    this.#spanTable = element('table', {}, element('caption', {}, t('Sources, by effect')), header([t('Source')], [t('Weight'), 'number'], [t('Effect'), 'number']), this.#spans); // prettier-ignore
    this.#headTable = element('table', {}, element('caption', {}, t('Heads, by effect')), header([t('Head')], [t('Class')], [t('Looks most at')], [t('Weight'), 'number'], [t('Effect'), 'number']), this.#heads); // prettier-ignore
    this.root = element('div', {}, element('div', { className: 'toolbar' }, this.#button), this.#about, this.#result, this.#spanTable, this.#headTable, note); // prettier-ignore
  }

  draw(scene: Scene): void {
    this.#scene = scene;
    const { inspected, query } = scene;
    const kept = inspected.effects.get(query);
    // Not `disabled`: that would take the focus away from who has just pressed it.
    const measuring = scene.measure?.position === query;
    const whole = kept !== undefined && kept.done >= kept.of;
    const lacks = whole && keySpans(scene).some((span) => !kept.spans.some((one) => same(one, span)));
    this.#button.ariaDisabled = String(query < 1 || (whole && !lacks));
    setText(this.#button, measuring ? t('Stop') : t('Measure'));
    if (!kept && this.root.contains(document.activeElement)) this.#button.focus({ preventScroll: true });
    this.#spanTable.hidden = this.#headTable.hidden = !kept;
    const limit = inspected.facts.limits.effects;
    const more = lacks ? t('The selected key {0} has not been hidden yet: measure again.', nameOf(inspected.labels, scene.key)) : ''; // prettier-ignore
    const far = kept && !whole ? t('Measured: {0} of {1}.', kept.done, kept.of) : more;
    setText(this.#about, limit ?? (kept ? far : t('Measures what made the token {0} likely. This takes a step of the model for each head.', nameOf(inspected.labels, query)))); // prettier-ignore
    if (!kept) {
      setText(this.#result, '');
      return;
    }
    const row = inspected.rows.get(query - 1);
    const state = [kept, inspected.overview, row, scene.sources];
    if (state.every((value, index) => value === this.#filled[index])) return;
    this.#filled = state;
    const { answer, spans } = kept;
    setText(this.#result, t('With everything in place, {0} has a probability of {1}.', nameOf(inspected.labels, query), percent(Math.exp(answer.logprob)))); // prettier-ignore
    const sources = drawnKeys(scene) ? [...candidates(scene), ...lines(scene)] : [];
    const mean = row && overHeads(row.weights, query).mean;
    const largest = Math.max(1e-9, ...answer.heads.map(Math.abs), ...answer.spans.map(Math.abs));
    const spanRows = spans.map((span, index) => ({ span, effect: answer.spans[index] ?? 0 }));
    spanRows.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
    refill(
      this.#spans,
      spanRows.map(({ span, effect }) => {
        const [start, end] = span;
        const name = nameOfSpan(scene, sources, span);
        const weight = mean?.subarray(start, end).reduce((sum, each) => sum + each, 0);
        const line = element('tr', {}, element('th', { scope: 'row' }, name));
        line.append(cell(weight === undefined ? '–' : percent(weight), 'number'), cell(nats(effect), 'number'), effectBar(effect / largest)); // prettier-ignore
        return line;
      }),
    );
    this.#fillHeads(scene, answer.heads, largest);
    if (this.#awaited === query && whole) this.#sayMost(scene, answer);
  }

  /** Tells those who do not see the tables what came of the measurement. */
  #sayMost({ inspected, query }: Scene, { heads: effects, logprob }: EffectsAnswer): void {
    const { heads } = inspected.facts.shape;
    this.#awaited = -1;
    const most = effects.reduce((best, effect, at) => (Math.abs(effect) > Math.abs(effects[best] ?? 0) ? at : best), 0);
    const result = t('With everything in place, {0} has a probability of {1}.', nameOf(inspected.spoken, query), percent(Math.exp(logprob))); // prettier-ignore
    if (effects.length === 0) return this.actions.say(result);
    const name = t('layer {0}, head {1}', Math.floor(most / heads), most % heads);
    this.actions.say([result, t('Largest effect: {0}, {1} nats.', name, nats(effects[most] ?? 0))].join(' '));
  }

  #fillHeads(scene: Scene, effects: Float32Array, largest: number): void {
    const { inspected, query } = scene;
    const { heads } = inspected.facts.shape;
    this.#headTable.hidden = effects.length === 0;
    const classes = inspected.overview ? classesOf(inspected, inspected.overview) : [];
    const row = inspected.rows.get(query - 1);
    const order = [...effects.keys()].sort((a, b) => Math.abs(effects[b] ?? 0) - Math.abs(effects[a] ?? 0));
    refill(
      this.#heads,
      order.slice(0, HEADS).map((index) => {
        const [layer, head] = [Math.floor(index / heads), index % heads];
        const button = element(
          'button',
          { type: 'button', className: 'link whole' },
          t('layer {0}, head {1}', layer, head),
        );
        button.addEventListener('click', () => {
          this.actions.change({ layer, head });
          this.actions.say(t('Chosen: layer {0}, head {1}', layer, head));
        });
        const own = classes[index];
        const weights = row && weightsOf(row.weights.subarray(index * query, (index + 1) * query));
        const [top] = weights ? topKeys(weights, 1, query > 1 ? 1 : 0) : [];
        const looks = element('td', {}, element('code', {}, top === undefined ? '–' : (inspected.labels[top] ?? '')));
        const weight = weights && top !== undefined ? percent(weights[top] ?? 0) : '–';
        const line = element(
          'tr',
          {},
          element('th', { scope: 'row' }, button),
          cell(own ? className(own) : '–', 'wrapping'),
          looks,
        );
        line.append(cell(weight, 'number'), cell(nats(effects[index] ?? 0), 'number'), effectBar((effects[index] ?? 0) / largest)); // prettier-ignore
        return line;
      }),
    );
  }

  #measure(): void {
    if (!this.#scene || this.#button.ariaDisabled === 'true') return;
    const { query } = this.#scene;
    const stops = this.#scene.measure?.position === query;
    this.#awaited = stops ? -1 : query;
    this.actions.say(stops ? t('Stopped.') : t('Measuring…'));
    // Of each source the longest piece: one span is hidden at a time.
    const spans = candidates(this.#scene).map(({ spans: all }) =>
      all.reduce((a, b) => (b[1] - b[0] > a[1] - a[0] ? b : a)),
    );
    const below = spans.filter((span) => span[1] <= query && span[0] > 0);
    const more = keySpans(this.#scene).filter((span) => !below.some((one) => same(one, span)));
    this.actions.measure(query, [...below, ...more]);
  }
}

/** The sources with the most weight, or nothing while that is not known. */
function candidates(scene: Scene): Origin[] {
  const keys = drawnKeys(scene)?.keys;
  return keys ? origins(keys, scene.inspected, scene.sources, 'part').slice(0, SPANS) : [];
}

/** The lines that were drawn from. */
function lines(scene: Scene): Origin[] {
  const keys = drawnKeys(scene)?.keys;
  return keys ? origins(keys, scene.inspected, scene.sources, 'line') : [];
}

/** The selected key, and as much of its line as stands around it, where they can be hidden from the query that predicted the token. */
function keySpans({ key, query, inspected, sources }: Scene): Span[] {
  if (key < 1 || key >= query) return [];
  const line = sources?.lineOf[key] ?? 0;
  const written = inspected.tokens[key]?.place.in === 'generated';
  const own = (at: number): boolean => sources?.lineOf[at] === line && sources.partOf[at] === sources.partOf[key];
  let [start, end] = [key, key + 1];
  if (line > 0 && !written) {
    while (start > 1 && own(start - 1)) start--;
    while (end < query && own(end)) end++;
  }
  const one: Span = [key, key + 1];
  return same(one, [start, end]) ? [one] : [[start, end], one];
}

/** A span in words: its source or its line, or the token that it is. */
function nameOfSpan({ inspected }: Scene, sources: readonly Origin[], span: Span): string {
  const [start, end] = span;
  const source = sources.find(({ spans }) => spans.some((one) => same(one, span)));
  if (source) return t('{0}, tokens {1} to {2}', source.name, start, end - 1);
  return end - start === 1 ? nameOf(inspected.labels, start) : t('tokens {0} to {1}', start, end - 1);
}

const same = (a: Span, b: Span): boolean => a[0] === b[0] && a[1] === b[1];

/** A bar for an effect in [−1, 1]; what worked against the token is hatched. */
function effectBar(effect: number): HTMLElement {
  const made = bar(Math.abs(effect));
  if (effect < 0) made.firstElementChild?.classList.add('against');
  return made;
}

const nats = (effect: number): string => `${effect < 0 ? '−' : '+'}${Math.abs(effect).toFixed(3)}`;
