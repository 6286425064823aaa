// Offers the model to the editor's chat and to other extensions, where it was taught to chat: another would only go on with what is said to
// it.

import * as vscode from 'vscode';
import { t } from '../l10n';
import type { ModelInfo } from '../protocol';
import { drawn, textOf, turnsOf } from './chatMessages';
import type { Config } from './config';
import { EngineFailure, type EngineClient } from './engineClient';
import { modelOf } from './generate/answering';
import type {
  ChatModelInformation,
  ChatModelProvider,
  ChatModels,
  ChatRequestMessage,
  ChatResponseOptions,
} from './languageModels';

/** As in package.json. */
const VENDOR = 'glassbox';
/** Most tokens of an answer, however much the model holds: the rest is for the conversation. */
const MOST_ANSWER = 4096;

/** Registers the model with the editor; does nothing in a version that knows of no such models. */
export function offerChatModel(
  engine: EngineClient,
  config: () => Config,
  log: vscode.LogOutputChannel,
): vscode.Disposable {
  const models = vscode.lm as ChatModels;
  if (models.registerLanguageModelChatProvider === undefined) return { dispose: () => undefined };
  const provider = new ChatProvider(engine, config, log);
  try {
    return vscode.Disposable.from(provider, models.registerLanguageModelChatProvider(VENDOR, provider));
  } catch (error) {
    // Some versions have the function and keep it from extensions like this one.
    log.info(`The model is not offered to the chat: ${error instanceof Error ? error.message : String(error)}`);
    return provider;
  }
}

class ChatProvider implements ChatModelProvider, vscode.Disposable {
  readonly #engine: EngineClient;
  readonly #config: () => Config;
  readonly #log: vscode.LogOutputChannel;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeLanguageModelChatInformation = this.#changed.event;
  readonly #unlisten: () => void;
  /** What is offered. */
  #offered: ChatModelInformation | undefined;

  constructor(engine: EngineClient, config: () => Config, log: vscode.LogOutputChannel) {
    this.#engine = engine;
    this.#config = config;
    this.#log = log;
    this.#unlisten = engine.onChange(() => this.#look());
    this.#look();
  }

  provideLanguageModelChatInformation(): ChatModelInformation[] {
    return this.#offered === undefined ? [] : [this.#offered];
  }

  /** Streams an answer; resolves when it is complete or cancelled. @throws vscode.LanguageModelError where the model is gone; else an error with a sentence */
  async provideLanguageModelChatResponse(
    model: ChatModelInformation,
    messages: readonly ChatRequestMessage[],
    options: ChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelTextPart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const { generateSampling } = this.#config();
    const sampling = { ...generateSampling, seed: Math.floor(Math.random() * 2 ** 32) };
    const request = {
      messages: turnsOf(messages),
      ...drawn({ maxTokens: model.maxOutputTokens, sampling }, options),
    };
    const abort = new AbortController();
    if (token.isCancellationRequested) abort.abort();
    const listening = token.onCancellationRequested(() => abort.abort());
    try {
      await this.#needs(model, abort.signal);
      const { stats, finish } = await this.#engine.chat.answer(request, abort.signal, (text) =>
        progress.report(new vscode.LanguageModelTextPart(text)),
      );
      this.#log.info(
        `answered with ${stats.generatedTokens} tokens in ${stats.totalMs.toFixed(0)} ms (${finish}, ${stats.promptTokens} tokens of conversation, ${stats.reusedTokens} of them cached)`,
      );
    } catch (error) {
      throw this.#said(error);
    } finally {
      listening.dispose();
    }
  }

  async provideTokenCount(model: ChatModelInformation, text: string | ChatRequestMessage): Promise<number> {
    try {
      await this.#needs(model, new AbortController().signal);
      return await this.#engine.chat.count(typeof text === 'string' ? text : textOf(text));
    } catch (error) {
      throw this.#said(error);
    }
  }

  dispose(): void {
    this.#unlisten();
    this.#changed.dispose();
  }

  /** While an engine starts anew its model is still offered: a question waits for it. */
  #look(): void {
    const { state } = this.#engine;
    if (state.kind === 'loading') return;
    const offered = state.kind === 'ready' || state.kind === 'asleep' ? informationOf(state.info) : undefined;
    if (JSON.stringify(offered) === JSON.stringify(this.#offered)) return;
    this.#offered = offered;
    this.#changed.fire();
  }

  /** Waits until an engine that is starting has its model. @throws vscode.LanguageModelError where that is another one, or none */
  async #needs({ id, name }: ChatModelInformation, signal: AbortSignal): Promise<void> {
    await modelOf(this.#engine, signal);
    if (this.#offered?.id === id) return;
    const { state } = this.#engine;
    throw vscode.LanguageModelError.NotFound(
      state.kind === 'failed' ? state.reason : t('Glassbox runs another model than {0} now.', name),
    );
  }

  #said(error: unknown): Error {
    const message = error instanceof Error ? error.message : String(error);
    this.#log.error(`chat: ${message}`);
    if (error instanceof EngineFailure && (error.code === 'engine_down' || error.code === 'no_template'))
      return vscode.LanguageModelError.NotFound(message);
    return error instanceof Error ? error : new Error(message);
  }
}

/** What is said of a model; undefined where it cannot chat. */
function informationOf({ name, weights, contextLength, chat }: ModelInfo): ChatModelInformation | undefined {
  if (!chat) return undefined;
  const maxOutputTokens = Math.min(MOST_ANSWER, Math.floor(contextLength / 2));
  return {
    id: name,
    name,
    family: name,
    version: weights,
    detail: 'Glassbox',
    tooltip: t('{0} ({1}), run by Glassbox on this machine.', name, weights),
    maxInputTokens: contextLength - maxOutputTokens,
    maxOutputTokens,
    isUserSelectable: true,
    capabilities: {},
  };
}
