// Offers of the n-gram model: it writes on as ours does, the last piece taken back and written anew, to the end of the line, while the
// product of the scores is high enough, and cut by the same rule.

import { splitLastPiece, typedPiece } from '../../src/engine/healing';
import { Worth } from '../../src/completion/worth';
import type { BackOff } from './backOff';
import type { Pieces } from './pieces';
import { NO_OFFER, type Offer, type Offerer } from './replay';

const MAX_TOKENS = 24;

/** A token's text, and the product of the scores up to it. */
interface Step {
  bytes: string;
  product: number;
}

/** What was written on. */
interface Written {
  /** Bytes of the first steps that stand before the cursor: the piece taken back. */
  typed: number;
  steps: Step[];
}

/** Continues texts; what was written on between two texts is remembered, so that other thresholds cost nothing. */
export class Ngram {
  readonly #pieces: Pieces;
  readonly #model: BackOff;
  readonly #least: number;
  /** By the text after the cursor, then by that before it. */
  readonly #written = new Map<string, Map<string, Written>>();

  /** @param least the lowest threshold that will be asked for */
  constructor(pieces: Pieces, model: BackOff, least: number) {
    this.#pieces = pieces;
    this.#model = model;
    this.#least = least;
  }

  /** Offers that end before the product of the scores falls below `threshold`. */
  offerer(threshold: number): Offerer {
    return { offer: (prefix, suffix) => this.#offer(prefix, suffix, threshold) };
  }

  #offer(prefix: string, suffix: string, threshold: number): Offer {
    if (prefix === '') return NO_OFFER;
    let before = this.#written.get(suffix);
    if (before === undefined) this.#written.set(suffix, (before = new Map<string, Written>()));
    let found = before.get(prefix);
    if (found === undefined) before.set(prefix, (found = this.#write(prefix, suffix)));
    const worth = new Worth();
    const { typed, steps } = found;
    let bytes = '';
    let text = '';
    for (const step of steps) {
      if (step.product < threshold) break;
      bytes += step.bytes;
      text = (
        Buffer.from(bytes.slice(typed), 'latin1')
          .toString('utf8')
          .split(/[\r\n\ufffd]/, 1)[0] as string
      ).trimEnd();
      worth.weigh(text.length, step.product);
    }
    return { text: text.slice(0, worth.length) };
  }

  #write(prefix: string, suffix: string): Written {
    const { texts, end } = this.#pieces;
    const { before, piece } = splitLastPiece(prefix);
    const typed = piece === '' ? undefined : typedPiece(texts, piece, this.#pieces.encode(piece));
    const text = [...this.#pieces.encode(suffix), end, ...this.#pieces.encode(typed === undefined ? prefix : before)];
    const typedBytes = typed === undefined ? 0 : Buffer.byteLength(piece);
    const steps: Step[] = [];
    let bytes = '';
    let product = 1;
    while (steps.length < MAX_TOKENS && !bytes.slice(typedBytes).includes('\n')) {
      const guess = this.#model.best(text, typed === undefined || typed.done ? undefined : typed.allowed());
      if (guess === undefined || guess.id === end) break;
      product *= guess.score;
      if (product < this.#least) break;
      if (typed?.done === false) typed.take(guess.id);
      bytes += texts.of(guess.id);
      steps.push({ bytes: texts.of(guess.id), product });
      text.push(guess.id);
    }
    return { typed: typedBytes, steps };
  }
}
