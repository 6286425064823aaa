// Looking into completions: joins the panel, the engine, the history and the editors. While the panel is on the screen the engine follows
// what it writes; hidden or closed, it does not, and nothing of all this runs.

import * as vscode from 'vscode';
import { t } from '../../l10n';
import type { Answer, DrawnAnswer, Question, SequenceName, TextAnswer } from '../../inspectionProtocol';
import type { FromWebview, HostState, ToWebview, WebviewAsk, WebviewPoint } from '../../webviewProtocol';
import type { Exclusion } from '../exclusion';
import { EditorLink } from './editorLink';
import { Facts } from './facts';
import type { History } from './history';
import { SHOW_TOKEN, TokenHover, type HoverToken } from './hover';
import { newPanel, Panel, VIEW_TYPE } from './panel';
import { placesOf } from './places';
import { save } from './saving';
import { shareOf, type Share } from './shares';
import { Sources } from './sources';

/** What is sent to the panel again and again is sent at most so often, in milliseconds. */
const STATE_MS = 100;
const SOURCES_MS = 250;
/** So many questions may wait for the one under way; the page asks one at a time. */
const MAX_WAITING = 4;

/** What the engine has to say of its completions. */
export interface Inspector {
  /** @throws Error in words */
  inspect(sequence: SequenceName, question: Question): Promise<Answer>;
  /** From now on the engine follows what it writes, or does not any more. */
  watch(on: boolean): void;
  /** These have been shown: they can be asked about whatever else is written. */
  keep(sequences: number[]): void;
  /** Calls the listener when what is being written has grown, until the returned function is called. */
  onDidGrow(listener: (grew: { sequence: number; n: number; finished: boolean }) => void): () => void;
}

export interface InspectionParts {
  extensionUri: vscode.Uri;
  engine: Inspector;
  history: History;
  exclusion: Exclusion;
  /** The loaded model's name, and why there is nothing to look at yet where that is so. */
  model: () => { name: string; notice?: string };
  log: vscode.LogOutputChannel;
}

export class Inspection implements vscode.Disposable {
  readonly #parts: InspectionParts;
  readonly #link: EditorLink;
  readonly #sources: Sources;
  readonly #facts: Facts;
  readonly #subscriptions: vscode.Disposable[];
  #panel: Panel | undefined;
  /** Counts the pages: the answers to one that is gone are not the next one's. */
  #page = 0;
  /** The page listens. */
  #ready = false;
  #watching = false;
  /** What the page shows. */
  #shown: SequenceName | undefined;
  /** What the page is to show as soon as it listens. */
  #wanted: ToWebview[] = [];
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;
  #round = 0;
  #timers: { state?: NodeJS.Timeout | undefined; sources?: NodeJS.Timeout | undefined } = {};
  /** The engine that knew the last completions has ended. */
  #lost = false;
  #hover: vscode.Disposable | undefined;
  #drawn: { key: string; answer: Promise<DrawnAnswer | undefined> } | undefined;

  constructor(parts: InspectionParts) {
    this.#parts = parts;
    this.#link = new EditorLink((sequence, position) => this.#post({ type: 'caret', sequence, position }));
    this.#sources = new Sources(parts.exclusion, () =>
      this.#soon('sources', SOURCES_MS, () => void this.#sendSources()),
    );
    this.#facts = new Facts((sequence, question) => parts.engine.inspect(sequence, question));
    const off = parts.engine.onDidGrow((grew) => this.#grew(grew));
    this.#subscriptions = [
      this.#link,
      { dispose: off },
      parts.history.onDidChange(() => {
        parts.engine.keep(parts.history.entries.map(({ sequence }) => sequence));
        this.#soon('state', STATE_MS, () => this.#sendState());
        this.#soon('sources', SOURCES_MS, () => void this.#sendSources());
      }),
      vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
        deserializeWebviewPanel: (panel): Promise<void> => {
          this.#panel?.dispose();
          this.#take(panel);
          return Promise.resolve();
        },
      }),
      vscode.commands.registerCommand(SHOW_TOKEN, (sequence: number, position: number) => {
        this.show({ sequence });
        this.#post({ type: 'caret', sequence, position });
      }),
    ];
  }

  /** The engine follows what it writes. */
  get watching(): boolean {
    return this.#watching;
  }

  get link(): EditorLink {
    return this.#link;
  }

  /** Opens the panel beside the editor, or brings the open one to the front. @param sequence the completion to be shown there */
  show({ sequence, preserveFocus = false }: { sequence?: SequenceName; preserveFocus?: boolean } = {}): void {
    if (this.#panel === undefined) this.#take(newPanel(preserveFocus));
    else this.#panel.reveal(preserveFocus);
    if (sequence !== undefined) this.#post({ type: 'show', sequence });
  }

  /** Shows the suggestion on show, or the last that was accepted or dismissed. */
  why(): void {
    const sequence = this.#parts.history.latest?.sequence;
    this.show(sequence === undefined ? {} : { sequence });
  }

  /** The engine or its model has changed. @param anew it is another process, which knows no sequences yet */
  engineChanged(anew: boolean): void {
    if (anew) {
      this.#facts.clear();
      this.#drawn = undefined;
      this.#lost ||= this.#parts.history.entries.length > 0;
      this.#parts.history.clear();
    }
    this.#soon('state', STATE_MS, () => this.#sendState());
  }

  dispose(): void {
    this.#panel?.dispose();
    this.#closed();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #take(panel: vscode.WebviewPanel): void {
    this.#page++;
    this.#ready = false;
    this.#shown = undefined;
    this.#wanted = [];
    const page: Panel = new Panel(panel, this.#parts.extensionUri, {
      received: (message) => page === this.#panel && this.#received(message),
      seen: (visible) => page === this.#panel && this.#seen(visible),
      closed: () => page === this.#panel && this.#closed(),
    });
    this.#panel = page;
    this.#seen(page.visible);
  }

  /** Hidden pages are destroyed by VS Code: what was drawn for them goes, too. */
  #seen(visible: boolean): void {
    if (!visible) {
      this.#page++;
      this.#ready = false;
      this.#shown = undefined;
      this.#round++;
      this.#link.clear();
      this.#hover?.dispose();
      this.#hover = undefined;
    } else {
      const source = {
        tokenAt: this.#tokenAt.bind(this),
        share: this.#share.bind(this),
      };
      this.#hover ??= vscode.languages.registerHoverProvider({ pattern: '**' }, new TokenHover(source));
    }
    if (visible === this.#watching) return;
    this.#watching = visible;
    this.#parts.engine.watch(visible);
  }

  #closed(): void {
    this.#seen(false);
    this.#panel = undefined;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = {};
    this.#facts.clear();
    this.#drawn = undefined;
  }

  #received(message: FromWebview): void {
    switch (message.type) {
      case 'ready': {
        this.#page++;
        this.#ready = true;
        this.#sendState();
        for (const wanted of this.#wanted.splice(0)) this.#panel?.post(wanted);
        return;
      }
      case 'ask':
        return this.#ask(message);
      case 'shows':
        this.#shown = message.sequence;
        return void this.#sendSources();
      case 'point':
        return void this.#reveal(message);
      case 'export':
        return void save(message);
    }
  }

  /** A page that does not listen yet is told when it does. */
  #post(message: ToWebview): void {
    if (this.#ready && this.#panel?.visible === true) this.#panel.post(message);
    else if (this.#panel !== undefined && (message.type === 'show' || message.type === 'caret'))
      this.#wanted = [...this.#wanted.filter(({ type }) => type !== message.type), message];
  }

  #ask({ number, sequence, question }: WebviewAsk): void {
    if (this.#waiting >= MAX_WAITING)
      return this.#post({ type: 'answer', number, error: t('Too many questions at once.') });
    const page = this.#page;
    this.#waiting++;
    this.#turn = this.#turn.then(async () => {
      this.#waiting--;
      if (page !== this.#page) return;
      const told = await this.#parts.engine.inspect(sequence, question).then(
        (answer) => ({ answer }),
        (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
      );
      if (page !== this.#page) return;
      if ('answer' in told && this.#facts.take(told.answer))
        this.#soon('sources', SOURCES_MS, () => void this.#sendSources());
      this.#post({ type: 'answer', number, ...told });
    });
  }

  /** Marks what the page points at; where it is to be shown, the page is told whether it was. */
  async #reveal(point: WebviewPoint): Promise<void> {
    try {
      const at = await this.#link.point(point);
      if (point.reveal) this.#post({ type: 'revealed', ...(at && { at }) });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#post({ type: 'revealed', failure: t('The place cannot be shown in the editor: {0}', why) });
    }
  }

  #grew(grew: { sequence: number; n: number; finished: boolean }): void {
    this.#post({ type: 'grew', ...grew });
    if (!grew.finished) return;
    this.#drawn = undefined;
    this.#soon('sources', SOURCES_MS, () => void this.#sendSources());
  }

  #sendState(): void {
    const { name, notice: why } = this.#parts.model();
    const sequences = this.#parts.history.entries;
    const recovered = this.#lost && sequences.length > 0;
    if (recovered) this.#lost = false;
    const notice =
      this.#lost && name !== ''
        ? t('The engine has started anew, and the completions before are forgotten. The next one appears here.')
        : why;
    const state: HostState = { type: 'state', model: name, sequences, ...(notice === undefined ? {} : { notice }) };
    this.#post(state);
    // What was chosen there is forgotten.
    if (recovered && typeof this.#shown === 'number') this.#post({ type: 'show', sequence: 'last' });
  }

  /** Where the tokens on show stand: to the editors and to the page. */
  async #sendSources(): Promise<void> {
    const shown = this.#shown;
    if (shown === undefined || this.#panel?.visible !== true) return;
    const round = ++this.#round;
    let facts: TextAnswer;
    try {
      facts = await this.#facts.of(shown);
    } catch {
      return; // the page asks, too, and is told why
    }
    if (round !== this.#round) return;
    const suggestion = this.#parts.history.find(facts.sequence);
    const places = placesOf(facts, suggestion, this.#parts.history.isHomeless(facts.sequence));
    this.#link.show(places);
    const sources = await this.#sources.of(facts, suggestion, places);
    if (round === this.#round) this.#post(sources);
  }

  #tokenAt(document: vscode.TextDocument, at: vscode.Position): HoverToken | undefined {
    const position = this.#link.tokenAt(document, at);
    const place = this.#link.places?.at[position];
    if (place === undefined || this.#link.places === undefined) return undefined;
    return { sequence: this.#link.places.sequence, position, range: place.range };
  }

  async #share({ sequence, position }: HoverToken): Promise<Share | undefined> {
    const facts = this.#facts.known(sequence);
    if (facts === undefined || facts.promptTokens >= facts.tokens.length) return undefined;
    const key = `${sequence} ${facts.tokens.length}`;
    if (this.#drawn?.key !== key) {
      const asked = this.#parts.engine.inspect(sequence, { ask: 'drawn', from: facts.promptTokens });
      const answer = asked.then((answer) => (answer.answer === 'drawn' ? answer : undefined));
      answer.catch(() => (this.#drawn = undefined));
      this.#drawn = { key, answer };
    }
    const drawn = await this.#drawn.answer;
    return drawn && shareOf(drawn, position, (other) => facts.tokens[other]?.place.in !== 'frame');
  }

  /** Does something after a while, once however often it is asked for meanwhile. */
  #soon(what: 'state' | 'sources', ms: number, run: () => void): void {
    if (this.#panel === undefined || this.#timers[what] !== undefined) return;
    this.#timers[what] = setTimeout(() => {
      this.#timers[what] = undefined;
      run();
    }, ms);
  }
}
