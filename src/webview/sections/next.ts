// The next token: the exact distribution that the selected token was taken from, and what sampling would leave of it. Sliders act on the
// logits that are here, without a question. Knows the scene, no host.
import { Distribution } from '../../attention/distribution';
import type { LogitsAnswer } from '../../inspectionProtocol';
import { t } from '../../l10n';
import { bar, cell, element, explained, header, setText, slider } from '../dom';
import { percent } from '../scale';
import type { Actions, Scene } from '../scene';
import type { Section } from '../fold';
import { visible } from '../tokens';
import { nameOf } from '../words';

const ROWS = 50;

export class NextSection implements Section {
  readonly #temperature;
  readonly #topK;
  readonly #topP;
  readonly #minP;
  readonly #facts = element('p', { className: 'sentence' });
  readonly #body = element('tbody');
  readonly #none = element('p', { className: 'missing' }, t('The first token was not predicted: there was nothing before it.')); // prettier-ignore
  readonly #content;
  readonly root;
  #filled: unknown[] = [];
  /** Of the answer that is on show. */
  #distribution: { of: LogitsAnswer; is: Distribution } | undefined;

  readonly #say: Actions['say'];

  constructor({ change, say }: Actions) {
    this.#say = say;
    const share = (value: number): string => percent(value);
    this.#temperature = slider(t('Temperature'), { min: 0, max: 2, step: 0.05 }, (value) => (value === 0 ? t('0 (the likeliest)') : value.toFixed(2)), (temperature) => change({ temperature })); // prettier-ignore
    this.#topK = slider(t('Top-k'), { min: 0, max: 100, step: 1 }, (value) => (value === 0 ? t('off') : String(value)), (topK) => change({ topK })); // prettier-ignore
    this.#topP = slider(t('Top-p'), { min: 0.05, max: 1, step: 0.01 }, (value) => (value === 1 ? t('off') : share(value)), (topP) => change({ topP })); // prettier-ignore
    this.#minP = slider(t('Min-p'), { min: 0, max: 0.5, step: 0.01 }, (value) => (value === 0 ? t('off') : share(value)), (minP) => change({ minP })); // prettier-ignore
    const sliders = [this.#temperature, this.#topK, this.#topP, this.#minP];
    const table = element('table', {}, element('caption', { className: 'unseen' }, t('The likeliest tokens')), header([t('Rank'), 'number'], [t('Token')], [t('Before'), 'number'], [t('After'), 'number']), this.#body); // prettier-ignore
    const room = element('div', { className: 'room', tabIndex: 0, role: 'region', ariaLabel: t('The likeliest tokens') }, table); // prettier-ignore
    this.#content = element('div', {}, this.#facts, element('div', { className: 'toolbar' }, ...sliders.map(({ root }) => root)), room, explained(t('How to read this'), t('The upper bar is the model’s own probability, the lower what would be drawn; the longest is the likeliest token. The marked row is the token that stands there. Logits are the exact ones of the model. Filters apply in the order temperature, top-k, top-p, min-p; what they leave out stays in the table.'))); // prettier-ignore
    this.root = element('div', {}, this.#none, this.#content);
  }

  draw(scene: Scene): void {
    const { inspected, choices, query } = scene;
    const { temperature, topK, topP, minP } = choices;
    this.#temperature.set(temperature);
    this.#topK.set(topK);
    this.#topP.set(topP);
    this.#minP.set(minP);
    const answer = inspected.logits.get(query);
    if (!answer && scene.busy && this.#distribution) return;
    this.#content.hidden = !answer;
    this.#none.hidden = query > 0;
    if (!answer) return;
    const state = [answer, temperature, topK, topP, minP];
    if (state.every((value, index) => value === this.#filled[index])) return;
    const moved = this.#filled[0] === answer;
    this.#filled = state;
    if (this.#distribution?.of !== answer) this.#distribution = { of: answer, is: new Distribution(answer.logits) };
    const left = this.#fill(answer, this.#distribution.is, choices, inspected.labels);
    if (moved) this.#say(left);
  }

  /** @returns how many tokens remain, in words */
  #fill(
    { texts, taken, position }: LogitsAnswer,
    distribution: Distribution,
    choices: Scene['choices'],
    labels: readonly string[],
  ): string {
    const { temperature, topK, topP, minP } = choices;
    const after = distribution.after({ temperature, topK, topP, minP });
    const named = new Map(texts);
    const facts = [
      t('The token at {0} was chosen after {1}.', nameOf(labels, position), nameOf(labels, position - 1)),
      t('Entropy {0} bits; the likeliest leads by {1}.', distribution.entropy.toFixed(2), percent(distribution.margin)),
    ];
    if (taken !== undefined)
      facts.push(t('The token that stands there has rank {0} with {1}.', distribution.rank(taken), percent(distribution.probability(taken)))); // prettier-ignore
    const left = t('Tokens that remain: {0}, with {1} of the probability.', after.count, percent(after.covered));
    facts.push(left);
    setText(this.#facts, facts.join(' '));
    const ids = [...distribution.top(ROWS)];
    if (taken !== undefined && !ids.includes(taken)) ids.push(taken);
    const largest = Math.max(...ids.map((id) => Math.max(distribution.probability(id), after.probability(id, distribution.rank(id))))); // prettier-ignore
    this.#body.replaceChildren(
      ...ids.map((id) => {
        const rank = distribution.rank(id);
        const [before, then] = [distribution.probability(id), after.probability(id, rank)];
        const text = named.get(id);
        const token = element('td', {}, element('code', {}, text === undefined ? `#${id}` : visible(text)));
        const said = rank > after.count ? t('left out') : percent(then);
        const row = element('tr', {}, cell(String(rank), 'number'), token, cell(percent(before), 'number'), cell(said, 'number'), bar(before / largest, then / largest)); // prettier-ignore
        if (rank > after.count) row.classList.add('pruned');
        if (id === taken) row.setAttribute('aria-current', 'true');
        return row;
      }),
    );
    return left;
  }
}
