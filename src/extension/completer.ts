// Who completes: the model on this machine, or a server that takes its place. What asks for text knows no more than this.

import type { Completion, CompletionRequest } from '../protocol';
import type { EngineState } from './engineState';

/** A text that has just become certain. */
export interface Told {
  text: string;
  /** The engine's name for the completion; a server's text has none, because it cannot be looked into. */
  id: number | undefined;
}

export interface Completer {
  /** 'server': a server is asked, whatever the engine does. */
  readonly state: EngineState | { kind: 'server' };
  /** True while a completion runs. */
  readonly generating: boolean;
  /** True while a text is being written into a document; a suggestion asked for now would end it. */
  readonly writing: boolean;
  /** Completes a request. @throws an error whose message is for people */
  complete(
    request: CompletionRequest,
    signal: AbortSignal,
    onText: (told: Told) => void,
  ): Promise<Completion & { id?: number }>;
  /** Has a request that is likely to come computed, or completed, in the background; undefined where that is not done. */
  warm(request: CompletionRequest, signal: AbortSignal): Promise<Completion | undefined>;
  ahead(request: CompletionRequest, signal: AbortSignal): Promise<(Completion & { id: number }) | undefined>;
  /** Other texts at the place of the engine's last completion. */
  alternatives(of: number, count: number): Promise<Completion[]>;
}
