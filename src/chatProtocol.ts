// Messages about conversations between the extension host and the engine process. Types only.

import type { Sampling } from './protocol';

/** One message of a conversation. */
export interface ChatTurn {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** A conversation to be answered. */
export interface ChatRequest {
  messages: ChatTurn[];
  /** Most tokens of the answer; at most half of what the model holds. */
  maxTokens: number;
  sampling: Sampling;
}

/**
 * Answer a conversation. It waits for whatever runs, and nothing that comes later cancels it. Answered by `token`s and then one `done` or
 * `error`.
 */
export interface ChatMessage extends ChatRequest {
  type: 'chat';
  id: number;
}

/** How many tokens a text has, or a conversation with its frame; answered at once, by `counted` or `error`. */
export interface CountMessage {
  type: 'count';
  id: number;
  of: string | ChatTurn[];
}

export interface CountedMessage {
  type: 'counted';
  id: number;
  tokens: number;
}
