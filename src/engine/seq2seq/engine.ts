// The engine of an encoder–decoder model: text in, text out. It knows neither suggestions nor what a decoder's engine can show of itself.

import { t } from '../../l10n';
import type { BeamRequest, BeamText, Completion, CompletionRequest, ModelInfo } from '../../protocol';
import { beamSearch } from '../decoding/beamSearch';
import type { CompleteOptions, EngineOptions } from '../engine';
import { EngineError, otherVocabulary } from '../errors';
import { noteOn } from '../model';
import { readModelFolder } from '../modelFolder';
import { TextStream } from '../textStream';
import { Tokenizer } from '../tokenizer';
import { nothing, write } from '../writing';
import { Seq2Seq, type Seq2SeqFolder, type Source, type SourceCache } from './runner';
import { readingOf, type Reading } from './source';

/** Where an explicit device is not given. */
const AUTO = 'cpu';

export class Seq2SeqEngine {
  readonly #model: Seq2Seq;
  readonly #tokenizer: Tokenizer;
  readonly info: ModelInfo;
  /** What was read last: another try need not read it again. */
  #source: Source | undefined;
  /** Settles when the request before has ended. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(model: Seq2Seq, tokenizer: Tokenizer, start: number) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    const { name, dir, weights, config } = model.folder;
    this.info = {
      name,
      dir,
      weights,
      device: model.device,
      ...(model.deviceNote === undefined ? {} : { deviceNote: model.deviceNote }),
      graph: 'as it is: encoder and decoder',
      ...config,
      fillInTheMiddle: false,
      chat: false,
      kind: 'encoder-decoder',
      loadMs: performance.now() - start,
    };
  }

  /** @throws EngineError naming the file that is missing or damaged */
  static async load(options: EngineOptions): Promise<Seq2SeqEngine> {
    const { modelDir, weights, threads = 0 } = options;
    const start = performance.now();
    const folder = readModelFolder(modelDir, weights) as Seq2SeqFolder;
    const tokenizer = new Tokenizer(folder);
    const device = options.device === 'auto' ? AUTO : options.device;
    await options.onOpening?.(device);
    const model = await Seq2Seq.open(folder, device, threads === 0 ? {} : { threads }, (reason) =>
      noteOn(device, 'unusable', reason),
    );
    try {
      await checkWidth(model);
    } catch (error) {
      await model.dispose();
      throw error;
    }
    return new Seq2SeqEngine(model, tokenizer, start);
  }

  /**
   * Writes a text about what a request gives to read (source.ts); the rules for where a suggestion ends do not apply.
   * @throws EngineError `bad_request`, `prompt_too_long`, `model_unsupported`, `inference_failed`, `nan_logits`
   */
  complete(request: CompletionRequest, { signal, onToken }: CompleteOptions): Promise<Completion> {
    return this.#inTurn(async () => {
      const start = performance.now();
      if (signal.aborted) return nothing(this.info.device);
      const { cache, reading, reused } = await this.#read(request);
      const maxTokens = Math.min(request.maxTokens, this.info.contextLength - 1);
      const ids = [this.#model.folder.seq2seq.startId];
      const { completion } = await write(
        { model: this.#model, tokenizer: this.#tokenizer },
        {
          request: { ...request, prefix: '', suffix: '', raw: true, endless: false, maxTokens },
          prompt: { ids, parts: [{ ids: ids.length }] },
          cache,
          copying: undefined,
          drafts: undefined,
          ends: new Set([...this.#tokenizer.eosIds, ...reading.ends]),
          start,
          signal,
          ...(onToken === undefined ? {} : { onToken }),
        },
      );
      const promptTokens = reading.ids.length;
      return {
        ...completion,
        stats: { ...completion.stats, promptTokens, reusedTokens: reused ? promptTokens : 0 },
      };
    });
  }

  /** The best texts about a text, by beam search; undefined when it was cancelled. */
  beams(request: BeamRequest, signal: AbortSignal): Promise<BeamText[] | undefined> {
    return this.#inTurn(async () => {
      const { prefix, nBest, beams } = request;
      if (nBest > beams)
        throw new EngineError(
          'bad_request',
          t('{0} beams find no more than as many texts: ask for {1} beams.', beams, nBest),
        );
      const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
      const { cache } = await this.#read({ prefix, suffix: '', maxTokens: request.maxTokens, sampling, raw: true });
      const prompt = [this.#model.folder.seq2seq.startId];
      const maxTokens = Math.min(request.maxTokens, this.info.contextLength - 1);
      const eosIds = this.#tokenizer.eosIds;
      const found = await beamSearch(this.#model, cache, { ...request, maxTokens, prompt, eosIds, signal });
      return found?.map(({ ids, logprobs, score, finish }) => {
        const stream = new TextStream((some) => this.#tokenizer.decode(some), prompt);
        const text = ids.map((id) => stream.push(id)).join('') + stream.end();
        return { text, tokens: ids, logprobs, score, finish };
      });
    });
  }

  async dispose(): Promise<void> {
    await this.#turn;
    await this.#model.dispose();
  }

  async #read(request: CompletionRequest): Promise<{ cache: SourceCache; reading: Reading; reused: boolean }> {
    const reading = readingOf(this.#tokenizer, request, this.info.contextLength);
    const known = this.#source;
    const reused = known !== undefined && known.ids.join() === reading.ids.join();
    const source = reused ? known : await this.#model.read(reading.ids);
    this.#source = source;
    return { cache: this.#model.newCache(source), reading, reused };
  }

  /** Runs `work` when everything asked for before has ended. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** Runs one token: what the graphs say of their shapes need not be what they compute. @throws EngineError `model_damaged` */
async function checkWidth(model: Seq2Seq): Promise<void> {
  const { folder } = model;
  const cache = model.newCache(await model.read([0]));
  const { length } = await model.forward([folder.seq2seq.startId], cache);
  if (length !== folder.config.vocab) throw otherVocabulary('weights', folder.weightsPath, length, folder);
}
