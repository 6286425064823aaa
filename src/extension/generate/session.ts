// One generated text, from the request to the decision: it is written, and while it is and after that it can be kept, discarded or
// written anew. It ends when it is kept or gone.

import * as vscode from 'vscode';
import type { Completion, CompletionRequest } from '../../protocol';
import type { Completer } from '../completer';
import type { Config } from '../config';
import type { EngineClient } from '../engineClient';
import type { History } from '../panel/history';
import { answer, modelOf, type Reader } from './answering';
import { Insertion, type Lost } from './insertion';
import { tellEmpty, tellFailure, tellLost, writtenText } from './messages';
import { Notification } from './notification';
import type { Place } from './place';
import { tabsOf } from './tabs';

/** Of a text that always takes the likeliest token another try would be the same: it is drawn with this temperature. */
const AGAIN_TEMPERATURE = 0.6;

export interface SessionParts {
  engine: Completer;
  /** The model on this machine, which may have been taught to chat. */
  local: EngineClient;
  config: () => Config;
  history: History;
  log: vscode.LogOutputChannel;
}

export class Session {
  readonly #parts: SessionParts;
  readonly #place: Place;
  readonly #changed: () => void;
  readonly #insertion: Insertion;
  /** All that was written, for a document that goes away. */
  #text = '';
  #abort = new AbortController();
  #running: Promise<void> | undefined;
  #notification: Notification | undefined;
  /** It is being kept or taken back: nothing more is said of how it went. */
  #leaving = false;
  #ended = false;

  /** @param changed called when the text or the session's state changes */
  constructor(parts: SessionParts, place: Place, changed: () => void) {
    this.#parts = parts;
    this.#place = place;
    this.#changed = changed;
    this.#insertion = new Insertion(place.editor, place.range, {
      changed,
      edited: (undo) => this.#edited(undo),
      lost: (how) => this.#lost(how),
    });
  }

  get document(): vscode.TextDocument {
    return this.#insertion.document;
  }

  /** Where the text stands; undefined while there is none. */
  get range(): vscode.Range | undefined {
    return this.#insertion.written ? this.#insertion.range : undefined;
  }

  get writing(): boolean {
    return this.#running !== undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Writes the text; resolves when it is complete, stopped or failed, with what is to be said about it said. */
  write(again = false): Promise<void> {
    this.#running = this.#write(again).finally(() => {
      this.#running = undefined;
      this.#changed();
    });
    this.#changed();
    return this.#running;
  }

  /** Stops writing; what is written stays, to be decided about. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** The text stays. */
  keep(): Promise<void> {
    return this.#leave(() => this.#insertion.settle());
  }

  /** The text goes, and what it replaced comes back. */
  discard(): Promise<void> {
    return this.#leave(async () => {
      await this.#insertion.rollback();
      await this.#closeOpened();
    });
  }

  /** Another text takes its place. */
  async again(): Promise<void> {
    if (this.#leaving || this.#ended) return;
    this.#leaving = true;
    await this.stop();
    this.#notification?.close();
    await this.#insertion.rollback();
    this.#leaving = false;
    if (!this.ended) await this.write(true);
  }

  async #leave(last: () => Promise<void>): Promise<void> {
    if (this.#leaving || this.#ended) return;
    this.#leaving = true;
    await this.stop();
    await last();
    await this.#end();
  }

  /** A document that was opened for the text goes with it. */
  async #closeOpened(): Promise<void> {
    if (this.#place.opened && this.document.getText() === '')
      await vscode.window.tabGroups.close(tabsOf(this.document));
  }

  async #end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#notification?.close();
    this.#changed();
    await this.#insertion.close();
  }

  async #write(again: boolean): Promise<void> {
    const { engine, local, log } = this.#parts;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#text = '';
    let tokens = 0;
    const notification = new Notification(() => this.#abort.abort());
    this.#notification = notification;
    const add = (text: string, lead: string): void => {
      if (text === '' || signal.aborted) return;
      const whole = this.#text === '' ? lead + text : text;
      this.#text += whole;
      this.#insertion.append(whole);
    };
    try {
      const request = this.#request(again);
      const progress = (): void => notification.report(++tokens, request.maxTokens);
      const model = engine.state.kind === 'server' ? undefined : await modelOf(local, signal);
      const wish = model?.chat === true ? this.#place.wish(this.#insertion.range) : undefined;
      const { stats, finish, server } =
        model?.kind === 'encoder-decoder'
          ? await this.#rewrite(request, { add, progress })
          : model === undefined || wish === undefined
            ? await this.#goOn(request, { add: (text) => add(text, this.#place.lead), progress })
            : await answer(local, model, wish, request, signal, { add: (text) => add(text, wish.lead), progress });
      await this.#insertion.settle();
      log.info(
        `generated ${stats.generatedTokens} tokens in ${stats.totalMs.toFixed(0)} ms (${finish}, seed ${request.sampling.seed})${server === undefined ? '' : `, by the server ${server.host}`}`,
      );
      if (this.#leaving || this.#ended) return;
      if (this.#insertion.written) return notification.end(writtenText(this.#text, tokens));
      if (finish !== 'cancelled') tellEmpty();
      await this.#closeOpened();
      await this.#end();
    } catch (error) {
      notification.close();
      await this.#insertion.settle();
      if (this.#leaving || this.#ended) return;
      void tellFailure(error, tokens, log, () => this.#retry());
      if (!this.#insertion.written) await this.#end();
    }
  }

  /** Has the model go on with the text before the place, in which the prompt stands as a comment. */
  async #goOn(
    request: CompletionRequest,
    { add, progress }: Reader,
  ): Promise<Pick<Completion, 'stats' | 'finish' | 'server'>> {
    const { engine, history } = this.#parts;
    let [streamed, written] = [0, ''];
    let sequence: number | undefined;
    const { document, range } = this.#insertion;
    history.generates(
      document,
      range,
      request,
      this.#place.lead,
      () => sequence,
      () => written,
    );
    const completion = await engine.complete(request, this.#abort.signal, ({ text, id }) => {
      written += text;
      if (sequence === undefined) {
        sequence = id;
        history.wrote();
      }
      progress();
      streamed += text.length;
      add(text);
    });
    written = completion.text;
    add(written.slice(streamed));
    history.wrote();
    return completion;
  }

  /** Has an encoder–decoder model write about the prompt and the selection, or into the place where there is neither. */
  async #rewrite(
    request: CompletionRequest,
    { add, progress }: { add: (text: string, lead: string) => void; progress: () => void },
  ): Promise<Pick<Completion, 'stats' | 'finish' | 'server'>> {
    const { source, lead, opened } = this.#place;
    const before = opened ? '' : lead; // in a new document the prompt is no part of the text
    let streamed = 0;
    const asked = { ...request, ...(source === undefined ? {} : { source }) };
    const completion = await this.#parts.local.complete(asked, this.#abort.signal, ({ text }) => {
      progress();
      streamed += text.length;
      add(text, before);
    });
    add(completion.text.slice(streamed), before);
    return completion;
  }

  #request(again: boolean): CompletionRequest {
    const { generateMaxTokens, generateSampling } = this.#parts.config();
    const greedy = again && generateSampling.temperature === 0;
    return {
      ...this.#place.shown(this.#insertion.range),
      maxTokens: generateMaxTokens,
      sampling: {
        ...generateSampling,
        ...(greedy ? { temperature: AGAIN_TEMPERATURE } : {}),
        seed: Math.floor(Math.random() * 2 ** 32),
      },
      raw: false,
      unbounded: true,
      endless: true,
    };
  }

  /** After a failure: the same session where it still has a text, else the command that a person would give. */
  #retry(): void {
    void (this.#ended ? vscode.commands.executeCommand('glassbox.generate') : this.again());
  }

  #edited(undo: boolean): void {
    if (this.#leaving) return;
    if (undo) {
      // Who undoes while it is written wants it away, and undo has seen to it.
      this.#leaving = true;
      this.#abort.abort();
      void this.#end();
    } else if (!this.writing) void this.keep();
  }

  #lost(how: Lost): void {
    this.#abort.abort();
    if (this.writing && !this.#leaving) void tellLost(how, this.document, this.#text);
    void this.#end();
  }
}
