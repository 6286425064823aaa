// What is known of one sequence: the answers so far, put together. Pure. Made for each sequence that is shown; answers of other sequences
// never get in.
import type {
  Answer,
  EffectsAnswer,
  LessonAnswer,
  LogitsAnswer,
  OverviewAnswer,
  Question,
  RolloutAnswer,
  RowAnswer,
  TextAnswer,
  TokenFacts,
} from '../inspectionProtocol';
import { HeadMap } from './headMap';
import { spoken } from './spoken';
import { visible } from './tokens';

/** A few answers of a kind: the last that were used stay. */
export class Kept<T> {
  readonly #most: number;
  readonly #all = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  get(...key: number[]): T | undefined {
    const name = key.join();
    const found = this.#all.get(name);
    if (found !== undefined && this.#all.delete(name)) this.#all.set(name, found);
    return found;
  }

  set(value: T, ...key: number[]): void {
    this.#all.delete(key.join());
    this.#all.set(key.join(), value);
    const [oldest] = this.#all.keys();
    if (this.#all.size > this.#most && oldest !== undefined) this.#all.delete(oldest);
  }

  delete(...key: number[]): void {
    this.#all.delete(key.join());
  }
}

export class Inspected {
  readonly facts: TextAnswer;
  readonly tokens: TokenFacts[] = [];
  /** Visible text of each token. */
  readonly labels: string[] = [];
  /** The same as it is read out. */
  readonly spoken: string[] = [];
  /** Length as far as it can be asked about, and whether that is all. */
  n = 0;
  finished: boolean;
  overview: OverviewAnswer | undefined;
  /** Rows of positions drawn.from … drawn.n − 1, one after the other. */
  drawn: { from: number; n: number; weights: Float32Array<ArrayBuffer> } | undefined;
  readonly heads = new Kept<HeadMap>(8);
  readonly rows = new Kept<RowAnswer>(8);
  readonly rollouts = new Kept<RolloutAnswer>(4);
  readonly logits = new Kept<LogitsAnswer>(4);
  /** What was measured so far, in one answer, and how many of `of` that are; `spans` were asked. */
  readonly effects = new Kept<{ answer: EffectsAnswer; spans: [number, number][]; done: number; of: number }>(8);
  readonly lessons = new Kept<LessonAnswer>(8);
  /** Question → why there is no answer. */
  readonly #failures = new Map<string, string>();

  constructor(facts: TextAnswer) {
    this.facts = facts;
    this.finished = facts.finished;
    this.#takeText(facts);
  }

  get sequence(): number {
    return this.facts.sequence;
  }

  /** It is so long by now; what could not be answered may be asked again. */
  grew(n: number, finished: boolean): void {
    this.n = Math.max(this.n, n);
    this.finished = finished;
    this.#failures.clear();
  }

  failed(question: Question, why: string): void {
    this.#failures.set(JSON.stringify(question), why);
  }

  /** Why this question has no answer; undefined: it was not asked, or has one. */
  failure(question: Question | undefined): string | undefined {
    return question && this.#failures.get(JSON.stringify(question));
  }

  /** Takes an answer in; one that brings nothing new is not asked for again until the text has grown. @returns false where it is of another sequence, or does not follow on what is here */
  take(answer: Answer, question: Question): boolean {
    if (answer.sequence !== this.sequence) return false;
    const before = this.#reach(question);
    const taken = this.#takeIn(answer, question);
    if (taken && before !== undefined && this.#reach(question) === before) this.failed(question, '');
    return taken;
  }

  /** How far the answers to a question that is asked again and again reach, in positions. */
  #reach(question: Question): number | undefined {
    switch (question.ask) {
      case 'text':
        return this.tokens.length;
      case 'overview':
        return this.overview?.n ?? 0;
      case 'head':
        return this.heads.get(question.layer, question.head)?.n ?? 0;
      case 'drawn':
        return this.drawn?.n ?? 0;
      case 'row':
      case 'rollout':
      case 'logits':
      case 'effects':
      case 'lesson':
        return undefined;
    }
  }

  #takeEffects(answer: EffectsAnswer, spans: [number, number][]): boolean {
    const { from, of, position } = answer;
    const before = from > 0 ? this.effects.get(position) : undefined;
    if (from !== (before?.done ?? 0)) return false;
    const done = from + answer.spans.length + answer.heads.length;
    const after = (a: Float32Array = new Float32Array(), b: Float32Array): Float32Array<ArrayBuffer> =>
      Float32Array.from([...a, ...b]);
    const all = { spans: after(before?.answer.spans, answer.spans), heads: after(before?.answer.heads, answer.heads) };
    this.effects.set({ answer: { ...answer, ...all, from: 0 }, spans, done, of }, position);
    return true;
  }

  #takeIn(answer: Answer, question: Question): boolean {
    switch (answer.answer) {
      case 'text':
        return this.#takeText(answer);
      case 'overview':
        this.overview = answer;
        return true;
      case 'head': {
        const { layer, head } = answer;
        const map = (answer.from > 0 ? this.heads.get(layer, head) : undefined) ?? new HeadMap(layer, head);
        if (!map.add(answer)) return false;
        this.heads.set(map, layer, head);
        return true;
      }
      case 'row':
        this.rows.set(answer, answer.query);
        return true;
      case 'drawn':
        return this.#takeDrawn(answer.from, answer.n, answer.weights);
      case 'rollout':
        this.rollouts.set(answer, answer.query);
        return true;
      case 'logits':
        this.logits.set(answer, answer.position);
        return true;
      case 'effects':
        return this.#takeEffects(answer, question.ask === 'effects' ? question.spans : []);
      case 'lesson':
        this.lessons.set(answer, answer.layer, answer.head, answer.query, answer.key);
        return true;
    }
  }

  #takeText({ from, tokens, finished }: TextAnswer): boolean {
    if (from > this.tokens.length) return false;
    this.tokens.splice(from, Infinity, ...tokens);
    this.labels.splice(from, Infinity, ...tokens.map(({ text }) => visible(text)));
    this.spoken.splice(from, Infinity, ...tokens.map(({ text }) => spoken(text, visible(text))));
    this.n = Math.max(this.n, this.tokens.length);
    this.finished = finished;
    return true;
  }

  #takeDrawn(from: number, n: number, weights: Float32Array<ArrayBuffer>): boolean {
    const before = this.drawn;
    if (!before || from === this.facts.promptTokens) {
      this.drawn = { from, n, weights };
      return true;
    }
    if (from !== before.n) return false;
    const all = new Float32Array(before.weights.length + weights.length);
    all.set(before.weights);
    all.set(weights, before.weights.length);
    this.drawn = { from: before.from, n, weights: all };
    return true;
  }
}
