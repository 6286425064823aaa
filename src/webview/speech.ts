// Speaks to screen readers through a live region, but only the last of many quick changes. Knows nothing of what
// it says. Called by main.ts when the selected cell moves.
import { element, setText } from './dom';

/** Quiet time before something is spoken, in milliseconds: about as fast as held-down arrow keys stop mattering. */
const QUIET = 350;

export class Speech {
  readonly root = element('div', { className: 'unseen', role: 'status', ariaLive: 'polite' });
  #timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => setText(this.root, text), QUIET);
  }
}
