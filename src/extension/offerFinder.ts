// Finds what to show where the editor asks: in the memory, in a run that is under way, or by asking the model.

import type { Rest } from '../completion/offer';
import type { Rhythm } from '../completion/rhythm';
import type { Completer } from './completer';
import type { Config } from './config';
import type { Generations } from './generations';
import { isBlank } from './items';
import type { ModelOffer } from './modelOffer';
import { cancelledOrAfter, type Question } from './question';
import * as reasons from './reasons';
import type { Reason, Why } from './why';

/** A run that the typing has overtaken is waited for so long at least, in milliseconds; else asking anew is faster. */
const PATIENCE_MS = 200;

export interface FinderParts {
  engine: Completer;
  config: () => Config;
  why: Why;
  rhythm: Rhythm;
  /** Whether the editor can lengthen what it shows. */
  stream: () => { readonly canGrow: boolean };
}

/** An offer, and what of it may be shown. */
export interface Shown {
  offer: ModelOffer;
  rest: Rest;
  /** Nobody had to wait for it. */
  known: boolean;
}

export class OfferFinder {
  readonly #parts: FinderParts;
  readonly #generations: Generations;

  constructor(parts: FinderParts, generations: Generations) {
    this.#parts = parts;
    this.#generations = generations;
  }

  /** Finds what to show, in the memory or by asking the model. */
  async find(question: Question): Promise<Shown | Reason> {
    const { rhythm, why, engine } = this.#parts;
    const { document, prefix, suffix, invoked, selected, token } = question;
    const { offers } = this.#generations;
    const uri = document.uri.toString();
    const find = (): ModelOffer | undefined => offers.find(uri, prefix, suffix)?.offer;
    let offer = find();
    if (invoked && offer?.finished === true && isBlank(offer.remaining(prefix, suffix))) {
      offers.delete(offer); // who asks by hand wants to know whether it is still so
      offer = undefined;
    }
    if (offer === undefined && !invoked) {
      await this.#rest(question);
      if (!question.stands()) return reasons.superseded();
      offer = find(); // somebody else may have asked meanwhile
    }
    let known = offer?.finished === true;
    let asked = false;
    const overtakenAt = performance.now();
    for (;;) {
      const rest = offer?.remaining(prefix, suffix);
      const overtaken = offer !== undefined && !offer.finished && offer.isBehind(prefix);
      const patience = Math.max(PATIENCE_MS, 2 * rhythm.latency) - (performance.now() - overtakenAt);
      if (offer === undefined || rest === undefined || offer.lost || (overtaken && patience <= 0 && !asked)) {
        if (asked) return nothingOf(offer, question, this.#parts.config());
        asked = true;
        known = false;
        offer = this.#generations.ask(question, selected !== undefined);
        continue;
      }
      const text = this.#showable(rest.text, offer.finished);
      if (text !== '') return { offer, rest: { ...rest, text }, known };
      if (offer.finished) return nothingOf(offer, question, this.#parts.config());
      why.set(
        engine.state.kind === 'ready' || engine.state.kind === 'server'
          ? reasons.working()
          : engine.state.kind === 'asleep'
            ? reasons.waking()
            : reasons.loading(),
      );
      await offer.change(token, overtaken && !asked ? patience : undefined);
      if (!question.stands()) return reasons.superseded();
    }
  }

  /** Waits as long as the typing suggests, or until the question falls. */
  async #rest({ document, prefix, token }: Question): Promise<void> {
    const { rhythm, config } = this.#parts;
    const ms = rhythm.delay({
      lineStart: /(?:^|\n)[ \t]*$/.test(prefix),
      warm: this.#generations.isWarm(document),
      least: config().delayMs,
      now: performance.now(),
    });
    if (ms > 0) await cancelledOrAfter(token, ms);
  }

  /** What of the rest may be shown now. Where the editor cannot lengthen it, whole lines, unless it is finished. */
  #showable(rest: string, finished: boolean): string {
    const part = finished || this.#parts.stream().canGrow ? rest : rest.slice(0, Math.max(0, rest.lastIndexOf('\n')));
    return part.trim() === '' ? '' : part;
  }
}

/** Why a finished offer has nothing to show. */
function nothingOf(offer: ModelOffer | undefined, { selected }: Question, config: Config): Reason {
  if (offer?.failure !== undefined) return reasons.unexpected(offer.failure);
  if (offer?.completion === undefined) return reasons.superseded();
  return selected === undefined ? reasons.nothing(offer.completion, config) : reasons.widget(selected.text);
}
