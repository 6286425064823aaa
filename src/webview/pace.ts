// Sends at most one message in a while: the first at once, of those that follow the last. Knows nothing of what it sends.

export class Pace<T> {
  readonly #pause: number;
  readonly #post: (message: T) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #next: T | undefined;

  /** @param pause milliseconds from one message to the next */
  constructor(pause: number, post: (message: T) => void) {
    this.#pause = pause;
    this.#post = post;
  }

  /** @param now true: it does not wait; what waited is out of date, and is dropped */
  send(message: T, now = false): void {
    if (this.#timer !== undefined && !now) {
      this.#next = message;
      return;
    }
    clearTimeout(this.#timer);
    this.#next = undefined;
    this.#post(message);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const waiting = this.#next;
      this.#next = undefined;
      if (waiting !== undefined) this.send(waiting);
    }, this.#pause);
  }
}
