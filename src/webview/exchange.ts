// Keeps the questions to the extension host in order: one at a time, the newest choice last, answers to older choices
// dropped. Pure; it does not know the map inside an answer. Called by main.ts for every choice and every answer.
import type { FromWebview, ShowMap } from '../webviewProtocol';

export interface Head {
  layer: number;
  head: number;
}

const same = (a: Head, b: Head): boolean => a.layer === b.layer && a.head === b.head;

export class Exchange {
  #chosen: Head;
  #asked: Head | undefined;
  readonly #post: (message: FromWebview) => void;

  constructor({ layer, head }: Head, post: (message: FromWebview) => void) {
    this.#chosen = { layer, head };
    this.#post = post;
  }

  get chosen(): Head {
    return this.#chosen;
  }

  /** A question waits for its answer. */
  get busy(): boolean {
    return this.#asked !== undefined;
  }

  /** Says that the script runs; the host answers. */
  start(): void {
    this.#asked = this.#chosen;
    this.#post({ type: 'ready', ...this.#chosen });
  }

  /** Asks for a head, now or after the answer that is awaited. */
  choose({ layer, head }: Head): void {
    this.#chosen = { layer, head };
    if (!this.busy) this.#ask();
  }

  /** Whether this map is to be drawn: it is the head last chosen, or that head does not exist in this model. */
  accept({ map, layers, heads }: Pick<ShowMap, 'layers' | 'heads'> & { map: Head }): boolean {
    const exists = ({ layer, head }: Head): boolean => layer < layers && head < heads;
    if (this.#asked && exists(this.#asked) && !same(this.#asked, map)) return false;
    this.#asked = undefined;
    if (!exists(this.#chosen)) this.#chosen = { layer: map.layer, head: map.head };
    if (same(this.#chosen, map)) return true;
    this.#ask();
    return false;
  }

  /** A notice came instead of a map. */
  refused(): void {
    const answered = this.#asked;
    this.#asked = undefined;
    if (answered && !same(answered, this.#chosen)) this.#ask();
  }

  #ask(): void {
    this.#asked = this.#chosen;
    this.#post({ type: 'select', ...this.#chosen });
  }
}
