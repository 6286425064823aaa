// Answers conversations with one model. Knows the model, its tokenizer and its folder's template; a cache is lent to it.

import type { ChatRequest, ChatTurn } from '../../chatProtocol';
import { t } from '../../l10n';
import type { Completion } from '../../protocol';
import { EngineError } from '../errors';
import type { KvCache } from '../kvCache';
import type { Model } from '../model';
import type { Sampled } from '../sampler';
import type { Speculation } from '../speculation';
import type { Tokenizer } from '../tokenizer';
import { nothing, write } from '../writing';
import { ChatFrame } from './frame';
import { taughtToChat } from './taught';
import { readTemplate } from './templateFile';

/** What an answer is written with. */
export interface ChatTask {
  /** Lends the cache that shares most with a prompt. */
  cacheFor: (prompt: readonly number[]) => KvCache;
  /** Undefined: nothing is guessed. */
  speculation: Speculation | undefined;
  signal: AbortSignal;
  /** Told of each token, with the text that is now certain. */
  onToken?: (token: Sampled, text: string) => void;
}

export class Chat {
  readonly #model: Model;
  readonly #tokenizer: Tokenizer;
  /** Undefined: the folder has no template. An error: it has one that cannot be used. */
  readonly #frame: ChatFrame | Error | undefined;

  constructor(model: Model, tokenizer: Tokenizer) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    const { dir, tokenizerConfig } = model.folder;
    try {
      const file = readTemplate(dir, tokenizerConfig);
      this.#frame = file && new ChatFrame(tokenizer, file, tokenizerConfig);
    } catch (error) {
      this.#frame = error as Error; // a model whose template is damaged still completes
    }
  }

  /** Whether the model was taught to chat, as far as its folder tells; a template that is damaged counts, and says so when it is used. */
  get taught(): boolean {
    if (this.#frame === undefined || this.#frame instanceof Error) return this.#frame !== undefined;
    const { name, config } = this.#model.folder;
    return taughtToChat(name, this.#frame.endOfTurn, new Set(config.eosIds));
  }

  /**
   * Writes the assistant's answer to a conversation. It ends at the end of its turn, or at `maxTokens`, of which there are at most half of
   * what the model holds. Of a long conversation the oldest turns are left out (`ChatFrame.fit`). A conversation that goes on where an
   * earlier one ended finds that one's tokens in the cache.
   * @throws EngineError `no_template`, `template_damaged`, `template_refuses`, `prompt_too_long`, `inference_failed`, `nan_logits`
   */
  async answer({ messages, maxTokens: asked, sampling }: ChatRequest, task: ChatTask): Promise<Completion> {
    const start = performance.now();
    const { signal, speculation, onToken } = task;
    if (signal.aborted) return nothing(this.#model.device);
    const frame = this.#need();
    const { contextLength } = this.#model.folder.config;
    const maxTokens = Math.min(asked, Math.floor(contextLength / 2));
    const ids = frame.fit(messages, contextLength - maxTokens);
    const drafts = speculation?.drafts(ids, undefined);
    const written = await write(
      { model: this.#model, tokenizer: this.#tokenizer },
      {
        request: { prefix: '', suffix: '', maxTokens, sampling, raw: true },
        prompt: { ids, parts: [{ ids: ids.length }] },
        cache: task.cacheFor(ids),
        copying: undefined,
        drafts,
        start,
        signal,
        ends: frame.ends,
        ...(onToken === undefined ? {} : { onToken }),
      },
    );
    if (drafts !== undefined) speculation?.remember(drafts);
    return written.completion;
  }

  /** How many tokens a text has, or a conversation with its frame. @throws EngineError as `answer`, for a conversation */
  count(of: string | readonly ChatTurn[]): number {
    return typeof of === 'string' ? this.#tokenizer.encodeText(of).length : this.#need().encode(of).length;
  }

  #need(): ChatFrame {
    if (this.#frame instanceof Error) throw this.#frame;
    if (this.#frame !== undefined) return this.#frame;
    throw new EngineError(
      'no_template',
      t(
        'The model folder {0} has no chat template (chat_template.jinja, or "chat_template" in tokenizer_config.json). Choose the folder of a model that was taught to chat.',
        this.#model.folder.dir,
      ),
    );
  }
}
