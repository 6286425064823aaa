// Requests to one server: the only place that opens a connection to it. Every wait has an end, no redirection is followed, and the
// key goes to its own origin alone.

import type { Address } from './address';
import { cutOff, notUnderstood, refused, ServerFault, silent, unreachable } from './fault';
import { fieldsOf, type Fields } from './fields';
import { messages, type Framing } from './sse';

/** Longest waits, in milliseconds. */
export interface Patience {
  /** For what is known of a server. */
  probe: number;
  /** For the first part of an answer: a server may have to load the model. */
  first: number;
  /** For each further message. */
  next: number;
}

/** The message that says that an answer is complete, as OpenAI has it. */
export const DONE: Fields = {};

/** Larger answers to a question about the server itself are not read, in characters; nor are longer errors. */
const MAX_ANSWER = 4_000_000;

export class Transport {
  readonly address: Address;
  readonly #key: string | undefined;
  readonly #patience: Patience;

  constructor(address: Address, key: string | undefined, patience: Patience) {
    this.address = address;
    this.#key = key;
    this.#patience = patience;
  }

  /**
   * Asks for a JSON text.
   * @returns undefined where the server has nothing under that path
   * @throws ServerFault
   */
  async get(path: string, signal: AbortSignal): Promise<Fields | undefined> {
    return this.#within(signal, this.#patience.probe, async (own) => {
      const response = await this.#fetch(path, { method: 'GET', signal: own.signal });
      const text = await beginningOf(response);
      if ([404, 405, 501].includes(response.status)) return undefined;
      if (!response.ok) throw refused(this.address.base, path, response, text, '');
      try {
        return fieldsOf(JSON.parse(text));
      } catch {
        return undefined;
      }
    });
  }

  /**
   * Sends a request and yields the messages of its answer as they come. Whoever stops reading ends the request.
   * @throws ServerFault; the signal's reason where it is aborted
   */
  async *stream(
    path: string,
    body: Fields,
    framing: Framing,
    model: string,
    signal: AbortSignal,
  ): AsyncGenerator<Fields> {
    const { base } = this.address;
    const own = new AbortController();
    const abort = (): void => own.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const progress = { begun: false };
    let timer: NodeJS.Timeout | undefined;
    const wait = (ms = this.#patience.next): void => {
      clearTimeout(timer);
      timer = setTimeout(() => own.abort(silent(base, ms, progress.begun)), ms);
    };
    wait(this.#patience.first);
    try {
      const response = await this.#fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: own.signal,
      });
      if (!response.ok) throw refused(base, path, response, await beginningOf(response), model);
      if (response.body === null) throw notUnderstood(base, 'no body');
      const type = response.headers.get('content-type') ?? '';
      // A server that does not stream sends one JSON text.
      const found = framing === 'events' && type.includes('json') ? 'lines' : framing;
      for await (const message of messages(
        this.#bytes(response.body, () => (progress.begun = true)),
        found,
      )) {
        // What is no message, such as a comment that keeps the line open, is no part of an answer.
        wait();
        yield message === '[DONE]' ? DONE : parse(message, base);
        if (message === '[DONE]') return;
      }
    } catch (error) {
      if (own.signal.aborted) throw own.signal.reason;
      throw error instanceof ServerFault ? error : progress.begun ? cutOff(base) : unreachable(base, error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      own.abort();
    }
  }

  /** The parts of a body. */
  async *#bytes(body: ReadableStream<Uint8Array>, came: () => void): AsyncGenerator<Uint8Array> {
    for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) {
      came();
      yield bytes;
    }
  }

  async #within<T>(signal: AbortSignal, ms: number, work: (own: AbortController) => Promise<T>): Promise<T> {
    const own = new AbortController();
    const abort = (): void => own.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const timer = setTimeout(() => own.abort(silent(this.address.base, ms, false)), ms);
    try {
      return await work(own);
    } catch (error) {
      if (own.signal.aborted) throw own.signal.reason;
      throw error instanceof ServerFault ? error : unreachable(this.address.base, error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  #fetch(path: string, init: RequestInit): Promise<Response> {
    const key = this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` };
    const headers = { ...(init.headers as Record<string, string> | undefined), ...key };
    return fetch(this.address.base + path, { ...init, headers, redirect: 'manual' });
  }
}

/** An answer as text; of one that has no end, the beginning. */
async function beginningOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of (response.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > MAX_ANSWER) return text.slice(0, MAX_ANSWER); // the body is cancelled with the loop
  }
  return text + decoder.decode();
}

function parse(message: string, base: string): Fields {
  try {
    return fieldsOf(JSON.parse(message));
  } catch {
    throw notUnderstood(base, message.slice(0, 60));
  }
}
