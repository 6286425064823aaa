// The text as tokens: one is selected, the others are shaded by how much it looks at them; generated ones carry a strip as long as they
// were probable. Moved through by keyboard as one list. Knows the scene, no host.
import { t } from '../../l10n';
import { SHADES, type Choices } from '../choices';
import { choice, element, explained, setText } from '../dom';
import { tokenKey } from '../keys';
import { percent } from '../scale';
import { type Actions, type Scene, shadingRow } from '../scene';
import type { Section } from '../fold';
import { sharesOf, topKeys } from '../weights';
import { nameOf } from '../words';

/** Steps of shading. */
const LEVELS = 8;
/** Keys that are said of a chosen query. */
const SAID = 3;

function shadeName(shade: Choices['shade']): string {
  return shade === 'head' ? t('the chosen head') : t('the mean of all heads');
}

export class TextSection implements Section {
  readonly #list = element('div', { className: 'tokens', role: 'listbox' });
  readonly #shade;
  readonly #about = element('p', { className: 'about' });
  readonly #actions: Actions;
  readonly root;
  #sequence = -1;
  #tokens: HTMLElement[] = [];
  /** The line that is appended to, and whether a line break has ended it. */
  #line = element('div');
  #ended = true;
  /** Shading step of each token, as it is on the page. */
  #levels: number[] = [];
  #selected = -1;
  /** Where the next key begins: the selected token, also before it is drawn. */
  #at = -1;
  #key = -1;
  #scene: Scene | undefined;
  /** The query that was chosen and of which nothing has been said yet. */
  #unsaid = -1;

  constructor(actions: Actions) {
    this.#actions = actions;
    this.#list.ariaLabel = t('Tokens of prompt and completion; the selected one is the query');
    const shades = SHADES.map((shade) => [shade, shadeName(shade)] as const);
    this.#shade = choice(t('Shaded by'), shades, (shade) => actions.change({ shade }));
    this.root = element(
      'div',
      {},
      element('div', { className: 'toolbar' }, this.#shade.root),
      this.#list,
      this.#about,
      this.#help(),
    );
    this.#list.addEventListener('click', (click) => this.#onClick(click));
    this.#list.addEventListener('keydown', (press) => this.#onKey(press));
    this.#list.addEventListener('pointerover', (over) => {
      const position = this.#positionOf(over.target);
      if (position >= 0) actions.point(position, false);
    });
    this.#list.addEventListener('pointerleave', () => actions.point(this.#selected, false));
  }

  #help(): HTMLElement {
    return explained(
      t('How to read this'),
      t(
        'The framed token is the query. Other tokens are shaded by the share of the largest weight that it has on them; the first token is left out, and the key with the dashed frame is looked at most or was chosen. The strip under generated tokens is as long as they were probable.',
      ),
      t(
        'Arrow keys move the query, Home and End to the first and last token, Enter shows it in the editor. While text is written, End follows it. Alt and a click choose the key.',
      ),
    );
  }

  draw(scene: Scene): void {
    const { inspected, choices, query, key } = scene;
    // A browser takes the focus from what it takes off the page.
    const hadFocus = this.#list.contains(document.activeElement);
    this.#scene = scene;
    this.#at = query;
    this.#shade.input.value = choices.shade;
    if (this.#sequence !== inspected.sequence || this.#tokens.length > inspected.tokens.length)
      this.#clear(inspected.sequence);
    // Asking where the list has been scrolled to makes the browser lay the page out: only where it has to be known.
    const grows = this.#tokens.length < inspected.tokens.length;
    const { scrollTop, clientHeight, scrollHeight } = grows
      ? this.#list
      : { scrollTop: 0, clientHeight: 0, scrollHeight: 0 };
    this.#append(scene);
    this.#select(query, key);
    if (hadFocus && !this.#list.contains(document.activeElement)) this.#tokens[query]?.focus({ preventScroll: true });
    if (grows && choices.query < 0 && scrollTop + clientHeight > scrollHeight - 40)
      this.#list.scrollTop = this.#list.scrollHeight;
    const row = shadingRow(scene);
    this.#shadeBy(row ? sharesOf(row.weights, 1) : new Uint8Array());
    setText(this.#about, this.#legend(scene, row?.hidden));
    if (row && this.#unsaid === query) this.#say(scene, row.weights);
  }

  /** What the chosen query looks at most, for those who do not see the shading. */
  #say({ inspected: { spoken }, query }: Scene, weights: Float32Array): void {
    this.#unsaid = -1;
    const keys = topKeys(weights, SAID, Math.min(1, query));
    const named = keys.map((key) => t('{0} with {1}', nameOf(spoken, key), percent(weights[key] ?? 0)));
    const list = new Intl.ListFormat(document.documentElement.lang || 'en', { type: 'unit' }).format(named);
    this.#actions.say(t('Query {0} looks most at {1}', nameOf(spoken, query), list));
  }

  #legend({ inspected, query, key }: Scene, hidden: number | undefined): string {
    const parts = [t('Query {0}', nameOf(inspected.labels, query)), t('key {0}', nameOf(inspected.labels, key))];
    const logprob = inspected.tokens[query]?.logprob;
    if (logprob !== undefined) parts.push(t('written with a probability of {0}', percent(Math.exp(logprob))));
    if (hidden !== undefined) parts.push(t('{0} on the first token', percent(hidden)));
    return parts.join(' · ');
  }

  #clear(sequence: number): void {
    this.#sequence = sequence;
    this.#tokens = [];
    this.#ended = true;
    this.#levels = [];
    this.#selected = this.#key = -1;
    this.#list.replaceChildren();
  }

  #append({ inspected: { tokens, labels, spoken, facts } }: Scene): void {
    const before = this.#tokens.length;
    const made: Node[] = [];
    for (let position = before; position < tokens.length; position++) {
      const token = element('span', { className: 'token', role: 'option', tabIndex: -1 }, labels[position] ?? '');
      token.ariaSelected = 'false';
      if (spoken[position] !== labels[position]) token.ariaLabel = spoken[position] ?? '';
      token.dataset['position'] = String(position);
      if (tokens[position]?.special) token.classList.add('special');
      if (position >= facts.promptTokens) {
        token.classList.add('written');
        token.style.setProperty('--sure', `${100 * Math.exp(tokens[position]?.logprob ?? -Infinity)}%`);
      }
      this.#tokens.push(token);
      this.#levels.push(0);
      // A line is an element of its own: what is written lays out the last one, not all of the text.
      if (this.#ended) made.push((this.#line = element('div')));
      this.#line.append(token);
      this.#ended = tokens[position]?.text.includes('\n') ?? false;
    }
    this.#list.append(...made);
  }

  #select(query: number, key: number): void {
    if (query !== this.#selected) {
      const [old, token] = [this.#tokens[this.#selected], this.#tokens[query]];
      if (old) Object.assign(old, { ariaSelected: 'false', tabIndex: -1 });
      if (token) Object.assign(token, { ariaSelected: 'true', tabIndex: 0 });
      this.#selected = query;
      if (token && token !== document.activeElement) this.#bringIntoView(token);
    }
    if (key !== this.#key) {
      this.#tokens[this.#key]?.classList.remove('key');
      this.#tokens[key]?.classList.add('key');
      this.#key = key;
    }
  }

  /** Scrolls the list alone, never the page. */
  #bringIntoView({ offsetTop, offsetHeight }: HTMLElement): void {
    const { scrollTop, clientHeight } = this.#list;
    if (offsetTop < scrollTop || offsetTop + offsetHeight > scrollTop + clientHeight)
      this.#list.scrollTop = offsetTop - clientHeight / 2;
  }

  /** Touches only what changes. @param shares [query + 1], 0 to 255 */
  #shadeBy(shares: Uint8Array): void {
    this.#levels.forEach((level, position) => {
      const wanted = Math.ceil(((shares[position] ?? 0) * LEVELS) / 255 - 0.25);
      if (wanted === level) return;
      this.#levels[position] = wanted;
      const token = this.#tokens[position];
      if (wanted > 0) token?.setAttribute('data-level', String(wanted));
      else token?.removeAttribute('data-level');
    });
  }

  #positionOf(target: EventTarget | null): number {
    const token = target instanceof Element ? target.closest<HTMLElement>('.token') : null;
    return token ? Number(token.dataset['position']) : -1;
  }

  /** A click selects the query; with Alt the key. */
  #onClick(click: MouseEvent): void {
    const position = this.#positionOf(click.target);
    if (position < 0) return;
    if (click.altKey && position <= this.#selected) this.#actions.change({ key: position });
    else this.#choose(position, true);
  }

  /** @param follow true: from here on the newest token is selected */
  #choose(position: number, reveal: boolean, follow = false): void {
    this.#at = position;
    this.#actions.change({ query: follow ? -1 : position, key: -1 });
    this.#tokens[position]?.focus({ preventScroll: false });
    this.#actions.point(position, reveal);
    this.#unsaid = position;
  }

  #onKey(press: KeyboardEvent): void {
    const position = tokenKey(press.key, this.#at, this.#tokens.length, (from, by) => this.#besideLine(from, by));
    if (position === undefined || press.altKey || press.metaKey) return;
    press.preventDefault();
    this.#choose(position, press.key === 'Enter', press.key === 'End' && this.#scene?.inspected.finished === false);
  }

  /** The token above or below, on the page. */
  #besideLine(from: number, by: 1 | -1): number {
    const here = this.#tokens[from]?.getBoundingClientRect();
    if (!here) return from;
    let best = from;
    for (let at = from + by; at >= 0 && at < this.#tokens.length; at += by) {
      const box = this.#tokens[at]?.getBoundingClientRect();
      if (!box || Math.abs(box.top - here.top) < here.height / 2) continue;
      if (best !== from && Math.abs(box.top - (this.#tokens[best]?.getBoundingClientRect().top ?? 0)) > here.height / 2)
        break;
      best = at;
      if (by > 0 ? box.right > here.left : box.left <= here.left) break;
    }
    return best;
  }
}
