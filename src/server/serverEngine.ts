// Completions from a server, by the same rules as those of the engine: what the stop rules and the threshold cut of the model's text they
// cut of the server's. The only room that opens connections; it is a bundle of its own, loaded where glassbox.server.url is set.

import { Output } from '../completion/output';
import { situationAt } from '../completion/stop';
import { windowAround } from '../completion/window';
import type { Completion, CompletionRequest, Finish } from '../protocol';
import type { Address } from './address';
import { DIALECTS, type Piece, type Way, type Wish } from './dialects';
import { familyOf } from './families';
import type { Fields } from './fields';
import { cutOff, reported, ServerFault } from './fault';
import { recognise, type Known } from './recognise';
import { DONE, Transport, type Patience } from './transport';

export { useStrings } from '../l10n';
export { ServerFault };

export interface ServerOptions {
  address: Address;
  /** The setting glassbox.server.model. */
  model: string;
  key: string | undefined;
  log: (line: string) => void;
  patience?: Partial<Patience>;
}

const PATIENCE: Patience = { probe: 5_000, first: 30_000, next: 10_000 };
/** Prompts of suggestions, in characters: about the 2048 tokens of the engine's. A quarter is for the suffix. */
const MAX_CHARS = 8_000;
/** Characters of a token of code, at least, where a server says how many tokens it holds. */
const CHARS_PER_TOKEN = 2;
/** More pieces without text than there may be tokens, and so many besides, are an answer without end. */
const MOST_EMPTY = 64;
/** So often the prompt is halved where a server calls it too long. */
const MAX_HALVINGS = 4;
/** What is told where a server takes it, and left out where it refuses it by name. */
const OPTIONAL = [
  ...['logprobs', 'n_probs', 'seed', 'cache_prompt'],
  ...['top_p', 'top_k', 'min_p', 'typical_p', 'repeat_penalty', 'repetition_penalty'],
];
const TOO_LONG = /context|too (?:long|large)|maximum|exceed|max_(?:total|input)/i;

export class ServerEngine {
  readonly #options: ServerOptions;
  readonly #transport: Transport;
  #known: Promise<Known> | undefined;
  /** Ways that the server has refused. */
  readonly #refused = new Set<Way>();
  /** Fields of a request that the server has refused. */
  readonly #unwanted = new Set<string>();
  #halvings = 0;
  #sure: boolean | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#transport = new Transport(options.address, options.key, { ...PATIENCE, ...options.patience });
  }

  /** Whether it tells log-probabilities; undefined before its first answer. Without them no threshold can be applied. */
  get sure(): boolean | undefined {
    return this.#sure;
  }

  /**
   * Asks the server what it is, once; a failure is asked again.
   * @throws ServerFault
   */
  async known(signal: AbortSignal): Promise<Known> {
    const known = (this.#known ??= this.#recognise());
    if (signal.aborted) throw signal.reason;
    let stop = (): void => undefined;
    const aborted = new Promise<never>((_, reject) => (stop = () => reject(signal.reason as Error)));
    signal.addEventListener('abort', stop, { once: true });
    return Promise.race([known, aborted]).finally(() => signal.removeEventListener('abort', stop));
  }

  /**
   * Completes a request.
   * @param onText told of each text that is certain
   * @returns the completion; its tokens have no ids, and `logprobs` are those of the pieces that came
   * @throws ServerFault
   */
  async complete(request: CompletionRequest, signal: AbortSignal, onText: (text: string) => void): Promise<Completion> {
    const start = performance.now();
    try {
      const known = await this.known(signal);
      const family = known.names.map(familyOf).find((found) => found !== undefined);
      for (;;) {
        const wish = this.#wish(request, known, family);
        const dialect = DIALECTS[known.kind];
        const ways = dialect.ways(wish);
        const way = ways.find((each) => !this.#refused.has(each)) ?? 'prefix';
        const { path, body } = dialect.call(wish, way);
        const answer = this.#transport.stream(
          path,
          without(body, this.#unwanted),
          dialect.framing,
          known.model,
          signal,
        );
        try {
          return await this.#write(
            request,
            known,
            pieces(answer, dialect.read, this.#options.address.base, wish.maxTokens),
            start,
            signal,
            onText,
          );
        } catch (error) {
          if (!(error instanceof ServerFault)) throw error;
          if (!this.#adapts(error, way)) throw error;
        }
      }
    } catch (error) {
      if (signal.aborted) return this.#nothing(start);
      // Whoever answers there next may be another server, or have another model.
      this.#known = undefined;
      this.#refused.clear();
      this.#unwanted.clear();
      this.#halvings = 0;
      throw error;
    }
  }

  /** Nobody's signal ends it: whoever asks next waits for the same answer. */
  #recognise(): Promise<Known> {
    const known = recognise(this.#transport, this.#options.model, new AbortController().signal);
    known.catch(() => (this.#known = undefined));
    known.then(
      ({ kind, model, names }) =>
        this.#options.log(
          `server: ${this.#options.address.base} is ${kind} with ${model || 'a model without a name'}; holes are told ${names.map(familyOf).find((found) => found !== undefined)?.name ?? 'as the server does'}`,
        ),
      () => undefined,
    );
    return known;
  }

  /** Whether the same may be asked in another way. Only what was refused as a whole is asked again. */
  #adapts({ code, message }: ServerFault, way: Way): boolean {
    if (code !== 'refused' && code !== 'failed' && !(code === 'not_understood' && way === 'own')) return false;
    const unwanted = OPTIONAL.filter((field) => new RegExp(`\\b${field}\\b`, 'i').test(message));
    if (unwanted.some((field) => !this.#unwanted.has(field))) {
      for (const field of unwanted) this.#unwanted.add(field);
      this.#options.log(`server: does without ${unwanted.join(', ')}: ${message}`);
      return true;
    }
    if (TOO_LONG.test(message) && this.#halvings < MAX_HALVINGS) {
      this.#halvings++;
      return true;
    }
    const ofSuffix = /suffix|insert|infill|fim|not support/i.test(message) || code === 'not_understood';
    if (way === 'prefix' || !ofSuffix) return false;
    this.#refused.add(way);
    this.#options.log(`server: cannot fill a hole by ${way === 'own' ? 'its own parameter' : 'tokens'}: ${message}`);
    return true;
  }

  #wish(request: CompletionRequest, { model, contextLength }: Known, family: Wish['family']): Wish {
    const { path, maxTokens, sampling, raw, context = [] } = request;
    const most = contextLength === undefined ? maxTokens : Math.min(maxTokens, Math.floor(contextLength / 2));
    const held = contextLength === undefined ? Infinity : (contextLength - most) * CHARS_PER_TOKEN;
    const room = Math.floor(Math.min(MAX_CHARS, held) / 2 ** this.#halvings);
    const shown = raw ? '' : (request.shownSuffix ?? request.suffix);
    const { prefix, suffix } = windowAround(request.prefix, shown, Math.floor(room * 0.75), Math.floor(room * 0.25));
    let left = room - prefix.length - suffix.length;
    // The most relevant file is the last.
    const files = [...context].reverse().filter(({ path, text }) => {
      const fits = path.length + text.length <= left;
      if (fits) left -= path.length + text.length;
      return fits;
    });
    return {
      model,
      prefix,
      suffix,
      path: raw ? undefined : path,
      context: raw ? [] : files.reverse(),
      maxTokens: most,
      sampling,
      family: raw ? undefined : family,
    };
  }

  async #write(
    request: CompletionRequest,
    known: Known,
    answer: AsyncGenerator<Piece>,
    start: number,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<Completion> {
    const bounded = !request.raw && request.unbounded !== true;
    const situation = bounded ? situationAt(request.prefix, request.suffix, request.path) : undefined;
    let output: Output | undefined;
    let [total, pending, tokens, firstTokenMs, promptTokens, reusedTokens] = [0, 0, 0, 0, 0, 0];
    const logprobs: number[] = [];
    let finish: Finish | undefined;
    for await (const piece of untilAborted(answer, signal)) {
      firstTokenMs ||= performance.now() - start;
      promptTokens = piece.promptTokens ?? promptTokens;
      reusedTokens = piece.reusedTokens ?? reusedTokens;
      pending += piece.logprob ?? 0; // a token that is half a character comes without text
      if (piece.text !== '') {
        if (output === undefined) {
          const sure = (this.#sure = piece.logprob !== undefined);
          const rules = sure ? request : { ...request, minProbability: 0 };
          output = new Output(situation, rules, 0, (logProbability) => (sure ? Math.exp(logProbability) : 1));
        }
        total += pending;
        if (output.isDoubtful(total)) {
          finish = 'unsure';
          output.refuse(piece.text, total);
          break;
        }
        tokens += piece.tokens;
        logprobs.push(pending);
        pending = 0;
        const text = output.push(piece.text, total);
        if (text !== '') onText(text);
        if (output.stopped) finish = 'stop';
      }
      finish ??= piece.finish;
      if (finish !== undefined) break;
    }
    finish ??= 'cancelled'; // every answer that is not has an end
    output ??= new Output(situation, request, 0, () => 1);
    output.end(finish, '');
    const { text, probability, cut, withheld } = output;
    return {
      text,
      tokens: [],
      logprobs: this.#sure === true ? logprobs : [],
      finish,
      probability,
      ...(cut === undefined ? {} : { cut }),
      ...(withheld === undefined ? {} : { withheld }),
      server: { host: this.#options.address.host, model: known.model, sure: this.#sure === true },
      stats: { ...this.#stats(start), promptTokens, reusedTokens, generatedTokens: tokens, firstTokenMs },
    };
  }

  #nothing(start: number): Completion {
    return { text: '', tokens: [], logprobs: [], finish: 'cancelled', probability: 1, stats: this.#stats(start) };
  }

  #stats(start: number): Completion['stats'] {
    const none = { promptTokens: 0, reusedTokens: 0, generatedTokens: 0, draftedTokens: 0, acceptedTokens: 0, runs: 0 };
    return { ...none, firstTokenMs: 0, totalMs: performance.now() - start, device: this.#options.address.host };
  }
}

/**
 * The pieces of an answer, up to the one that ends it, or that goes beyond what was asked for: not every server knows how many tokens it
 * may write.
 * @throws ServerFault where none does, or one reports an error
 */
async function* pieces(
  answer: AsyncGenerator<Record<string, unknown>>,
  read: (message: Record<string, unknown>) => Piece,
  base: string,
  maxTokens: number,
): AsyncGenerator<Piece> {
  let first = true;
  let [tokens, empty] = [0, 0];
  for await (const message of answer) {
    const piece: Piece = message === DONE ? { text: '', tokens: 0, finish: 'eos' } : read(message);
    // TGI answers with success and then refuses.
    if (piece.error !== undefined) throw reported(base, piece.error, first);
    first = false;
    if (piece.text === '') empty++;
    else tokens += piece.tokens;
    if (piece.finish === undefined && (tokens > maxTokens || empty > maxTokens + MOST_EMPTY)) {
      yield { text: '', tokens: 0, finish: 'length' };
      return;
    }
    yield piece;
    if (piece.finish !== undefined) return;
  }
  throw cutOff(base);
}

/** A request's fields, and those of the objects in it, without some. */
function without(fields: Fields, names: ReadonlySet<string>): Fields {
  if (names.size === 0) return fields;
  const kept = Object.entries(fields).filter(([name]) => !names.has(name));
  return Object.fromEntries(
    kept.map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null && !Array.isArray(value) ? without(value as Fields, names) : value,
    ]),
  );
}

/** The pieces until the signal says that no more are wanted. */
async function* untilAborted(answer: AsyncGenerator<Piece>, signal: AbortSignal): AsyncGenerator<Piece> {
  try {
    yield* answer;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
