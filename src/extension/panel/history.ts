// The last completions that people have seen, in memory only: where they stand in their documents, and what became of them. It knows
// neither the engine nor the panel.

import { posix } from 'node:path';
import * as vscode from 'vscode';
import type { CompletionRequest } from '../../protocol';
import type { SequenceEntry } from '../../webviewProtocol';
import { textAround } from '../documents';
import type { ModelOffer } from '../modelOffer';
import type { Question } from '../question';
import { Suggestion } from './suggestion';

/** The engine keeps these, whatever else it writes. */
const REMEMBERED = 20;
/** More edits at once than this are a new text. */
const MAX_EDITS = 500;

export class History implements vscode.Disposable {
  /** The last seen is at the end. */
  #all: Suggestion[] = [];
  readonly #ofOffer = new WeakMap<ModelOffer, Suggestion>();
  readonly #changed = new vscode.EventEmitter<void>();
  /** There is another suggestion, or one has grown, moved, or met its fate. */
  readonly onDidChange = this.#changed.event;
  readonly #subscriptions: vscode.Disposable[];
  #told = false;
  /** Those whose document is gone; as many as the engine keeps. */
  #homeless: number[] = [];

  constructor() {
    this.#subscriptions = [
      this.#changed,
      this.#changed.event(() => this.#tell()),
      vscode.workspace.onDidChangeTextDocument((event) => this.#edited(event)),
      vscode.window.onDidChangeTextEditorSelection((event) => this.#moved(event)),
      vscode.workspace.onDidCloseTextDocument((document) => this.#forgetOf(document)),
    ];
  }

  /** The last that was seen first. */
  get all(): readonly Suggestion[] {
    return [...this.#all].reverse();
  }

  /** What can be looked into, the newest first. */
  get entries(): SequenceEntry[] {
    return this.all.flatMap(({ sequence, fate, title, document, at }) =>
      sequence === undefined ? [] : [{ sequence, fate, title, document: posix.basename(document.uri.path), at }],
    );
  }

  /** The one on show, else the last that was accepted or sent away, else the last. */
  get latest(): Suggestion | undefined {
    const decided = (fate: string): boolean => fate === 'accepted' || fate === 'dismissed';
    const known = this.all.filter(({ sequence }) => sequence !== undefined);
    return known.find(({ fate }) => fate === 'shown') ?? known.find(({ fate }) => decided(fate)) ?? known[0];
  }

  /** @returns undefined where it is remembered no more */
  find(sequence: number | 'last'): Suggestion | undefined {
    return this.all.find((each) => each.sequence !== undefined && (sequence === 'last' || each.sequence === sequence));
  }

  /** It is remembered no more, because its document was closed or written anew. */
  isHomeless(sequence: number): boolean {
    return this.#homeless.includes(sequence);
  }

  /** An offer is given to the editor. */
  shows(offer: ModelOffer, question: Question): void {
    for (const other of this.#all) if (other.fate === 'shown') other.fate = 'other';
    const known = this.#ofOffer.get(offer);
    if (known?.anchor.end !== undefined && this.#all.includes(known)) known.fate = 'shown';
    else {
      const made = offer.request && suggestionOf(offer, question, offer.request);
      if (made === undefined) return;
      this.#all = this.#all.filter((each) => each !== known);
      this.#ofOffer.set(offer, made);
      this.#add(made);
    }
    this.#changed.fire();
  }

  /** An offer has grown or ended. */
  grew(offer: ModelOffer): void {
    if (this.#ofOffer.has(offer)) this.#changed.fire();
  }

  /** The editor says that the suggestion on show was accepted to its end. */
  accepted(): void {
    this.#end('accepted');
  }

  /** The user has sent away what is on show. */
  dismissed(): void {
    this.#end('dismissed');
  }

  /**
   * A text is about to be written into a document by Generate.
   * @param place what it replaces, before it is written; @param lead what is written before the model's first text
   */
  generates(
    document: vscode.TextDocument,
    place: vscode.Range,
    request: CompletionRequest,
    lead: string,
    sequence: () => number | undefined,
    text: () => string,
  ): void {
    const { before, after } = textAround(document, place);
    const { prefix, suffix } = request;
    // The prompt may be in the prefix without the lead.
    const inPrefix = prefix.endsWith(lead) ? lead.length : 0;
    const spot = {
      prefix,
      suffix: request.shownSuffix ?? suffix,
      before,
      after,
      at: document.offsetAt(place.start),
      crlf: document.eol === vscode.EndOfLine.CRLF,
      lead: inPrefix,
      text: () => lead.slice(lead.length - inPrefix) + text(),
    };
    this.#add(new Suggestion(document, request, spot, 'generated', sequence, text));
    this.#changed.fire();
  }

  /** There is more of a text that Generate writes. */
  wrote(): void {
    this.#changed.fire();
  }

  /** The engine has forgotten its sequences. */
  clear(): void {
    this.#all = [];
    this.#changed.fire();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** The command that asks why is offered where there is something to ask about. */
  #tell(): void {
    const any = this.latest !== undefined;
    if (any === this.#told) return;
    this.#told = any;
    void vscode.commands.executeCommand('setContext', 'glassbox.suggested', any);
  }

  #add(made: Suggestion): void {
    this.#all.push(made);
    this.#all = this.#all.slice(-REMEMBERED);
  }

  #end(fate: 'accepted' | 'dismissed'): void {
    const shown = this.#all.find((each) => each.fate === 'shown');
    if (shown === undefined) return;
    shown.fate = fate;
    this.#changed.fire();
  }

  #edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    if (contentChanges.length === 0) return;
    if (contentChanges.length > MAX_EDITS) return this.#forgetOf(document);
    let changed = false;
    for (const suggestion of this.#all) {
      if (suggestion.document !== document) continue;
      changed = true;
      for (const { rangeOffset, rangeLength, text } of contentChanges)
        if (suggestion.anchor.edit(rangeOffset, rangeLength, text) !== 'writes' && suggestion.fate === 'shown')
          suggestion.fate = 'other';
    }
    if (changed) this.#changed.fire();
  }

  /** Where the cursor goes elsewhere, the editor hides what is on show. */
  #moved({ textEditor, selections: [selection] }: vscode.TextEditorSelectionChangeEvent): void {
    const { document } = textEditor;
    const shown = this.#all.find((each) => each.fate === 'shown');
    if (shown?.document !== document || selection === undefined) return;
    if (selection.isEmpty && document.offsetAt(selection.active) === shown.anchor.end) return;
    shown.fate = 'other';
    this.#changed.fire();
  }

  #forgetOf(document: vscode.TextDocument): void {
    const left = this.#all.filter((each) => each.document !== document);
    if (left.length === this.#all.length) return;
    const gone = this.#all.flatMap(({ document: own, sequence }) =>
      own === document && sequence !== undefined ? [sequence] : [],
    );
    this.#homeless = [...this.#homeless, ...gone].slice(-REMEMBERED);
    this.#all = left;
    this.#changed.fire();
  }
}

/**
 * The suggestion that an offer becomes where it is first shown. Some of it may stand there already, and the entry of the editor's list that
 * it goes on from does not yet.
 */
function suggestionOf(offer: ModelOffer, question: Question, request: CompletionRequest): Suggestion {
  const { document, position, selected, prefix, suffix } = question;
  const crlf = document.eol === vscode.EndOfLine.CRLF;
  const real = prefix.slice(0, prefix.length - (selected?.text.length ?? 0));
  const typed = Math.max(0, real.length - request.prefix.length);
  const lead = Math.max(0, request.prefix.length - real.length);
  const long = (text: string): number => (crlf ? text.replaceAll('\n', '\r\n') : text).length;
  const typedText = real.slice(real.length - typed);
  const at = document.offsetAt(selected?.range.start ?? position) - long(typedText);
  const closed = suffix.endsWith(request.suffix) ? suffix.slice(0, suffix.length - request.suffix.length) : '';
  const head = request.prefix.slice(request.prefix.length - lead);
  const spot = {
    prefix: request.prefix,
    suffix: request.shownSuffix ?? request.suffix,
    before: real.slice(0, real.length - typed),
    after: suffix.slice(closed.length),
    at,
    crlf,
    lead,
    text: () => head + offer.text,
  };
  const made = new Suggestion(
    document,
    request,
    spot,
    'shown',
    () => offer.id,
    () => offer.text,
  );
  const inDocument = (text: string): string => (crlf ? text.replaceAll('\n', '\r\n') : text);
  if (typed > 0) made.anchor.edit(at, 0, inDocument(typedText));
  if (closed !== '') made.anchor.beside(inDocument(closed).length);
  return made;
}
