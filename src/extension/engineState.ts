// What the engine is doing, as far as the extension knows, and how a request to it fails.

import type { Completion, EngineFault, FromEngine, LoadMessage, ModelInfo, TokenMessage } from '../protocol';

export type EngineState =
  | { kind: 'stopped' }
  | { kind: 'loading' }
  | { kind: 'ready'; info: ModelInfo }
  /** Nobody asked for long, and its memory was given back; the next request starts it again. */
  | { kind: 'asleep'; info: ModelInfo }
  /** Loading failed, or the process died too often; `reason` is for people. */
  | { kind: 'failed'; reason: string };

/** A request failed; the message is for people. */
export class EngineFailure extends Error {
  readonly code: string;

  constructor(fault: EngineFault) {
    super(fault.message);
    this.name = 'EngineFailure';
    this.code = fault.code;
  }
}

/** What an engine client is given. */
export interface EngineClientOptions {
  /** Path of the engine's bundle. */
  enginePath: string;
  log: (line: string) => void;
  /** Told of each completion that ran to its end. */
  onCompletion?: (completion: Completion) => void;
  /** Port for a debugger to attach to the engine. */
  inspectPort?: number;
}

/** A completion, and the name under which more can be asked about it. */
export type Answer = Completion & { id: number };

export type LoadOptions = Omit<LoadMessage, 'type'>;

/** Somebody who waits for a reply of the engine. */
export interface Pending {
  onToken?: (token: TokenMessage) => void;
  resolve: (message: FromEngine) => void;
  reject: (error: EngineFailure) => void;
}
