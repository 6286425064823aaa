// A section that can be folded, with its title and a line that says what is missing. Knows nothing of what is in it.
import { element, setText } from './dom';
import type { Scene } from './scene';

/** A part of the page: its element, and how it is drawn. */
export interface Section {
  readonly root: HTMLElement;
  draw(scene: Scene): void;
}

export class Fold {
  readonly section: Section;
  readonly #missing = element('p', { className: 'missing', role: 'status' });
  readonly root: HTMLDetailsElement;
  /** True as long as the page has not said that it is scrolled out of sight. */
  #inView = true;

  /** @param toggled gets whether the section is open now */
  constructor(title: string, section: Section, toggled: (open: boolean) => void) {
    this.section = section;
    const heading = element('h2', {}, title);
    this.root = element(
      'details',
      { className: 'section' },
      element('summary', {}, heading),
      this.#missing,
      section.root,
    );
    this.root.addEventListener('toggle', () => toggled(this.root.open));
    new IntersectionObserver((entries) => (this.#inView = entries.at(-1)?.isIntersecting ?? true)).observe(this.root);
  }

  /** How soon it has to be drawn: 0, that with the focus, first; 1, what is seen; 2, what is scrolled out of sight. */
  get rank(): 0 | 1 | 2 {
    if (this.root.contains(document.activeElement)) return 0;
    return this.#inView ? 1 : 2;
  }

  get open(): boolean {
    return this.root.open;
  }

  set open(open: boolean) {
    if (this.root.open !== open) this.root.open = open;
  }

  /** Says why something is not here; empty: nothing is missing. */
  missing(text: string): void {
    setText(this.#missing, text);
    this.#missing.hidden = text === '';
  }
}
