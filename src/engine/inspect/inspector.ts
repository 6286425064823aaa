// Answers questions about the inside of the last completions. One question is answered at a time; while somebody watches, the completion
// that is being written is followed between them.

import type { Answer, GrewMessage, Question, SequenceName, TextAnswer } from '../../inspectionProtocol';
import { t } from '../../l10n';
import type { AttentionReader } from '../attention';
import { EngineError } from '../errors';
import type { KvCache } from '../kvCache';
import type { Model } from '../model';
import type { Tokenizer } from '../tokenizer';
import { answerTo, type StoredQuestion } from './answers';
import { checked } from './checked';
import { Follower } from './follower';
import { Lens } from './lens';
import { GivingWay } from './givingWay';
import { noLesson } from './lesson';
import { logitsAt } from './logits';
import { Sequences, factsOf, type Sequence } from './sequences';

/** What was not seen while it was written is run when there are so many tokens of it, or after so long, in milliseconds. */
const BATCH = 32;
const PAUSE_MS = 150;
/** What was seen is told of so often. */
const TOLD_MS = 50;
/** What a question without a watcher needed is kept so long, in milliseconds. */
const KEPT_MS = 10_000;

export class Inspector {
  readonly #model: Model;
  readonly #tokenizer: Tokenizer;
  readonly #reader: AttentionReader;
  readonly sequences = new Sequences();
  #follower: Follower | undefined;
  #lens: Lens | { reason: string } | undefined;
  /** Told of growth; undefined: nobody watches. */
  #grew: ((message: Omit<GrewMessage, 'type'>) => void) | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** Questions that wait or are being answered: following gives way. */
  #waiting = 0;
  #following = false;
  #followedAt = 0;
  #newest: Sequence | undefined;
  readonly #pace = new GivingWay();
  #timer: NodeJS.Timeout | undefined;
  #kept: NodeJS.Timeout | undefined;

  constructor(model: Model, tokenizer: Tokenizer, reader: AttentionReader) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#reader = reader;
  }

  /** Somebody looks, and is told of growth; or nobody does any more: memory is given back. */
  watch(grew: ((message: Omit<GrewMessage, 'type'>) => void) | undefined): void {
    this.#grew = grew;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (grew !== undefined) return;
    this.#follower?.stop();
    this.#release();
  }

  /** The sequence that is being written has one more token, or has ended. */
  grown(sequence: Sequence): void {
    if (this.#grew === undefined) return;
    this.#newest = sequence;
    const behind = this.#behind(sequence);
    const since = performance.now() - this.#followedAt;
    const { rested } = this.#pace;
    if (sequence.finished || (rested && (behind >= BATCH || (behind > 1 && since >= PAUSE_MS)))) this.#follow(sequence);
    else if (behind <= 1 && since >= TOLD_MS) {
      this.#followedAt = performance.now();
      this.#tell(sequence);
    }
  }

  /** Does `work`, which runs the model on `cache`; what somebody who watches wants to know of it is taken from its runs. */
  seen<T>(cache: KvCache, work: () => Promise<T>): Promise<T> {
    if (this.#grew === undefined || !this.#model.givesAttention) return work();
    this.#follower ??= new Follower(this.#model, this.#reader);
    return this.#pace.writes(this.#follower.tapping(cache, work));
  }

  /** @throws EngineError `bad_request` for what is not there, `model_unsupported`, `inference_failed` */
  inspect(name: SequenceName, question: Question): Promise<Answer> {
    this.#waiting++;
    const answer = this.#inTurn(async () => {
      const sequence = this.sequences.get(name);
      await this.#pace.giveWay();
      const start = performance.now();
      const answered = await this.#asked(sequence, checked(question));
      this.#pace.worked(performance.now() - start);
      return answered;
    });
    return answer.finally(() => {
      this.#waiting--;
      if (this.#grew === undefined) this.#releaseSoon();
    });
  }

  async #asked(sequence: Sequence, question: Question): Promise<Answer> {
    if (question.ask === 'text') return this.#text(sequence, question.from);
    if (question.ask === 'logits')
      return logitsAt(this.#model, this.#tokenizer, sequence, question.position, this.#follower?.cache);
    // A copy of the graph runs the whole text for every answer, and is behind again before it has ended.
    if (!this.#model.givesAttention && !sequence.finished)
      throw new EngineError('bad_request', t('The weights of this model are here when the text is complete.'));
    clearTimeout(this.#kept);
    const follower = (this.#follower ??= new Follower(this.#model, this.#reader));
    const rows = 'query' in question ? question.query + 1 : question.ask === 'effects' ? question.position : 0;
    for (let tries = 1; ; tries++) {
      if (sequence.finished || this.#behind(sequence) > 1 || rows > follower.held(sequence.ids))
        await follower.follow(sequence.ids);
      const held = follower.held(sequence.ids);
      const answer = await this.#answer(sequence, follower, question);
      // Another text may have begun on the way, and its weights taken the place of these.
      if (follower.held(sequence.ids) >= held) return answer;
      if (tries === 3) throw new EngineError('bad_request', t('Another text was begun meanwhile. Ask again.'));
    }
  }

  /** How many tokens of a sequence have no weights yet. The newest one has none before the next is written. */
  #behind({ ids }: Sequence): number {
    return ids.length - (this.#follower?.held(ids) ?? 0);
  }

  /** How many tokens there are to see: while a text is written, the newest follows with its weights. */
  #shown(sequence: Sequence): number {
    const { ids, finished } = sequence;
    const follows = this.#grew !== undefined && this.#model.givesAttention && !finished && this.#behind(sequence) === 1;
    return ids.length - (follows ? 1 : 0);
  }

  async dispose(): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#kept);
    this.#grew = undefined;
    await this.#turn;
    this.#release();
    await this.#turn;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #tell(sequence: Sequence): void {
    this.#grew?.({ sequence: sequence.id, n: this.#shown(sequence), finished: sequence.finished });
  }

  /** Follows a running sequence, one pass at a time. */
  #follow(sequence: Sequence): void {
    if (this.#following) return;
    this.#following = true;
    this.#followedAt = performance.now();
    void this.#inTurn(async () => {
      const start = performance.now();
      const follower = (this.#follower ??= new Follower(this.#model, this.#reader));
      // A copy of the graph starts from the first token every time: only when the text is complete.
      if (sequence.finished || (this.#model.givesAttention && this.#behind(sequence) > 1))
        await follower.follow(sequence.ids, () => this.#grew === undefined || this.#waiting > 0);
      this.#pace.worked(performance.now() - start);
    })
      .catch(() => undefined) // whoever asks for weights gets the reason; the text can be asked for all the same
      .finally(() => {
        this.#following = false;
        const { length } = sequence.ids;
        const behind = this.#model.givesAttention && this.#behind(sequence) > 0;
        this.#tell(sequence);
        if (this.#grew !== undefined && sequence.finished && behind && length <= (this.#follower?.most ?? 0))
          this.#timer ??= setTimeout(() => {
            this.#timer = undefined;
            if (this.#newest === sequence) this.#follow(sequence); // else its weights would drive out those of the next
          }, PAUSE_MS);
      });
  }

  /** @throws EngineError `model_unsupported` */
  async #handles(): Promise<Lens> {
    const unsupported = (reason: string): EngineError =>
      new EngineError(
        'model_unsupported',
        t('Heads of this model cannot be taken out: its graph is run as it is ({0}).', reason),
      );
    if (!this.#model.givesAttention) throw unsupported(this.#model.graphNote);
    const lens = (this.#lens ??= await Lens.open(this.#model.folder));
    if ('reason' in lens) throw unsupported(lens.reason);
    return lens;
  }

  #release(): void {
    void this.#inTurn(() => {
      if (this.#grew !== undefined) return Promise.resolve();
      this.#follower?.dispose();
      this.#follower = undefined;
      const lens = this.#lens;
      this.#lens = undefined;
      return lens === undefined || 'reason' in lens ? Promise.resolve() : lens.dispose();
    });
  }

  #releaseSoon(): void {
    clearTimeout(this.#kept);
    this.#kept = setTimeout(() => this.#release(), KEPT_MS);
    this.#kept.unref();
  }

  #text(sequence: Sequence, from: number): TextAnswer {
    const { folder } = this.#model;
    const { layers, heads, kvHeads, headDim, vocab } = folder.config;
    const own = this.#model.givesAttention;
    const limit =
      this.#model.device === 'cpu'
        ? t('The graph of this model is run as it is: heads cannot be taken out, nor steps be shown.')
        : t('On this device heads cannot be taken out, nor steps be shown. With "glassbox.device": "cpu" they can.');
    return {
      answer: 'text',
      sequence: sequence.id,
      from,
      tokens: factsOf(this.#tokenizer, sequence, from, this.#shown(sequence)),
      promptTokens: sequence.prompt.ids.length,
      finished: sequence.finished,
      files: sequence.files,
      ...(sequence.path === undefined ? {} : { path: sequence.path }),
      shape: { layers, heads, kvHeads, headDim, vocab, windows: this.#model.windows },
      kernel: own ? 'own' : 'copy',
      precision: { matrices: this.#model.matrices, ...(own && { softmax: 'float32' }) },
      model: folder.name,
      limits: own ? (this.#model.plainScores ? {} : { lesson: noLesson() }) : { effects: limit, lesson: limit },
    };
  }

  #answer(sequence: Sequence, follower: Follower, question: StoredQuestion): Promise<Answer> {
    const [model, tokenizer, n] = [this.#model, this.#tokenizer, follower.held(sequence.ids)];
    const rest = (spentMs: number): Promise<void> => this.#pace.rest(spentMs);
    return answerTo(question, { model, tokenizer, sequence, follower, n, rest, handles: () => this.#handles() });
  }
}
