// Draws at most once a frame, whatever came in since the last, and measures how long that took. Knows nothing of what is drawn.

export class Frames {
  #requested = false;
  readonly #draw: () => void;
  readonly #drawn: (milliseconds: number) => void;

  /** @param drawn gets how long the drawing took */
  constructor(draw: () => void, drawn: (milliseconds: number) => void) {
    this.#draw = draw;
    this.#drawn = drawn;
  }

  /** Draws in the next frame; many calls give one drawing. */
  request(): void {
    if (this.#requested) return;
    this.#requested = true;
    requestAnimationFrame(() => {
      this.#requested = false;
      const start = performance.now();
      this.#draw();
      this.#drawn(performance.now() - start);
    });
  }
}
