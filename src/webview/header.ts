// The head of the page: which completion is shown, following, what goes on, and saving. Knows the host's list, not the answers.
import { t } from '../l10n';
import type { HostState, SequenceEntry } from '../webviewProtocol';
import type { SequenceName } from '../inspectionProtocol';
import { type Format, FORMATS } from './choices';
import { choice, element, setText, toggle } from './dom';
import { legible } from './tokens';

export interface HeaderEvents {
  /** Another completion is chosen. */
  readonly show: (sequence: SequenceName) => void;
  readonly follow: (on: boolean) => void;
  readonly export: (format: Format) => void;
}

function fateName(fate: SequenceEntry['fate']): string {
  switch (fate) {
    case 'shown':
      return t('on show');
    case 'accepted':
      return t('accepted');
    case 'dismissed':
      return t('dismissed');
    case 'other':
      return t('not taken');
    case 'generated':
      return t('generated');
  }
}

function formatName(format: Format): string {
  switch (format) {
    case 'png':
      return t('PNG (picture)');
    case 'svg':
      return t('SVG (vectors)');
    case 'json':
      return t('JSON (all weights)');
    case 'csv':
      return t('CSV (the query’s keys)');
  }
}

export class Header {
  readonly #sequences;
  readonly #model = element('span', { className: 'model' });
  readonly #follow;
  readonly #save;
  readonly #notice = element('p', { className: 'notice', role: 'status' });
  /** What is offered, as text. */
  #offered = '';
  /** What the chosen completion was called when it was last on the list. */
  #chosen: { sequence: SequenceName; label: string } | undefined;
  readonly root;

  constructor({ show, follow, export: save }: HeaderEvents) {
    this.#sequences = choice<string>(t('Completion'), [], (value) => show(value === 'last' ? 'last' : Number(value)));
    this.#follow = toggle(t('Follow'), follow, t('While text is written, the newest token stays selected.'));
    // A button besides the choice: arrow keys walk through a closed list, and nothing must be saved on the way.
    const format = choice<Format>(t('Save as'), FORMATS.map((each) => [each, formatName(each)] as const), () => undefined); // prettier-ignore
    const button = element('button', { type: 'button', className: 'button quiet' }, t('Save'));
    button.addEventListener('click', () => save(format.input.value as Format));
    this.#save = element('div', { className: 'together' }, format.root, button);
    const bar = element('div', { className: 'toolbar' }, this.#sequences.root, this.#model, this.#follow.root, this.#save); // prettier-ignore
    this.root = element('header', {}, bar, this.#notice);
  }

  /** Offers the completions there are; the first entry is whichever is the last. */
  offer({ sequences, model }: HostState, chosen: SequenceName): void {
    const entries: { sequence: SequenceName; label: string }[] = [
      { sequence: 'last', label: t('the last, live') },
      ...sequences.map(({ sequence, title, fate, document }) => ({
        sequence,
        label: t('{0} — {1} ({2})', legible(title), legible(document), fateName(fate)),
      })),
    ];
    const known = entries.find(({ sequence }) => sequence === chosen);
    if (known) this.#chosen = known;
    // The one that is looked at stays on the list for as long as it is.
    else if (this.#chosen?.sequence === chosen) entries.push(this.#chosen);
    // A list that somebody has open is left alone where nothing is new.
    const offered = JSON.stringify(entries);
    if (offered !== this.#offered)
      this.#sequences.input.replaceChildren(
        ...entries.map(({ sequence, label }) => element('option', { value: String(sequence) }, label)),
      );
    this.#offered = offered;
    this.#sequences.input.value = String(chosen);
    this.#sequences.root.hidden = sequences.length === 0;
    setText(this.#model, model);
  }

  set(follow: boolean, canFollow: boolean, canSave: boolean): void {
    this.#follow.input.checked = follow;
    // What goes away hands the focus on.
    const hadFocus = !canFollow && document.activeElement === this.#follow.input;
    this.#follow.root.hidden = !canFollow;
    this.#save.hidden = !canSave;
    if (hadFocus) this.focus();
  }

  focus(): void {
    this.#sequences.input.focus();
  }

  notice(text: string): void {
    setText(this.#notice, text);
  }
}
