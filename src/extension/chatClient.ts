// Conversations on their way to the engine. Imports no `vscode`, like engineClient.ts, of which it is a part.

import type { ChatMessage, ChatRequest, ChatTurn, CountMessage } from '../chatProtocol';
import type { CancelMessage, Completion, FromEngine, TokenMessage } from '../protocol';

/** What the engine client lends. */
export interface ChatLine {
  /** Names a request. */
  nextId: () => number;
  /** Sends a question and waits for its answer; rejects with an EngineFailure. */
  ask: (message: ChatMessage | CountMessage, onToken?: (token: TokenMessage) => void) => Promise<FromEngine>;
  /** Sends a message if the engine runs. */
  send: (message: CancelMessage) => void;
  /** Told how many more answers are being written; meanwhile no suggestion is asked for. */
  writes: (more: number) => void;
  /** Told of each answer that was written to its end. */
  onCompletion: (completion: Completion) => void;
}

export class ChatClient {
  readonly #line: ChatLine;

  constructor(line: ChatLine) {
    this.#line = line;
  }

  /**
   * Has a conversation answered. Several are answered in turn; nothing that is asked later cancels an answer.
   * @returns its finish is `cancelled` where the signal ended it
   * @throws EngineFailure when the engine reports an error, is down, or dies on the way
   */
  async answer(request: ChatRequest, signal: AbortSignal, onText: (text: string) => void): Promise<Completion> {
    const { nextId, ask, send, writes, onCompletion } = this.#line;
    const id = nextId();
    const cancel = (): void => send({ type: 'cancel', id });
    signal.addEventListener('abort', cancel, { once: true });
    writes(1);
    try {
      let streamed = 0;
      const asked = ask({ type: 'chat', id, ...request }, ({ text }) => {
        streamed += text.length;
        if (text !== '' && !signal.aborted) onText(text);
      });
      if (signal.aborted) cancel();
      const reply = await asked;
      if (reply.type !== 'done') throw new Error(`unexpected reply ${reply.type}`);
      const { completion } = reply;
      if (completion.finish === 'cancelled') return completion;
      if (completion.text.length > streamed) onText(completion.text.slice(streamed));
      onCompletion(completion);
      return completion;
    } finally {
      signal.removeEventListener('abort', cancel);
      writes(-1);
    }
  }

  /** How many tokens a text has, or a conversation with its frame. @throws EngineFailure */
  async count(of: string | ChatTurn[]): Promise<number> {
    const reply = await this.#line.ask({ type: 'count', id: this.#line.nextId(), of });
    if (reply.type !== 'counted') throw new Error(`unexpected reply ${reply.type}`);
    return reply.tokens;
  }
}
