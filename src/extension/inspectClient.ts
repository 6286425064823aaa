// The questions about the inside of completions, on their way to the engine. Imports no `vscode`, like engineClient.ts, of which it is a part.

import type {
  Answer,
  GrewMessage,
  InspectMessage,
  KeepMessage,
  Question,
  SequenceName,
  WatchMessage,
} from '../inspectionProtocol';
import type { FromEngine } from '../protocol';

export class InspectClient {
  readonly #nextId: () => number;
  readonly #ask: (message: InspectMessage) => Promise<FromEngine>;
  readonly #send: (message: WatchMessage | KeepMessage) => void;
  readonly #listeners = new Set<(grew: GrewMessage) => void>();
  #watching = false;
  #kept = '';

  /**
   * @param nextId names a request
   * @param ask sends a question and waits for its answer; rejects with an EngineFailure
   * @param send sends a message if the engine runs
   */
  constructor(
    nextId: () => number,
    ask: (message: InspectMessage) => Promise<FromEngine>,
    send: (message: WatchMessage | KeepMessage) => void,
  ) {
    this.#nextId = nextId;
    this.#ask = ask;
    this.#send = send;
  }

  /** Asks about a sequence. @throws EngineFailure when the engine does not know it, cannot tell, is down, or dies on the way */
  async inspect(sequence: SequenceName, question: Question): Promise<Answer> {
    const reply = await this.#ask({ type: 'inspect', id: this.#nextId(), sequence, question });
    if (reply.type !== 'inspected') throw new Error(`unexpected reply ${reply.type}`);
    return reply.answer;
  }

  /** Somebody looks: the engine follows what it writes, after a restart, too; or nobody does any more. */
  watch(on: boolean): void {
    if (this.#watching === on) return;
    this.#watching = on;
    this.#send({ type: 'watch', on });
  }

  /** These completions have been shown: the engine keeps them, whatever else it writes. They are forgotten when it ends. */
  keep(sequences: number[]): void {
    const kept = sequences.join();
    if (this.#kept === kept) return;
    this.#kept = kept;
    this.#send({ type: 'keep', sequences });
  }

  /** Calls `listener` when the sequence that is being written has grown or ended, until the returned function is called. */
  onDidGrow(listener: (grew: GrewMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The engine has started: it is told whether somebody looks. */
  started(): void {
    if (this.#watching) this.#send({ type: 'watch', on: true });
  }

  /** A message of the engine. */
  grew(message: GrewMessage): void {
    for (const listener of this.#listeners) listener(message);
  }
}
