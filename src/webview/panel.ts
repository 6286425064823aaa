// The state of the panel: which sequence is shown, what is known of it, what is asked next. Joins exchange, answers and sections; knows
// messages and choices, no engine and no editor. Made once by main.ts.
import type { Question, SequenceName } from '../inspectionProtocol';
import { t } from '../l10n';
import type { FromWebview, HostAnswer, HostRevealed, HostSources, HostState, ToWebview } from '../webviewProtocol';
import type { Choices, SectionName } from './choices';
import { element, setText, toggle } from './dom';
import { Exchange } from './exchange';
import type { Fold } from './fold';
import { Frames } from './frames';
import { Header, type HeaderEvents } from './header';
import { Inspected } from './inspected';
import { keyOf, Newest } from './newest';
import { type Actions, type Scene, shadingRow } from './scene';
import { Speech } from './speech';
import { Pace } from './pace';
import type { Theme } from './palette';
import { Turns } from './turns';
import { failureIn, type Look, nextQuestion } from './wanted';
import { sharesOf } from './weights';

export interface PanelParts {
  choices: Choices;
  theme: Theme;
  post: (message: FromWebview) => void;
  keep: (choices: Choices) => void;
  save: HeaderEvents['export'];
  /** The sections in the order of the page; what they cause comes back through `actions`. */
  folds: (actions: Actions, toggled: (name: SectionName, open: boolean) => void) => Map<SectionName, Fold>;
}

/** Milliseconds between two tokens that the editor is told of while one walks through many: shading its text takes it longer than a frame. */
const POINT_PACE = 80;
/** Milliseconds of a frame after which no further section is begun: laying out and painting what was drawn takes as long again. */
const BUDGET = 5;

export class Panel {
  readonly #parts: PanelParts;
  readonly #exchange: Exchange;
  readonly #folds: Map<SectionName, Fold>;
  readonly #header: Header;
  readonly #speech = new Speech();
  readonly #footer = element('p', { className: 'about' });
  readonly #footerSwitch = toggle(t('Time of the last drawing'), (footer) => this.change({ footer }));
  readonly #sections = element('div', { className: 'sections', hidden: true });
  readonly #frames: Frames;
  readonly #turns = new Turns<SectionName>();
  /** Milliseconds of drawing since something changed. */
  #spent = 0;
  readonly #newest = new Newest();
  readonly root: HTMLElement;
  /** What is said stands beside the page: a page that is busy is not read out. */
  readonly voice = this.#speech.root;
  #choices: Choices;
  #theme: Theme;
  #state: HostState | undefined;
  #name: SequenceName = 'last';
  #inspected: Inspected | undefined;
  #sources: HostSources | undefined;
  #measure: Look['measure'];
  /** The text that is on show is not the one that is wanted any more. */
  #stale = true;
  /** The text could not be had; asked again when something changes. */
  #failed = false;
  #pointed = '';
  /** What the editor shows: the selected token, another, or none. */
  #marked: 'query' | number = -1;
  readonly #pointing = new Pace<FromWebview>(POINT_PACE, (message) => this.#parts.post(message));

  constructor(parts: PanelParts) {
    this.#parts = parts;
    this.#choices = parts.choices;
    this.#theme = parts.theme;
    this.#exchange = new Exchange(parts.post);
    const actions: Actions = {
      change: (changed) => this.change(changed),
      point: (position, reveal, shares) => this.#point(position, reveal, shares),
      measure: (position, spans) => {
        // Once more stops it.
        const stops = this.#measure?.position === position;
        this.#measure = stops ? undefined : { position, spans };
        const before = this.#inspected?.effects.get(position);
        if (!stops && before && before.done >= before.of) this.#inspected?.effects.delete(position);
        this.#next();
      },
      say: (text) => this.#speech.say(text),
    };
    this.#folds = parts.folds(actions, (name, open) => this.#toggled(name, open));
    this.#header = new Header({
      show: (name) => this.#show(name),
      follow: (on) => this.change({ query: on ? -1 : (this.scene?.query ?? -1), key: -1 }),
      export: parts.save,
    });
    this.#frames = new Frames(
      () => this.#draw(),
      (time) => this.#drawn(time),
    );
    this.#sections.append(...[...this.#folds.values()].map(({ root }) => root));
    this.#footerSwitch.input.checked = this.#choices.footer;
    const heading = element('h1', { className: 'unseen' }, t('What the model looked at'));
    this.#sections.append(element('footer', {}, this.#footerSwitch.root, this.#footer));
    this.root = element('main', {}, heading, this.#header.root, this.#sections);
    this.root.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.#point(-1, false);
    });
    this.#openFolds();
    this.#header.notice(t('Reading the attention weights…'));
  }

  /** What is drawn; undefined while there is nothing to look at. */
  get scene(): Scene | undefined {
    const look = this.#look();
    if (!look) return undefined;
    const query = this.#newest.settled(look, this.#exchange.busy);
    const key = keyOf(look, query);
    const sources = this.#sources?.sequence === look.inspected.sequence ? this.#sources : undefined;
    const entry = this.#state?.sequences.find(({ sequence }) => sequence === look.inspected.sequence);
    return { ...look, query, key, theme: this.#theme, sources, entry, busy: this.#exchange.busy || this.#stale };
  }

  /** Says that the script runs; the host answers with what there is. */
  start(): void {
    this.#parts.post({ type: 'ready' });
    this.#parts.post({ type: 'shows', sequence: this.#name });
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.refresh();
  }

  /** Says something in the line under the header, and to screen readers. */
  notice(text: string): void {
    this.#header.notice(text);
  }

  /** Draws anew, from the next frame on. */
  refresh(): void {
    this.#turns.add(this.#folds.keys());
    this.#frames.request();
  }

  /** Applies a change of the reader's. */
  change(changed: Partial<Choices>): void {
    this.#choices = { ...this.#choices, ...changed };
    this.#parts.keep(this.#choices);
    if ('query' in changed) this.#marked = 'query';
    this.#next();
  }

  receive(message: ToWebview | undefined): void {
    switch (message?.type) {
      case 'state':
        this.#takeState(message);
        break;
      case 'answer':
        this.#takeAnswer(message);
        break;
      case 'grew': {
        const shown = this.#inspected?.sequence;
        if (message.sequence === shown) this.#grew(message);
        else this.#begun(message.sequence);
        break;
      }
      case 'sources':
        this.#sources = message;
        this.#pointed = ''; // only now does the host know where tokens stand
        break;
      case 'caret':
        // While text is written its caret moves by itself; where the reader looks does not.
        if (
          message.sequence === this.#inspected?.sequence &&
          this.#inspected.finished &&
          message.position < this.#inspected.tokens.length
        ) {
          this.#choices = { ...this.#choices, query: message.position, key: -1 };
          this.#parts.keep(this.#choices);
          this.#marked = 'query';
        }
        break;
      case 'show':
        this.#show(message.sequence);
        break;
      case 'revealed':
        return this.#revealed(message);
      case undefined:
        return;
    }
    this.#next();
  }

  #revealed({ at, failure }: HostRevealed): void {
    if (failure !== undefined) this.#header.notice(failure);
    else this.#speech.say(at === undefined ? t('This has no place in the editor.') : t('Shown in the editor: {0}', at));
  }

  #grew({ n, finished }: { n: number; finished: boolean }): void {
    const ends = finished && this.#inspected?.finished === false;
    this.#inspected?.grew(n, finished);
    if (ends) this.#speech.say(t('The text is finished: {0} tokens.', n));
  }

  #look(): Look | undefined {
    const inspected = this.#inspected;
    if (!inspected || inspected.tokens.length === 0) return undefined;
    const { layers, heads } = inspected.facts.shape;
    const within = { layer: Math.min(this.#choices.layer, layers - 1), head: Math.min(this.#choices.head, heads - 1) };
    const choices = { ...this.#choices, ...within };
    const newest = inspected.tokens.length - 1;
    const query = choices.query < 0 ? newest : Math.min(choices.query, newest);
    const look = { choices, inspected, query, key: 0, measure: this.#measure };
    return { ...look, key: keyOf(look, query) };
  }

  #takeState(state: HostState): void {
    const isFirst = this.#state === undefined;
    this.#state = state;
    if (isFirst) this.#showAgain(state);
    this.#header.offer(state, this.#name);
    this.#failed = false;
    const newest = state.sequences[0]?.sequence ?? -1;
    this.#begun(newest);
    if (state.notice !== undefined || this.#inspected) this.#header.notice(state.notice ?? '');
  }

  #takeAnswer({ number, answer, error }: HostAnswer): void {
    const asked = this.#exchange.take(number);
    if (!asked) return;
    if (this.#stale) {
      if (answer?.answer !== 'text') return this.#failText(error);
      this.#begin(new Inspected(answer));
    } else if (answer && this.#inspected) {
      if (!this.#inspected.take(answer, asked.question)) this.#failQuestion(asked.question, t('The answer does not fit what is here.')); // prettier-ignore
    } else this.#failQuestion(asked.question, error ?? '');
    if (asked.question.ask === 'effects') {
      const measured = this.#inspected?.effects.get(asked.question.position);
      if (!answer || !measured || measured.done >= measured.of) this.#measure = undefined;
    }
  }

  #begin(inspected: Inspected): void {
    const before = this.#inspected?.sequence;
    this.#inspected = inspected;
    this.#stale = false;
    this.#measure = undefined;
    const at = this.#state?.sequences.find(({ sequence }) => sequence === inspected.sequence)?.at ?? 0;
    const isOther = before === undefined ? this.#choices.at !== at : before !== inspected.sequence;
    this.#choices = { ...this.#choices, at, ...(isOther && { query: -1, key: -1 }) };
    this.#parts.keep(this.#choices);
    this.#header.notice('');
  }

  #failText(error: string | undefined): void {
    this.#failed = true;
    this.#inspected = undefined;
    this.#header.notice(error ?? '');
    this.refresh();
  }

  #failQuestion(question: Question, why: string): void {
    this.#inspected?.failed(question, why);
  }

  /** The page is new: the completion that was chosen on the one before is shown again, if it is still there. */
  #showAgain({ sequences }: HostState): void {
    const { sequence: chosen, at } = this.#choices;
    if (chosen < 0 || this.#name !== 'last') return;
    if (!sequences.some((each) => each.sequence === chosen && each.at === at)) return;
    this.#name = chosen;
    this.#parts.post({ type: 'shows', sequence: chosen });
  }

  #show(name: SequenceName): void {
    this.#name = name;
    this.#choices = { ...this.#choices, sequence: name === 'last' ? -1 : name };
    this.#parts.keep(this.#choices);
    if (this.#state) this.#header.offer(this.#state, name);
    this.#parts.post({ type: 'shows', sequence: name });
    this.#forget();
    this.#next();
  }

  /** There is a newer text. Where its tokens are asked for already, their answer is awaited, however fast it grows. */
  #begun(sequence: number): void {
    if (this.#name === 'last' && !this.#stale && sequence > (this.#inspected?.sequence ?? -1)) this.#forget();
  }

  /** What is on show stays until the other text is here. */
  #forget(): void {
    if (this.#exchange.busy) this.#exchange.drop();
    this.#stale = true;
    this.#failed = false;
  }

  #toggled(name: SectionName, open: boolean): void {
    const others = this.#choices.open.filter((other) => other !== name);
    if (open !== this.#choices.open.includes(name)) this.change({ open: open ? [...others, name] : others });
  }

  #openFolds(): void {
    for (const [name, fold] of this.#folds) fold.open = this.#choices.open.includes(name);
  }

  /** Asks what is missing, and draws. */
  #next(): void {
    this.refresh();
    if (this.#exchange.busy) return;
    if (this.#stale) {
      const wanted = this.#state && (this.#state.sequences.length > 0 || this.#state.notice === undefined);
      if (wanted && !this.#failed) this.#exchange.ask(this.#name, { ask: 'text', from: 0 });
      return;
    }
    const look = this.#look();
    const question = look && nextQuestion(look);
    if (question) this.#exchange.ask(look.inspected.sequence, question);
    this.#sayBusy();
  }

  /** Not busy is said only when all answers are here and drawn. */
  #sayBusy(): void {
    const busy = String(this.#exchange.busy || this.#turns.left);
    if (this.root.ariaBusy !== busy) this.root.ariaBusy = busy;
  }

  #drawn(time: number): void {
    this.#spent += time;
    if (this.#turns.left) return;
    if (this.#choices.footer) setText(this.#footer, t('Last drawing: {0} ms', this.#spent.toFixed(1)));
    this.#spent = 0;
  }

  #draw(): void {
    const { scene } = this;
    const hadFocus = !scene && this.#sections.contains(document.activeElement);
    this.#sections.hidden = !scene;
    if (hadFocus) this.#header.focus();
    this.#header.set(this.#choices.query < 0, scene !== undefined && !scene.inspected.finished, scene !== undefined);
    this.#drawSections(scene);
    if (scene) this.#mark(scene);
    this.#sayBusy();
  }

  /** What the reader's hand is on first, then what is seen, then the rest: as much as a frame has time for, the others in the next. */
  #drawSections(scene: Scene | undefined): void {
    const start = performance.now();
    const rank = (name: SectionName): number => this.#folds.get(name)?.rank ?? 0;
    let name = this.#turns.take(rank);
    while (name !== undefined) {
      const fold = this.#folds.get(name);
      if (scene && fold?.open) {
        fold.section.draw(scene);
        fold.missing(failureIn(scene, name));
      }
      name = performance.now() - start < BUDGET ? this.#turns.take(rank) : undefined;
    }
    if (this.#turns.left) this.#frames.request();
  }

  /** A token is pointed at; it stays marked as answers come, unless its shading was given. */
  #point(position: number, reveal: boolean, shares?: Uint8Array<ArrayBuffer>): void {
    const scene = this.scene;
    if (!scene || position >= scene.inspected.tokens.length) return;
    this.#marked = shares ? -1 : position === scene.query ? 'query' : position;
    this.#tell(scene, position, reveal, shares);
  }

  /** The editor keeps to what the page shows. What was marked stays until what follows it is here; who follows a text that is written looks at the page. */
  #mark(scene: Scene): void {
    if (this.#marked === -1 || (this.#choices.query < 0 && !scene.inspected.finished)) return;
    const position = this.#marked === 'query' ? scene.query : this.#marked;
    const shares = sharesAt(scene, position);
    if (shares.length > 0 || !scene.busy) this.#tell(scene, position, false, shares);
  }

  /** Tells the host what is pointed at, unless it knows. */
  #tell(scene: Scene, position: number, reveal: boolean, shares = sharesAt(scene, position)): void {
    const shading = shares.slice(0, position + 1);
    const { sequence } = scene.inspected;
    const state = [sequence, position, ...shading].join();
    if (state === this.#pointed && !reveal) return;
    this.#pointed = state;
    this.#pointing.send({ type: 'point', sequence, position, shares: shading, reveal }, reveal);
  }
}

/** What a token looks at, 0 to 255 each, as it is shaded in the text; empty while that is not here. */
function sharesAt(scene: Scene, position: number): Uint8Array<ArrayBuffer> {
  const row = position < 0 ? undefined : shadingRow({ ...scene, query: position });
  return row ? sharesOf(row.weights, 1) : new Uint8Array();
}
