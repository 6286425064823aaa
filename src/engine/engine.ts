// The engine: one loaded model, its tokenizer and its caches; text in, text out. Knows nothing of processes, the editor or the
// command line; `main.ts` and `cli.ts` are its two front doors. One request runs at a time.

import { shape, situationAt, type Situation } from '../completion/stop';
import { windowAround } from '../completion/window';
import { Worth } from '../completion/worth';
import type {
  AttentionMap,
  BeamRequest,
  BeamText,
  Completion,
  CompletionRequest,
  Finish,
  ModelInfo,
} from '../protocol';
import { AttentionReader } from './attention';
import { autoDevice, type Auto } from './autoDevice';
import { beams } from './beams';
import { Contexts } from './contexts';
import { CopyText } from './copying';
import { EngineError } from './errors';
import { generate } from './generate';
import { prefill } from './idle';
import type { KvCache } from './kvCache';
import { LineTokens } from './lineTokens';
import { Model } from './model';
import { readModelFolder } from './modelFolder';
import { framePrompt, mostTokens } from './prompt';
import type { Sampled } from './sampler';
import { score, type Score } from './score';
import { Speculation } from './speculation';
import { BREAK } from './textIndex';
import { TextStream } from './textStream';
import { Tokenizer } from './tokenizer';

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
}

export interface CompleteOptions {
  signal: AbortSignal;
  /** Told of each token, with the text that is now certain. */
  onToken?: (token: Sampled, text: string) => void;
}

export class Engine {
  readonly #model: Model;
  readonly #tokenizer: Tokenizer;
  readonly #contexts: Contexts;
  readonly #lines: LineTokens;
  /** Undefined: switched off. */
  readonly #speculation: Speculation | undefined;
  readonly #attention: AttentionReader;
  info: ModelInfo;
  /** The tokens of the last completion: prompt, then generated. */
  #last: { ids: number[]; promptTokens: number } = { ids: [], promptTokens: 0 };
  /** Settles when the request before has ended. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The warm-ups that run or wait; a request ends them. */
  #warmUps = new AbortController();

  private constructor(model: Model, tokenizer: Tokenizer, cacheMemory: number, guesses: boolean, loadMs: number) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#contexts = new Contexts(() => model.newCache(), cacheMemory * 2 ** 20);
    this.#lines = new LineTokens(tokenizer);
    this.#speculation = guesses ? new Speculation(tokenizer, model.folder.config.vocab) : undefined;
    this.#attention = new AttentionReader(model);
    const { name, dir, weights, config } = model.folder;
    this.info = {
      name,
      dir,
      weights,
      ...placeOf(model),
      layers: config.layers,
      heads: config.heads,
      kvHeads: config.kvHeads,
      headDim: config.headDim,
      vocab: config.vocab,
      contextLength: config.contextLength,
      fillInTheMiddle: tokenizer.fim !== undefined,
      loadMs,
    };
  }

  /** @throws EngineError naming the file that is missing or damaged */
  static async load(options: EngineOptions): Promise<Engine> {
    const { modelDir, device, weights, cacheMemory = 0, threads = 0, speculation } = options;
    const start = performance.now();
    const folder = readModelFolder(modelDir, weights);
    const tokenizer = new Tokenizer(folder);
    if (tokenizer.wordIds > folder.config.vocab) {
      throw new EngineError(
        'model_damaged',
        `${folder.dir}/tokenizer.json has ${tokenizer.wordIds} ids where config.json's vocab_size is ${folder.config.vocab}. Restore the files: they belong to different models.`,
      );
    }
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
    loaded.engine = new Engine(model, tokenizer, cacheMemory, speculation !== 'off', performance.now() - start);
    return loaded.engine;
  }

  /**
   * Completes a request. What the cache holds of its prompt is not computed again.
   * @throws EngineError `bad_request`, `prompt_too_long`, `inference_failed`, `nan_logits`
   */
  complete(request: CompletionRequest, { signal, onToken }: CompleteOptions): Promise<Completion> {
    return this.#asRequest(async () => {
      const start = performance.now();
      if (signal.aborted) return nothing(this.info.device); // superseded while it waited
      const tokenizer = this.#tokenizer;
      const { ids: prompt, typed } = framePrompt(tokenizer, request, this.info.contextLength);
      const bounded = !request.raw && request.unbounded !== true;
      const output = new Output(
        bounded ? situationAt(request.prefix, request.suffix) : undefined,
        request,
        typed?.characters ?? 0,
      );
      const copying = request.raw ? undefined : this.#copyText(request, typed?.characters ?? 0);
      const drafts = this.#speculation?.drafts(prompt, copying);
      const counts = { runs: 0, drafted: 0, accepted: 0 };
      const least = Math.log(request.minProbability ?? 0);
      const stream = new TextStream((ids) => tokenizer.decode(ids), prompt.slice(-4));
      const tokens: number[] = [];
      const logprobs: number[] = [];
      let probability = 0; // its logarithm, of all tokens so far
      let reusedTokens = 0;
      let firstTokenMs = 0;
      let finish: Finish | undefined;

      const steps = generate(this.#model, this.#contexts.take(prompt), {
        prompt,
        ...(typed === undefined ? {} : { typed }),
        ...(copying === undefined ? {} : { copying }),
        ...(drafts === undefined ? {} : { drafts }),
        counts,
        // Who asks for a suggestion does not want the empty one.
        minTokens: request.raw ? 0 : 1,
        maxTokens: request.endless === true ? request.maxTokens : mostTokens(request, this.info.contextLength),
        ...(request.endless === true ? { window: this.info.contextLength } : {}),
        sampling: request.sampling,
        eosIds: request.raw ? tokenizer.eosIds : endings(tokenizer),
        signal,
        onReuse: (reused) => (reusedTokens = reused),
      });
      while (finish === undefined) {
        const step = await steps.next();
        firstTokenMs ||= performance.now() - start; // the end-of-text token counts as sampled, too
        if (step.done === true) {
          finish = step.value;
          break;
        }
        const token = step.value;
        if (probability + token.conditional < least) {
          finish = 'unsure';
          break;
        }
        probability += token.conditional;
        tokens.push(token.id);
        logprobs.push(token.logprob);
        const text = output.push(stream.push(token.id), Math.exp(probability));
        onToken?.(token, text);
        if (output.stopped) finish = 'stop';
      }
      await steps.return('cancelled'); // it learns that no more is wanted
      if (drafts !== undefined) this.#speculation?.remember(drafts);
      if (finish !== 'cancelled') output.push(stream.end(), Math.exp(probability));
      output.end(Math.exp(probability));
      if (finish !== 'cancelled') this.#last = { ids: [...prompt, ...tokens], promptTokens: prompt.length };
      const totalMs = performance.now() - start;
      const stats = {
        promptTokens: prompt.length,
        reusedTokens,
        generatedTokens: tokens.length,
        draftedTokens: counts.drafted,
        acceptedTokens: counts.accepted,
        runs: counts.runs,
        firstTokenMs,
        totalMs,
        device: this.info.device,
      };
      return { text: output.text, tokens, logprobs, finish, stats };
    });
  }

  /**
   * Computes what the first run of `complete(request)` would, so that it need not; in the background, and only as long as nobody asks
   * for anything else. The completion it gives is empty: `length`, or `cancelled` where a request came between.
   * @throws EngineError `bad_request`, `prompt_too_long`, `inference_failed`
   */
  warmUp(request: CompletionRequest, signal: AbortSignal): Promise<Completion> {
    const anySignal = AbortSignal.any([signal, this.#warmUps.signal]);
    return this.#inTurn(async () => {
      const start = performance.now();
      const { device, contextLength } = this.info;
      if (anySignal.aborted) return nothing(device);
      const { ids: prompt, typed } = framePrompt(this.#tokenizer, request, contextLength);
      if (!request.raw) this.#copyText(request, typed?.characters ?? 0); // remembers the tokens of the document's lines
      const { reused, finished } = await prefill(this.#model, this.#contexts.take(prompt), prompt, anySignal);
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
      if (prompt === undefined && this.#last.ids.length === 0)
        throw new EngineError('bad_request', 'There is nothing to look at: no text has been completed yet.');
      const ids = prompt === undefined ? this.#last.ids : this.#tokenizer.encode(prompt);
      const promptTokens = prompt === undefined ? this.#last.promptTokens : ids.length;
      const weights = await this.#attention.read(ids, layer, head);
      return { layer, head, tokens: ids.map((id) => this.#tokenizer.label(id)), promptTokens, weights };
    });
  }

  /** The best texts that follow a prompt, by beam search; undefined when it was cancelled. For errors see beams.ts. */
  beams(request: BeamRequest, signal: AbortSignal): Promise<BeamText[] | undefined> {
    const [model, tokenizer, { contextLength }] = [this.#model, this.#tokenizer, this.info];
    const cacheFor = (prompt: readonly number[]): KvCache => this.#contexts.take(prompt);
    return this.#asRequest(() => beams({ model, tokenizer, cacheFor, contextLength }, request, signal));
  }

  /** How well the model predicts `text`. */
  score(text: string): Promise<Score> {
    return this.#asRequest(() => score(this.#model, this.#tokenizer, text));
  }

  async dispose(): Promise<void> {
    this.#warmUps.abort();
    await this.#turn;
    this.#contexts.dispose();
    await this.#attention.dispose();
    await this.#model.dispose();
  }

  /** The text that has a say beside the model: other files, what stands after the cursor, what stands before it. */
  #copyText({ prefix, suffix, context }: CompletionRequest, typed: number): CopyText | undefined {
    const { copying, config } = this.#model.folder;
    if (copying === undefined) return undefined;
    const near = windowAround(prefix.slice(0, prefix.length - typed), suffix, SEARCHED_BEFORE, SEARCHED_AFTER);
    const texts = [...(context ?? []).map(({ text }) => text), near.suffix, near.prefix];
    const ids = texts.flatMap((text, i) => (i === 0 ? [] : [BREAK]).concat(this.#lines.encode(text)));
    return new CopyText(copying, ids, config.vocab);
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

/** Runs one token: what the graph says of its shapes need not be what it computes. @throws EngineError `model_damaged` */
async function checkWidth(model: Model): Promise<void> {
  const { config, weightsPath, dir } = model.folder;
  const cache = model.newCache();
  const { length } = await model.forward([0], cache);
  cache.dispose();
  if (length === config.vocab) return;
  throw new EngineError(
    'model_damaged',
    `${weightsPath} gives ${length} logits a token where ${dir}/config.json's vocab_size is ${config.vocab}. Restore the files: they belong to different models.`,
  );
}

/** Where a model runs. */
function placeOf({ device, deviceNote, graphNote }: Model): Pick<ModelInfo, 'device' | 'deviceNote' | 'graph'> {
  return { device, graph: graphNote, ...(deviceNote === undefined ? {} : { deviceNote }) };
}

/** The completion of a request that was cancelled before it began. */
function nothing(device: string): Completion {
  const none = { promptTokens: 0, reusedTokens: 0, generatedTokens: 0, draftedTokens: 0, acceptedTokens: 0, runs: 0 };
  const stats = { ...none, firstTokenMs: 0, totalMs: 0, device };
  return { text: '', tokens: [], logprobs: [], finish: 'cancelled', stats };
}

/** What ends a suggestion: the end-of-text token and any other that stands for no text, such as the frame's or the next file's. */
function endings(tokenizer: Tokenizer): ReadonlySet<number> {
  return new Set([...tokenizer.eosIds, ...tokenizer.specialIds]);
}

/** Collects the text of a completion and releases what the stop rules let through. */
class Output {
  readonly #situation: Situation | undefined;
  readonly #raw: boolean;
  /** Given: the text is cut where it is worth most. */
  readonly #worth: Worth | undefined;
  #all = '';
  text = '';
  stopped = false;
  /** Characters to come that are in the document already. */
  #typed: number;

  /**
   * @param situation undefined: everything is let through
   * @param typed characters at the start of the text that are in the document already
   */
  constructor(situation: Situation | undefined, { raw, minProbability = 0 }: CompletionRequest, typed: number) {
    this.#situation = situation;
    this.#raw = raw;
    this.#worth = minProbability > 0 ? new Worth() : undefined;
    this.#typed = typed;
  }

  /**
   * @param probability of all the text so far
   * @returns the text that became certain
   */
  push(piece: string, probability: number): string {
    // In a document the editor ends lines as the document does; raw text is left as it is.
    const added = piece.slice(this.#typed);
    this.#typed -= piece.length - added.length;
    this.#all += this.#raw ? added : added.replaceAll('\r', '');
    return this.#release(false, probability);
  }

  end(probability: number): void {
    this.#release(true, probability);
  }

  #release(ended: boolean, probability: number): string {
    const { certain, stop } =
      this.#situation === undefined
        ? { certain: this.#all.length, stop: false }
        : shape(this.#all, this.#situation, ended);
    this.stopped ||= stop;
    this.#worth?.weigh(certain, probability);
    const shown = Math.min(certain, this.#worth?.length ?? certain);
    const added = this.#all.slice(this.text.length, Math.max(shown, this.text.length));
    this.text += added;
    return added;
  }
}
