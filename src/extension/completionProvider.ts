// VS Code's question in, ghost text out. What is known is answered from memory at once; else the model is asked, after the wait that the
// typing suggests. Every answer that is empty has its reason.

import * as vscode from 'vscode';
import { runsOnBattery } from '../machine/power';
import type { Rest } from '../completion/offer';
import type { Rhythm } from '../completion/rhythm';
import type { Completer } from './completer';
import type { Config } from './config';
import { textAround } from './documents';
import type { Exclusion } from './exclusion';
import { reasonNotToAsk, reasonOfModel } from './gate';
import { Generations } from './generations';
import type { GhostStream } from './ghostStream';
import { itemFor, otherItems } from './items';
import type { ModelOffer } from './modelOffer';
import { OfferFinder, type Shown } from './offerFinder';
import type { History } from './panel/history';
import type { Question } from './question';
import * as reasons from './reasons';
import type { Requests } from './requests';
import type { TypingWatch } from './typingWatch';
import type { Reason, Why } from './why';

/** A suggestion that has been on show for so long may be accepted soon: what comes after it is asked for. In milliseconds. */
const LOOKED_AT_MS = 150;
export interface ProviderParts {
  engine: Completer;
  config: () => Config;
  requests: Requests;
  exclusion: Exclusion;
  why: Why;
  rhythm: Rhythm;
  typing: TypingWatch;
  history: History;
  log: vscode.LogOutputChannel;
  /** A function, because the stream registers the provider and so is made after it. */
  stream: () => GhostStream;
}

export class CompletionProvider implements vscode.InlineCompletionItemProvider, vscode.Disposable {
  readonly #parts: ProviderParts;
  readonly #generations: Generations;
  readonly #finder: OfferFinder;
  /** Where the user last sent a suggestion away. The editor may have been about to ask again there. */
  #dismissed = '';
  #questions = 0;
  #lookedAt: NodeJS.Timeout | undefined;

  constructor(parts: ProviderParts) {
    const { stream, typing, history } = (this.#parts = parts);
    const onChange = (offer: ModelOffer): void => {
      stream().changed(offer);
      history.grew(offer);
      if (offer.finished || offer.lost) typing.ended(offer);
    };
    this.#generations = new Generations({ ...parts, onChange });
    this.#finder = new OfferFinder(parts, this.#generations);
  }

  /** How many times the model was asked by somebody who waited. */
  get requests(): number {
    return this.#generations.count;
  }

  /** How many offers are remembered. */
  get remembered(): number {
    return this.#generations.offers.size;
  }

  /** Forgets what is on offer at the cursor, stops making more of it, and offers nothing at this place until something changes there. */
  dismiss(): void {
    const editor = vscode.window.activeTextEditor;
    this.#generations.cancel();
    if (editor === undefined) return;
    const { document, selection } = editor;
    this.#dismissed = nameOf(document, selection.active);
    const { before, after } = textAround(document, selection);
    this.#generations.offers.dismiss(document.uri.toString(), before, after);
  }

  /** Forgets all offers: the settings or the model have changed. */
  reset(): void {
    this.#generations.reset();
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[]> {
    const { why, log, stream } = this.#parts;
    stream().asked();
    const number = ++this.#questions;
    const { version } = document;
    why.asked({ document, version, position });
    let answer: vscode.InlineCompletionItem[] | Reason;
    try {
      const selected = context.selectedCompletionInfo;
      const { before, after } = textAround(document, selected?.range ?? new vscode.Range(position, position));
      answer = await this.#answer({
        document,
        position,
        prefix: before + (selected?.text ?? ''),
        suffix: after,
        invoked: context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke,
        selected,
        token,
        stands: () => document.version === version && !token.isCancellationRequested,
        at: performance.now(),
      });
    } catch (error) {
      log.error(error instanceof Error ? error : String(error));
      answer = reasons.unexpected(error instanceof Error ? error.message : String(error));
    }
    if (Array.isArray(answer)) return answer;
    // An older question may end after a newer one.
    if (number === this.#questions) why.set(answer);
    return [];
  }

  /** Why there would be no suggestion at the cursor if the editor asked; undefined where the model would be asked. */
  async reasonAgainst({ document, selection }: vscode.TextEditor): Promise<Reason | undefined> {
    const { engine, config, exclusion } = this.#parts;
    if (!selection.isEmpty) return reasons.selection();
    const { before: prefix, after: suffix } = textAround(document, selection);
    const place = { document, position: selection.active, prefix, suffix, invoked: false };
    const against = reasonNotToAsk(place, config(), engine.state);
    if (against !== undefined) return against;
    const excluded = await exclusion.reasonAgainst(document);
    return excluded === undefined ? undefined : reasons.excluded(excluded, document);
  }

  /** Has the engine read what would be asked at the cursor, so that the first suggestion there comes as fast as the next. */
  async warm(editor: vscode.TextEditor, signal: AbortSignal): Promise<void> {
    const { engine, requests, log } = this.#parts;
    if ((await this.reasonAgainst(editor)) !== undefined || signal.aborted) return;
    const { document, selection } = editor;
    const { before: prefix, after: suffix } = textAround(document, selection);
    // The engine has just been asked here.
    if (this.#generations.offers.find(document.uri.toString(), prefix, suffix) !== undefined) return;
    try {
      const warmed = await engine.warm(requests.at(document, prefix, suffix), signal);
      if (warmed === undefined) return;
      const { promptTokens, reusedTokens, totalMs } = warmed.stats;
      if (warmed.finish !== 'cancelled') this.#generations.warmed(document);
      log.debug(
        `read beforehand: ${warmed.finish}, ${totalMs.toFixed(0)} ms, prompt ${promptTokens} (${reusedTokens} reused)`,
      );
    } catch (error) {
      log.debug(`read beforehand: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  dispose(): void {
    clearTimeout(this.#lookedAt);
    this.#generations.dispose();
  }

  async #answer(question: Question): Promise<vscode.InlineCompletionItem[] | Reason> {
    const { engine, config, exclusion } = this.#parts;
    const { document, position, invoked } = question;
    const against = reasonNotToAsk(question, config(), engine.state);
    if (against !== undefined) return against;
    if (!invoked && this.#dismissed === nameOf(document, position)) return reasons.dismissed();
    this.#dismissed = '';
    if (engine.writing) return reasons.writing(); // asking now would cancel it
    const excluded = await exclusion.reasonAgainst(document);
    if (excluded !== undefined) return reasons.excluded(excluded, document);
    if (!question.stands()) return reasons.superseded();
    const shown = await this.#finder.find(question);
    // It may have been asked while its model was not known yet, or a server was to answer.
    const rewrites = reasonOfModel(engine.state);
    if (rewrites !== undefined) return rewrites;
    return 'offer' in shown ? this.#items(question, shown) : shown;
  }

  async #items(question: Question, { offer, rest, known }: Shown): Promise<vscode.InlineCompletionItem[] | Reason> {
    const { why, stream, typing, history } = this.#parts;
    const { document, position, at, invoked } = question;
    const item = itemFor(question, rest);
    if (!(item instanceof vscode.InlineCompletionItem)) return item;
    if (!offer.finished) stream().shown(document, position, offer);
    const key = typing.keyBefore(document);
    const before = offer.shown;
    const shown = { ms: performance.now() - (key ?? at), from: known ? 'memory' : 'model' } as const;
    offer.shown ??= { ...shown, counted: false };
    typing.shows(offer, document, position, rest.text);
    history.shows(offer, question);
    if (offer.finished) typing.ended(offer);
    // Asked again without a key, the editor lengthens what it shows.
    const { ms, from } = key === undefined && before !== undefined ? before : shown;
    const { probability, server } = offer.completion ?? {};
    why.gave({ ms, from, probability, ...(server === undefined ? {} : { server }) });
    this.#lookAhead(question, offer, rest);
    // Who asks by hand for what is on show already looks for something else.
    return invoked && before !== undefined
      ? [item, ...(await otherItems(question, offer, rest.text, this.#generations))]
      : [item];
  }

  /** When a whole suggestion is looked at, has what comes after it asked for. */
  #lookAhead({ document, prefix, suffix }: Question, offer: ModelOffer, rest: Rest): void {
    clearTimeout(this.#lookedAt);
    if (runsOnBattery()) return; // what is completed ahead may never be asked for
    const { version } = document;
    const look = (): void => {
      if (document.version !== version || offer.lost) return;
      if (!offer.finished) return void offer.change().then(look);
      const { text, over } = offer.remaining(prefix, suffix) ?? rest;
      this.#generations.ahead({ document, prefix: prefix + text, suffix: suffix.slice(over) }, offer);
    };
    this.#lookedAt = setTimeout(look, LOOKED_AT_MS);
  }
}

/** Names a position in one version of a document. */
function nameOf(document: vscode.TextDocument, { line, character }: vscode.Position): string {
  return `${document.uri.toString()} ${document.version} ${line}:${character}`;
}
