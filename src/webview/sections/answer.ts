// The answer in words: where what was drawn came from, as a sentence and a table. Knows the scene, no host.
import { t } from '../../l10n';
import { GROUPS, type Choices } from '../choices';
import { bar, cell, choice, element, explained, header, refill, setText } from '../dom';
import { origins, type Origin } from '../origins';
import { percent } from '../scale';
import { type Actions, drawnKeys, type Scene } from '../scene';
import type { Section } from '../fold';
import { sharesOf } from '../weights';

const ROWS = 12;
const IN_SENTENCE = 3;

function groupName(group: Choices['group']): string {
  switch (group) {
    case 'part':
      return t('symbol');
    case 'line':
      return t('line');
    case 'file':
      return t('file');
  }
}

export class AnswerSection implements Section {
  readonly #sentence = element('p', { className: 'sentence lead' });
  readonly #body = element('tbody');
  readonly #note = element('p', { className: 'about' });
  readonly #group;
  readonly #table;
  readonly #actions: Actions;
  readonly root;
  /** What is in the table; it is filled anew only for something else. */
  #filled: unknown[] = [];

  constructor(actions: Actions) {
    this.#actions = actions;
    const groups = GROUPS.map((group) => [group, groupName(group)] as const);
    this.#group = choice(t('Add up by'), groups, (group) => actions.change({ group }));
    this.#table = element('table', {}, element('caption', { className: 'unseen' }, t('What the completion drew from')), header([t('Source')], [t('Place')], [t('Share'), 'number']), this.#body); // prettier-ignore
    this.root = element(
      'div',
      {},
      this.#sentence,
      element('div', { className: 'toolbar' }, this.#group.root),
      this.#table,
      this.#note,
      explained(t('How this is computed'), t('Share = Σ over generated tokens of the mean weight over all layers and heads, at the query that predicted the token, divided by the same of all keys but the first. On the first token heads rest that have nothing to say.')), // prettier-ignore
    );
  }

  draw(scene: Scene): void {
    const { inspected, sources, choices } = scene;
    this.#group.input.value = choices.group;
    const drawn = drawnKeys(scene);
    if (!drawn && scene.busy && !this.#table.hidden) return;
    this.#table.hidden = !drawn;
    if (!drawn) {
      setText(this.#sentence, inspected.finished ? '' : t('Nothing is written yet.'));
      setText(this.#note, '');
      return;
    }
    const state = [drawn, sources, choices.group, inspected.sequence];
    if (state.every((value, index) => value === this.#filled[index])) return;
    this.#filled = state;
    const all = origins(drawn.keys, inspected, sources, choices.group);
    setText(this.#sentence, sentence(all));
    const hasPlace = ({ position }: Origin): boolean => (sources?.lineOf[position] ?? 0) > 0;
    const shares = sharesOf(drawn.keys, 1);
    refill(this.#body, all.slice(0, ROWS).map((origin) => this.#row(origin, shares, all[0]?.share ?? 1, hasPlace(origin)))); // prettier-ignore
    setText(this.#note, note(drawn.hidden, sources?.changed ?? false));
  }

  #row(
    { name, where, share, position }: Origin,
    shares: Uint8Array<ArrayBuffer>,
    largest: number,
    hasPlace: boolean,
  ): HTMLElement {
    const button = element('button', { className: 'link', type: 'button' }, name);
    button.title = t('Show in the editor');
    button.addEventListener('click', () => this.#actions.point(position, true, shares.slice()));
    const row = element('tr', {}, element('th', { scope: 'row' }, hasPlace ? button : name), cell(where, 'place'), cell(percent(share), 'number')); // prettier-ignore
    row.append(bar(share / largest));
    return row;
  }
}

/** What was drawn most, in one sentence. */
function sentence(all: readonly Origin[]): string {
  // What has a name in the code first: that is what one wants to know.
  const inCode = all.filter(({ code }) => code).slice(0, IN_SENTENCE);
  const parts = [...inCode, ...all.slice(0, IN_SENTENCE).filter(({ code }) => !code)].map(({ name, where, share }) =>
    where === '' ? t('{0} from {1}', percent(share), name) : t('{0} from {1} ({2})', percent(share), name, where),
  );
  const list = new Intl.ListFormat(document.documentElement.lang || 'en', { type: 'unit' }).format(parts);
  return t('This completion drew {0}.', list);
}

function note(hidden: number, changed: boolean): string {
  const said = t('Without the first token, which had {0}. Attention says where the model looked, not what made it decide: that is measured below.', percent(hidden)); // prettier-ignore
  return changed ? [said, t('The text has changed since: what was edited has lost its place.')].join(' ') : said;
}
