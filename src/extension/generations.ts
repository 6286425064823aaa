// The runs of the model for suggestions: one that somebody waits for, one ahead in the background, and other texts at a place. Each
// becomes an offer in the memory. What no longer agrees with the document is cancelled at once, not when the editor asks again.

import * as vscode from 'vscode';
import { Spot } from '../completion/offer';
import { Offers } from '../completion/offers';
import type { Rhythm } from '../completion/rhythm';
import type { Completion } from '../protocol';
import type { Completer } from './completer';
import { textAround } from './documents';
import { ModelOffer } from './modelOffer';
import type { Requests } from './requests';

/** So many offers are remembered. */
const REMEMBERED = 200;
/** So many texts besides the one on show. */
const OTHERS = 2;

/** A place in a document as text. */
export interface Place {
  document: vscode.TextDocument;
  prefix: string;
  suffix: string;
}

export interface GenerationParts {
  engine: Completer;
  requests: Requests;
  rhythm: Rhythm;
  log: vscode.LogOutputChannel;
  /** Told when an offer has grown or ended. */
  onChange: (offer: ModelOffer) => void;
}

export class Generations implements vscode.Disposable {
  readonly #parts: GenerationParts;
  readonly offers = new Offers<ModelOffer>(REMEMBERED);
  /** What somebody waits for, as long as it runs. */
  #running: { offer: ModelOffer; uri: string; entry: boolean } | undefined;
  /** What runs ahead, and the offer that it takes for accepted. */
  #ahead: { offer: ModelOffer; from: ModelOffer; uri: string } | undefined;
  /** The document that the model has read last. */
  #warm = '';
  #count = 0;
  readonly #subscription: vscode.Disposable;

  constructor(parts: GenerationParts) {
    this.#parts = parts;
    this.#subscription = vscode.window.onDidChangeTextEditorSelection(
      ({ textEditor }) => textEditor === vscode.window.activeTextEditor && this.#moved(textEditor),
    );
  }

  /** How many times the model was asked by somebody who waits. */
  get count(): number {
    return this.#count;
  }

  /** Whether the model has read the document lately, so that its answer comes as fast as it usually does. */
  isWarm({ uri }: vscode.TextDocument): boolean {
    return this.#warm === uri.toString();
  }

  /** The document has been read beforehand. */
  warmed({ uri }: vscode.TextDocument): void {
    this.#warm = uri.toString();
  }

  /** Asks the model; what ran before is cancelled. @param entry true: an entry of the editor's list is taken for written */
  ask({ document, prefix, suffix }: Place, entry: boolean): ModelOffer {
    const { engine, requests, rhythm, log, onChange } = this.#parts;
    this.cancel();
    const uri = document.uri.toString();
    const offer = new ModelOffer(new Spot(prefix, suffix));
    const running = (this.#running = { offer, uri, entry });
    this.offers.add(uri, offer);
    this.warmed(document);
    const number = ++this.#count;
    const start = performance.now();
    rhythm.asked(start);
    let answered = false;
    const firstText = (): void => {
      if (!answered) rhythm.answered(performance.now() - start);
      answered = true;
    };
    offer.request = requests.at(document, prefix, suffix);
    engine
      .complete(offer.request, offer.abort.signal, ({ text, id }) => {
        firstText();
        offer.id = id;
        if (text === '') return;
        offer.append(text);
        onChange(offer);
        offer.changed();
      })
      .then(
        (answer) => {
          const { finish, stats, id, server } = answer;
          log.debug(
            `suggestion ${number}: ${finish}, ${stats.generatedTokens} tokens, first after ${stats.firstTokenMs.toFixed(0)} ms, all after ${stats.totalMs.toFixed(0)} ms, prompt ${stats.promptTokens} (${stats.reusedTokens} reused)${server === undefined ? '' : `, by the server ${server.host} with ${server.model}`}`,
          );
          // A run that was cancelled before its first text shows at least that the model is not faster.
          if (finish !== 'cancelled' || performance.now() - start > rhythm.latency) firstText();
          if (finish === 'cancelled') return this.#lose(offer);
          offer.id = id;
          offer.complete(answer);
        },
        (error: unknown) => this.#fail(offer, `suggestion ${number}`, error),
      )
      .finally(() => {
        if (this.#running === running) this.#running = undefined;
        onChange(offer);
        offer.changed();
      });
    return offer;
  }

  /**
   * Asks in the background what comes next where an offer has been accepted, unless it is known or runs already. Whoever asks at that place
   * meanwhile waits for it.
   * @param at the document as if the offer had been accepted
   */
  ahead({ document, prefix, suffix }: Place, from: ModelOffer): void {
    const { engine, requests, log, onChange } = this.#parts;
    const uri = document.uri.toString();
    if (engine.generating || engine.state.kind !== 'ready' || this.offers.find(uri, prefix, suffix)) return;
    this.#ahead?.offer.abort.abort();
    const offer = new ModelOffer(new Spot(prefix, suffix));
    const ahead = (this.#ahead = { offer, from, uri });
    offer.ahead = true;
    offer.request = requests.at(document, prefix, suffix);
    this.offers.add(uri, offer);
    engine
      .ahead(offer.request, offer.abort.signal)
      .then(
        (completion) => {
          if (completion === undefined || completion.finish === 'cancelled') return this.#lose(offer);
          log.debug(`ahead: ${completion.finish}, ${completion.stats.generatedTokens} tokens`);
          offer.id = completion.id;
          offer.complete(completion);
        },
        (error: unknown) => this.#fail(offer, 'ahead', error),
      )
      .finally(() => {
        if (this.#ahead === ahead) this.#ahead = undefined;
        onChange(offer);
        offer.changed();
      });
  }

  /** Other texts at the place of a finished offer, the most probable first; asked for once. None where the engine has none. */
  others(place: Place, offer: ModelOffer): Promise<ModelOffer[]> {
    return (offer.others ??= this.#others(place, offer).catch((error: unknown) => {
      this.#parts.log.warn(`alternatives: ${error instanceof Error ? error.message : String(error)}`);
      offer.others = undefined;
      return [];
    }));
  }

  /** Ends what somebody waited for. */
  cancel(): void {
    this.#running?.offer.abort.abort();
    if (this.#running !== undefined) this.#lose(this.#running.offer);
    this.#running = undefined;
  }

  /** Forgets all offers: they rest on what has changed. */
  reset(): void {
    this.cancel();
    this.#ahead?.offer.abort.abort();
    this.offers.clear();
    this.#warm = '';
  }

  dispose(): void {
    this.reset();
    this.#subscription.dispose();
  }

  async #others(place: Place, offer: ModelOffer): Promise<ModelOffer[]> {
    const { engine, log } = this.#parts;
    // A server is not asked for what is offered beside its text.
    if (offer.completion?.server !== undefined) return [];
    let asked = offer;
    let completions: Completion[];
    try {
      if (offer.id === undefined || offer.ahead) throw new Error('it was made ahead');
      completions = await engine.alternatives(offer.id, OTHERS);
    } catch (error) {
      // The engine knows of its last completion only: have it completed again.
      log.debug(`alternatives: ${error instanceof Error ? error.message : String(error)}; completed again`);
      asked = this.ask(place, false);
      this.offers.delete(asked); // the one on show says the same
      while (!asked.finished && !asked.lost) await asked.change();
      if (asked.id === undefined || asked.lost) return [];
      completions = await engine.alternatives(asked.id, OTHERS);
    }
    return completions.map((completion) => {
      const other = new ModelOffer(asked.spot);
      other.complete(completion);
      this.offers.add(place.document.uri.toString(), other, 'never');
      return other;
    });
  }

  /** What runs and no longer agrees with the document, or is of no use where the cursor is now, ends. */
  #moved({ document, selection }: vscode.TextEditor): void {
    if (this.#running === undefined && this.#ahead === undefined) return;
    const uri = document.uri.toString();
    const { before, after } = textAround(document, selection);
    const answers = (offer: ModelOffer): boolean => offer.remaining(before, after) !== undefined;
    // What takes an entry of the editor's list for written is ahead of the document.
    const running = this.#running;
    if (running !== undefined && !running.entry && (running.uri !== uri || !answers(running.offer))) this.cancel();
    const ahead = this.#ahead;
    if (ahead !== undefined && (ahead.uri !== uri || (!answers(ahead.offer) && !answers(ahead.from))))
      ahead.offer.abort.abort();
  }

  #lose(offer: ModelOffer): void {
    offer.lost = true;
    this.offers.delete(offer);
  }

  #fail(offer: ModelOffer, what: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#parts.log.warn(`${what}: ${message}`);
    offer.failure = message;
    this.#lose(offer);
  }
}
