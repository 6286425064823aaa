// The messages between the driver and an engine's process: one JSON line a question, one a reply.

/** How an engine is to be started. */
export interface LoadOptions {
  /** The folder or file that this engine reads. */
  path: string;
  /** Where it is to run; the peers know the CPU only. */
  device: string;
  /** Threads to compute with; the engine's own choice where it is not given. */
  threads?: number;
  /** Longest sequence that will be asked for, in tokens. */
  contextLength: number;
  /** Kind of weights, as transformers.js names them. */
  dtype: string;
  /** llama.cpp's; its own choice where it is not given. */
  flashAttention?: boolean;
}

export type Question =
  | ({ op: 'load' } & LoadOptions)
  /** Empties the context. */
  | { op: 'forget' }
  /** Brings the context to `ids`, keeping what it shares with them, and writes `tokens` greedy tokens after them. */
  | { op: 'continue'; ids: number[]; tokens: number }
  | { op: 'memory' };

/** What an engine says of itself: versions, threads, device. */
export type Facts = Record<string, string | number | boolean>;

export interface Loaded {
  /** From the start of the process to a model that can run. */
  ms: number;
  facts: Facts;
}

export interface Continued {
  tokens: number[];
  /** Milliseconds to the first token, then from each to the next. */
  ms: number[];
}

/** Resident bytes of the engine's process. */
export interface Memory {
  resident: number;
  /** The most since the process began. */
  peak: number;
}
