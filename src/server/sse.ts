// A body that arrives in pieces → the messages in it: server-sent events, or one JSON text a line. Pieces may end anywhere, also within
// a character.

/** No message is longer, in characters: what goes on without end is not kept. */
const MAX_MESSAGE = 4_000_000;

/** How messages are set apart: events of `text/event-stream` (WHATWG HTML, 9.2), or lines (NDJSON). */
export type Framing = 'events' | 'lines';

/** Yields the data of each message, until the body ends. A message that is not closed at the end is yielded all the same. @throws RangeError for one without end */
export async function* messages(body: AsyncIterable<Uint8Array>, framing: Framing): AsyncGenerator<string> {
  const splitter = new Splitter(framing);
  const decoder = new TextDecoder();
  for await (const bytes of body) yield* splitter.push(decoder.decode(bytes, { stream: true }));
  yield* splitter.push(decoder.decode());
  yield* splitter.end();
}

/** The lines of a growing text, gathered to messages. */
class Splitter {
  readonly #framing: Framing;
  /** The line that is not over yet. */
  #line = '';
  /** Data of the event that is not over yet. */
  #data: string[] = [];

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  *push(text: string): Generator<string> {
    this.#line += text;
    for (;;) {
      const end = /\r\n|\n|\r(?!$)/.exec(this.#line); // a carriage return at the end may be half of a line end
      if (end === null) break;
      const line = this.#line.slice(0, end.index);
      this.#line = this.#line.slice(end.index + end[0].length);
      yield* this.#take(line);
    }
    const length = this.#data.reduce((sum, part) => sum + part.length, this.#line.length);
    if (length > MAX_MESSAGE) throw new RangeError('a message without end');
  }

  *end(): Generator<string> {
    const line = this.#line.replace(/\r$/, '');
    this.#line = '';
    yield* this.#take(line);
    if (this.#framing === 'events') yield* this.#take('');
  }

  *#take(line: string): Generator<string> {
    if (this.#framing === 'lines') {
      if (line.trim() !== '') yield line;
      return;
    }
    if (line === '') {
      if (this.#data.length > 0) yield this.#data.join('\n');
      this.#data = [];
      return;
    }
    // `error` is no field of the standard: llama.cpp of 2024 sent one.
    const [, field, value = ''] = /^(data|error)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'data') this.#data.push(value);
    if (field === 'error') this.#data.push(`{"error":${value}}`);
  }
}
