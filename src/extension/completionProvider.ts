// VS Code's question in, ghost text out: glue over completion/ and the engine client. Typing that agrees with the text on offer
// is answered from memory; anything else starts a generation, and the one before is cancelled.

import * as vscode from 'vscode';
import { Suggestion } from '../completion/suggestion';
import type { CompletionRequest } from '../protocol';
import type { Config } from './config';
import { isForWriting, pathForModel, textAround } from './documents';
import type { EngineClient } from './engineClient';
import { EngineFailure } from './engineClient';
import type { GhostStream } from './ghostStream';

/** Run by the editor when an item was accepted. */
export const ACCEPTED = '_glassbox.accepted';

/** A generation and what it has given so far. */
interface Offer {
  uri: string;
  suggestion: Suggestion;
  abort: AbortController;
  /** Called at the next token and at the end. */
  waiting: Set<() => void>;
}

export class CompletionProvider implements vscode.InlineCompletionItemProvider {
  readonly #engine: EngineClient;
  readonly #config: () => Config;
  /** A function, because the stream registers this provider and so is made after it. */
  readonly #stream: () => GhostStream;
  readonly #log: vscode.LogOutputChannel;
  #offer: Offer | undefined;
  /** Where the user last sent a suggestion away. The editor may have been about to ask again there. */
  #dismissed = '';
  #requests = 0;

  constructor(engine: EngineClient, config: () => Config, stream: () => GhostStream, log: vscode.LogOutputChannel) {
    this.#engine = engine;
    this.#config = config;
    this.#stream = stream;
    this.#log = log;
  }

  /** How many times the model was asked since the start. */
  get requests(): number {
    return this.#requests;
  }

  /** Forgets the text on offer, stops making more of it, and offers nothing at this place until something changes there. */
  dismiss(): void {
    const editor = vscode.window.activeTextEditor;
    if (editor !== undefined) this.#dismissed = placeOf(editor.document, editor.selection.active);
    this.#drop();
  }

  #drop(): void {
    this.#offer?.abort.abort();
    this.#offer = undefined;
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[]> {
    this.#stream().asked();
    const invoked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    if ((!this.#config().enabled && !invoked) || !isForWriting(document)) return [];
    if (!invoked && this.#dismissed === placeOf(document, position)) return [];
    this.#dismissed = '';
    // Generate writes: asking now would cancel it. Or there is no engine: the status bar says why.
    if (this.#engine.writing || this.#engine.state.kind === 'failed') return [];

    // With an entry selected in the suggest widget, what is shown must begin with that entry and take its place.
    const selected = context.selectedCompletionInfo;
    const { before, after } = textAround(document, selected?.range ?? new vscode.Range(position, position));
    const prefix = before + (selected?.text ?? '');
    const suffix = after;
    if (prefix.trim() === '' || (/\w$/.test(prefix) && /^\w/.test(suffix))) return [];

    const uri = document.uri.toString();
    let offer = this.#offer?.uri === uri ? this.#offer : undefined;
    let asked = false;
    let shown = '';
    for (;;) {
      const rest = offer?.suggestion.remaining(prefix, suffix);
      if (offer === undefined || rest === undefined) {
        if (asked) return [];
        asked = true;
        this.#drop();
        offer = this.#offer = this.#ask(document, prefix, suffix);
        continue;
      }
      shown = this.#showable(rest, offer.suggestion.finished);
      if (shown !== '') break;
      if (offer.suggestion.finished) return [];
      await changeOf(offer, token);
      if (token.isCancellationRequested || this.#offer !== offer) return [];
    }
    if (!offer.suggestion.finished) this.#stream().shown(document, position);

    const range = selected?.range ?? new vscode.Range(position, position);
    const item = new vscode.InlineCompletionItem((selected?.text ?? '') + shown, range);
    item.command = { command: ACCEPTED, title: 'Accepted' };
    return [item];
  }

  /** Has the engine read what would be asked at the cursor, so that the first suggestion there comes as fast as the next. */
  async warm({ document, selection }: vscode.TextEditor, signal: AbortSignal): Promise<void> {
    if (!this.#config().enabled || !isForWriting(document) || !selection.isEmpty) return;
    const { before, after } = textAround(document, selection);
    if (before.trim() === '') return;
    const offer = this.#offer?.uri === document.uri.toString() ? this.#offer : undefined;
    if (offer?.suggestion.remaining(before, after) !== undefined) return; // the engine has just been asked here
    try {
      const warmed = await this.#engine.warm(this.#request(document, before, after), signal);
      if (warmed === undefined) return;
      const { promptTokens, reusedTokens, totalMs } = warmed.stats;
      this.#log.debug(
        `read beforehand: ${warmed.finish}, ${totalMs.toFixed(0)} ms, prompt ${promptTokens} (${reusedTokens} reused)`,
      );
    } catch (error) {
      this.#log.debug(`read beforehand: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #request(document: vscode.TextDocument, prefix: string, suffix: string): CompletionRequest {
    const { maxTokens, sampling, minProbability } = this.#config();
    return { prefix, suffix, path: pathForModel(document), maxTokens, sampling, raw: false, minProbability };
  }

  /** What of the rest may be shown now. Where the editor cannot lengthen it, whole lines, unless it is finished. */
  #showable(rest: string, finished: boolean): string {
    const part = finished || this.#stream().canGrow ? rest : rest.slice(0, Math.max(0, rest.lastIndexOf('\n')));
    return part.trim() === '' ? '' : part;
  }

  #ask(document: vscode.TextDocument, prefix: string, suffix: string): Offer {
    const suggestion = new Suggestion(prefix, suffix);
    const offer: Offer = { uri: document.uri.toString(), suggestion, abort: new AbortController(), waiting: new Set() };
    const changed = (): void => {
      for (const resume of [...offer.waiting]) resume();
      if (this.#offer === offer) this.#stream().changed();
    };
    const number = ++this.#requests;
    this.#engine
      .complete(this.#request(document, prefix, suffix), offer.abort.signal, ({ text }) => {
        if (text === '') return;
        suggestion.append(text);
        changed();
      })
      .then(
        ({ text, finish, stats }) => {
          suggestion.append(text.slice(suggestion.text.length));
          this.#log.debug(
            `suggestion ${number}: ${finish}, ${stats.generatedTokens} tokens, first after ${stats.firstTokenMs.toFixed(0)} ms, all after ${stats.totalMs.toFixed(0)} ms, prompt ${stats.promptTokens} (${stats.reusedTokens} reused)`,
          );
          // What was cut off by a cancel must not be taken for the whole.
          if (finish === 'cancelled' && this.#offer === offer) this.#offer = undefined;
        },
        (error: unknown) => {
          this.#log.warn(`suggestion ${number}: ${error instanceof EngineFailure ? error.message : String(error)}`);
          if (this.#offer === offer) this.#offer = undefined;
        },
      )
      .finally(() => {
        suggestion.finish();
        changed();
      });
    return offer;
  }
}

/** Names a position in one version of a document. */
function placeOf(document: vscode.TextDocument, { line, character }: vscode.Position): string {
  return `${document.uri.toString()} ${document.version} ${line}:${character}`;
}

/** Resolves when the offer has changed or the editor no longer waits. */
function changeOf(offer: Offer, token: vscode.CancellationToken): Promise<void> {
  return new Promise((resolve) => {
    const resume = (): void => {
      offer.waiting.delete(resume);
      cancelled.dispose();
      resolve();
    };
    const cancelled = token.onCancellationRequested(resume);
    offer.waiting.add(resume);
  });
}
