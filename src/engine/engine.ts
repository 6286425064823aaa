// The engine: one loaded model, its tokenizer and its caches; text in, text out. Knows nothing of processes, the editor or the
// command line; `main.ts` and `cli.ts` are its two front doors. One request runs at a time.

import type { ChatRequest, ChatTurn } from '../chatProtocol';
import { t } from '../l10n';
import { windowAround } from '../completion/window';
import type {
  AttentionMap,
  BeamRequest,
  BeamText,
  Completion,
  CompletionRequest,
  MemoryFile,
  MemoryState,
  ModelInfo,
} from '../protocol';
import { alternatives, BRANCHING, LEAST_PROBABILITY } from './alternatives';
import { AttentionReader } from './attention';
import { autoDevice, type Auto } from './autoDevice';
import { beams } from './beams';
import { Chat, type ChatTask } from './chat/chat';
import { Contexts } from './contexts';
import { CopyText, silent } from './copying';
import { EngineError } from './errors';
import { prefill } from './idle';
import { Inspector } from './inspect/inspector';
import { take } from './inspect/sequences';
import type { KvCache } from './kvCache';
import { LineTokens } from './lineTokens';
import type { MemoryVoice } from './memory/voice';
import { memoryOf, type WorkspaceMemory } from './memory/workspaceMemory';
import { checkWidth, Model } from './model';
import { readModelFolder } from './modelFolder';
import { infoOf, placeOf } from './modelInfo';
import { framePrompt, type Prompt } from './prompt';
import type { Sampled } from './sampler';
import { score, type Score } from './score';
import { Speculation } from './speculation';
import { BREAK } from './textIndex';
import { Tokenizer } from './tokenizer';
import { endings, nothing, write, type Task, type Written } from './writing';

/** Characters before and after the cursor in which what was typed is looked for. */
const SEARCHED_BEFORE = 60_000;
const SEARCHED_AFTER = 20_000;

export interface EngineOptions {
  modelDir: string;
  /** cpu, webgpu, cuda, dml or coreml; auto: the fastest, as far as it is known. */
  device: string;
  /** Folder where it is remembered which device is fastest; without it, auto is the CPU. */
  stateDir?: string;
  /** Told which device is opened, before it is. */
  onOpening?: (device: string) => void | Promise<void>;
  /** Told when the device failed and the CPU took over. */
  onFallback?: (info: ModelInfo) => void;
  /** An ONNX file inside the folder, relative; by default the best that is there. */
  weights?: string;
  /**
   * Whether tokens are guessed, and several checked in one run, where that saves time; 'auto' by default. The text is the same up to
   * rounding: with 8-bit activations, how a run rounds depends on how many tokens are in it.
   */
  speculation?: 'auto' | 'off';
  /** What the warm contexts may hold together, in MB; by default there is one context. */
  cacheMemory?: number;
  /** Threads that a run is spread over; by default, and with 0, what suits the machine. */
  threads?: number;
  /** Folder of the workspace memory's file; without it the memory ends with the engine. */
  memoryDir?: string;
  /** Told what the log should say of the workspace memory. */
  onNote?: (note: string) => void;
  /** Parts that are switched off, to see what they are worth. */
  without?: readonly Part[];
}

/** What helps a model, and can be done without: writing the word before the cursor anew, the text at hand, the workspace memory. */
export type Part = 'healing' | 'copying' | 'memory';

export interface CompleteOptions {
  signal: AbortSignal;
  /** Told of each token, with the text that is now certain, and all that is written. */
  onToken?: (token: Sampled, text: string, written: string) => void;
  /** True: any request ends it, as it ends a warm-up; it is not the last completion afterwards. */
  background?: boolean;
  /** What `alternatives` knows it by. */
  id?: number;
}

/** The last completion that somebody asked for. */
interface Last {
  id: number | undefined;
  request: CompletionRequest;
  written: Written;
  /** Prompt, then generated. */
  ids: number[];
  promptTokens: number;
}

export class Engine {
  readonly #model: Model;
  readonly #tokenizer: Tokenizer;
  readonly #contexts: Contexts;
  readonly #cacheFor = (prompt: readonly number[]): KvCache => this.#contexts.take(prompt);
  readonly #lines: LineTokens;
  readonly #memory: WorkspaceMemory;
  readonly #without: ReadonlySet<Part>;
  /** Undefined: switched off. */
  readonly #speculation: Speculation | undefined;
  readonly #attention: AttentionReader;
  readonly #chat: Chat;
  /** Answers questions about the inside of completions. */
  readonly inspector: Inspector;
  info: ModelInfo;
  #last: Last | undefined;
  /** Settles when the request before has ended. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The warm-ups that run or wait; a request ends them. */
  #warmUps = new AbortController();

  /** @param start when loading began, in the time of `performance` */
  private constructor(model: Model, tokenizer: Tokenizer, options: EngineOptions, start: number) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#contexts = new Contexts(() => model.newCache(), (options.cacheMemory ?? 0) * 2 ** 20);
    this.#lines = new LineTokens(tokenizer);
    this.#speculation =
      options.speculation === 'off' ? undefined : new Speculation(tokenizer, model.folder.config.vocab);
    this.#without = new Set(options.without);
    this.#memory = memoryOf(model.folder, options, {
      encode: (line) => tokenizer.encodeText(line, 'inside'),
      idle: () => this.#idle(),
    });
    this.#attention = new AttentionReader(model);
    this.inspector = new Inspector(model, tokenizer, this.#attention);
    this.#chat = new Chat(model, tokenizer);
    this.info = infoOf(model, tokenizer, this.#chat.taught, start);
  }

  /** @throws EngineError naming the file that is missing or damaged */
  static async load(options: EngineOptions): Promise<Engine> {
    const { modelDir, device, weights, threads = 0 } = options;
    const start = performance.now();
    const folder = readModelFolder(modelDir, weights);
    const tokenizer = new Tokenizer(folder);
    const loaded: { engine?: Engine } = {};
    const place: Auto =
      device === 'auto' ? autoDevice(folder, options.stateDir) : { device, reason: 'it was asked for' };
    place.opening?.();
    await options.onOpening?.(place.device);
    const model = await Model.load(folder, place.device, {
      ...(threads === 0 ? {} : { threads }),
      onFallback: () => {
        const { engine } = loaded;
        if (engine === undefined) return; // it will read where the model runs
        engine.info = { ...engine.info, ...placeOf(model) };
        options.onFallback?.(engine.info);
      },
    });
    try {
      await checkWidth(model);
    } catch (error) {
      await model.dispose();
      throw error;
    }
    place.opened?.(model.device);
    loaded.engine = new Engine(model, tokenizer, options, start);
    return loaded.engine;
  }

  /**
   * Completes a request. What the cache holds of its prompt is not computed again.
   * @throws EngineError `bad_request`, `prompt_too_long`, `inference_failed`, `nan_logits`
   */
  complete(
    asked: CompletionRequest,
    { signal: wanted, onToken, background = false, id }: CompleteOptions,
  ): Promise<Completion> {
    const signal = background ? AbortSignal.any([wanted, this.#warmUps.signal]) : wanted;
    const work = async (): Promise<Completion> => {
      const start = performance.now();
      if (signal.aborted) return nothing(this.info.device); // superseded while it waited
      const request = this.#withoutRemembered(asked);
      const prompt = this.#frame(request);
      const branching = background ? {} : { branching: BRANCHING };
      const cache = this.#contexts.take(prompt.ids);
      const sequence = this.inspector.sequences.begin(id ?? -1, request, prompt, background);
      const told = (token: Sampled, text: string, all: string): void => {
        take(sequence, token);
        if (!background) this.inspector.grown(sequence);
        onToken?.(token, text, all);
      };
      const task = { request, prompt, cache, start, signal, onToken: told };
      const write = (): Promise<Written> => this.#write({ ...task, ...branching });
      const written = await (background ? write() : this.inspector.seen(cache, write)).finally(() => {
        sequence.finished = true;
        if (!background) this.inspector.grown(sequence);
      });
      const { tokens, finish } = written.completion;
      if (finish !== 'cancelled' && !background)
        this.#last = { id, request, written, ids: [...prompt.ids, ...tokens], promptTokens: prompt.ids.length };
      return written.completion;
    };
    return background ? this.#inTurn(work) : this.#asRequest(work);
  }

  /**
   * At most `count` other texts at the place of the last completion, the most probable first (alternatives.ts); none where another one has
   * ended since. What was cached of it is used again and stays. An abort ends the search: what was found by then is given.
   * @throws EngineError `inference_failed`, `nan_logits`
   */
  alternatives(of: number, count: number, signal: AbortSignal): Promise<Completion[]> {
    return this.#asRequest(async () => {
      if (this.#last === undefined || this.#last.id !== of) return [];
      const { request, written, ids, promptTokens } = this.#last;
      const asked = { ...request, minProbability: Math.min(request.minProbability ?? 0, LEAST_PROBABILITY) };
      const greedy = { ...asked, sampling: { ...request.sampling, temperature: 0 } };
      const main = this.#contexts.take(ids.slice(0, promptTokens));
      return alternatives(written, count, endings(this.#tokenizer), async (begun) => {
        const start = performance.now();
        // Another document may have taken its place meanwhile.
        if (main.common(ids) < promptTokens) await prefill(this.#model, main, ids.slice(0, promptTokens), signal, true);
        if (signal.aborted) return undefined;
        const prompt = this.#frame(greedy);
        const cache = main.branchAt(main.common([...prompt.ids, ...begun.map(({ id }) => id)]));
        try {
          const other = await this.#write({
            request: greedy,
            prompt,
            cache,
            start,
            signal,
            begun,
            branching: BRANCHING,
          });
          return other.completion.finish === 'cancelled' ? undefined : other;
        } finally {
          cache.dispose();
        }
      });
    });
  }

  /**
   * Computes what the first run of `complete(request)` would, so that it need not; in the background, and only as long as nobody asks
   * for anything else. The completion it gives is empty: `length`, or `cancelled` where a request came between.
   * @throws EngineError `bad_request`, `prompt_too_long`, `inference_failed`
   */
  warmUp(asked: CompletionRequest, signal: AbortSignal): Promise<Completion> {
    const anySignal = AbortSignal.any([signal, this.#warmUps.signal]);
    return this.#inTurn(async () => {
      const start = performance.now();
      const { device } = this.info;
      if (anySignal.aborted) return nothing(device);
      const request = this.#withoutRemembered(asked);
      const { ids: prompt, typed } = this.#frame(request);
      if (!request.raw) this.#copyText(request, typed?.characters ?? 0); // remembers the tokens of the document's lines
      const cache = this.#contexts.take(prompt);
      const { reused, finished } = await this.inspector.seen(cache, () =>
        prefill(this.#model, cache, prompt, anySignal),
      );
      const stats = { ...nothing(device).stats, promptTokens: prompt.length, reusedTokens: reused };
      const totalMs = performance.now() - start;
      return { ...nothing(device), finish: finished ? 'length' : 'cancelled', stats: { ...stats, totalMs } };
    });
  }

  /**
   * One head's attention weights over the last completion, or over `prompt` where one is given.
   * @throws EngineError `bad_request`, `model_unsupported`
   */
  attention(layer: number, head: number, prompt?: string): Promise<AttentionMap> {
    return this.#asRequest(async () => {
      const last = prompt === undefined ? this.#last : undefined;
      if (prompt === undefined && last === undefined)
        throw new EngineError('bad_request', t('There is nothing to look at: no text has been completed yet.'));
      const ids = last?.ids ?? this.#tokenizer.encode(prompt ?? '');
      const promptTokens = last?.promptTokens ?? ids.length;
      const weights = await this.#attention.read(ids, layer, head);
      return { layer, head, tokens: ids.map((id) => this.#tokenizer.label(id)), promptTokens, weights };
    });
  }

  /** The best texts that follow a prompt, by beam search; undefined when it was cancelled. For errors see beams.ts. */
  beams(request: BeamRequest, signal: AbortSignal): Promise<BeamText[] | undefined> {
    const [model, tokenizer, { contextLength }] = [this.#model, this.#tokenizer, this.info];
    return this.#asRequest(() => beams({ model, tokenizer, cacheFor: this.#cacheFor, contextLength }, request, signal));
  }

  /** Answers a conversation; see chat/chat.ts. It is never the last completion. */
  chat(request: ChatRequest, task: Pick<ChatTask, 'signal' | 'onToken'>): Promise<Completion> {
    const lent = { cacheFor: this.#cacheFor, speculation: this.#speculation };
    return this.#asRequest(() => this.#chat.answer(request, { ...task, ...lent }));
  }

  /** How many tokens a text has, or a conversation with its frame. For errors see chat/chat.ts. */
  countTokens(of: string | readonly ChatTurn[]): number {
    return this.#chat.count(of);
  }

  /** How well the model predicts `text`. */
  score(text: string): Promise<Score> {
    return this.#asRequest(() => score(this.#model, this.#tokenizer, text));
  }

  /** Takes files into the workspace memory, and forgets others; in the background. */
  remember(files: readonly MemoryFile[], forget: readonly string[]): Promise<MemoryState> {
    return this.#memory.remember(files, forget);
  }

  /** Erases the workspace memory, on disk too. @throws where its file cannot be deleted */
  eraseMemory(): Promise<MemoryState> {
    return this.#memory.erase();
  }

  /** Writes the workspace memory to disk, if there is anything new: the process is about to end. */
  saveMemory(): void {
    this.#memory.saveNow();
  }

  async dispose(): Promise<void> {
    this.#memory.saveNow();
    this.#warmUps.abort();
    await this.#turn;
    this.#contexts.dispose();
    await this.inspector.dispose();
    await this.#attention.dispose();
    await this.#model.dispose();
  }

  /** Writes one text, with what has a say beside the model and with guesses. */
  async #write(task: Omit<Task, 'copying' | 'drafts'>): Promise<Written> {
    const { request, prompt } = task;
    const memory = this.#memoryFor(request);
    const copying = request.raw ? undefined : this.#copyText(request, prompt.typed?.characters ?? 0, memory);
    const drafts = this.#speculation?.drafts(prompt.ids, copying, memory);
    const written = await write({ model: this.#model, tokenizer: this.#tokenizer }, { ...task, copying, drafts });
    if (drafts !== undefined) this.#speculation?.remember(drafts);
    return written;
  }

  /** The text that has a say beside the model: other files, what stands after the cursor, what stands before it. */
  #copyText({ prefix, suffix, context }: CompletionRequest, typed: number, memory?: MemoryVoice): CopyText | undefined {
    const { copying, config } = this.#model.folder;
    if (copying === undefined) return undefined;
    const near = windowAround(prefix.slice(0, prefix.length - typed), suffix, SEARCHED_BEFORE, SEARCHED_AFTER);
    const texts = [...(context ?? []).map(({ text }) => text), near.suffix, near.prefix];
    const ids = texts.flatMap((text, i) => (i === 0 ? [] : [BREAK]).concat(this.#lines.encode(text)));
    return new CopyText(this.#without.has('copying') ? silent(copying) : copying, ids, config.vocab, memory);
  }

  /** The workspace memory without the document itself, whose text at hand is newer. */
  #memoryFor({ raw, memory, path }: CompletionRequest): MemoryVoice | undefined {
    if (raw || memory === false || this.#without.has('memory')) return undefined;
    return this.#memory.voice(path === undefined ? [] : [path]);
  }

  /**
   * The request without the parts of files that have their say through the workspace memory. Shown to the model besides, they took the place
   * of the document's own text, and fewer keys were saved (models/eval, `--only projects`).
   */
  #withoutRemembered(request: CompletionRequest): CompletionRequest {
    const { raw, memory, context } = request;
    if (context === undefined || raw || memory === false || this.#without.has('memory')) return request;
    return { ...request, context: context.filter(({ path }) => !this.#memory.speaksFor(path)) };
  }

  #frame(request: CompletionRequest): Prompt {
    return framePrompt(this.#tokenizer, request, this.info.contextLength, !this.#without.has('healing'));
  }

  /** Resolves when nobody waits for the model. */
  async #idle(): Promise<void> {
    for (let seen; seen !== this.#turn;) await (seen = this.#turn);
  }

  /** Runs `work` when everything asked for before has ended; somebody waits for it, so that warm-ups end. */
  #asRequest<T>(work: () => Promise<T>): Promise<T> {
    this.#warmUps.abort();
    this.#warmUps = new AbortController();
    return this.#inTurn(work);
  }

  /** Runs `work` when everything asked for before has ended. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    // Whoever waits for this turn finds the contexts released.
    this.#turn = result.then(
      () => this.#contexts.release(true),
      () => this.#contexts.release(false),
    );
    return result;
  }
}
