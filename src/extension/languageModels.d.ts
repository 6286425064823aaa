// The editor's interface for who provides language models to its chat and to other extensions. It is final in VS Code 1.104 and later, and
// not in the types of the oldest version that Glassbox runs in.

import type * as vscode from 'vscode';

/** What the editor is told of a model. */
export interface ChatModelInformation {
  /** Names it among the vendor's. */
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly version: string;
  readonly tooltip?: string;
  readonly detail?: string;
  /** In tokens. */
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  /** Version 1.120 has only those in its picker that say so; others need not be told. */
  readonly isUserSelectable: boolean;
  readonly capabilities: { readonly imageInput?: boolean; readonly toolCalling?: boolean | number };
}

/** One message of a conversation; the content is in parts of several classes. */
export interface ChatRequestMessage {
  readonly role: number;
  readonly content: readonly unknown[];
  readonly name: string | undefined;
}

export interface ChatResponseOptions {
  readonly modelOptions?: Readonly<Record<string, unknown>>;
}

export interface ChatModelProvider {
  readonly onDidChangeLanguageModelChatInformation: vscode.Event<void>;
  provideLanguageModelChatInformation(
    options: { readonly silent: boolean },
    token: vscode.CancellationToken,
  ): ChatModelInformation[];
  provideLanguageModelChatResponse(
    model: ChatModelInformation,
    messages: readonly ChatRequestMessage[],
    options: ChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelTextPart>,
    token: vscode.CancellationToken,
  ): Promise<void>;
  provideTokenCount(
    model: ChatModelInformation,
    text: string | ChatRequestMessage,
    token: vscode.CancellationToken,
  ): Promise<number>;
}

/** What `vscode.lm` has besides, where it is new enough. */
export interface ChatModels {
  registerLanguageModelChatProvider?(vendor: string, provider: ChatModelProvider): vscode.Disposable;
}
