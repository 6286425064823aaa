// The code in an answer of a chat model, as it streams: what stands between the answer's fences, or all of it where it has none. Pure.

/** A line that opens a fence: its marks, and the language after them. */
const OPENING = /^[ \t]*(`{3,}|~{3,})[ \t]*([^\s`]*)[^`\n]*$/;
/** What is thought before the answer, by models that cannot do without. */
const [THOUGHT, THOUGHT_END] = ['<think>', '</think>'];
/** Words before a fence are a sentence or two; when so much has come without one, the text is what was asked for. */
const MOST_LINES_BEFORE = 3;
const MOST_CHARACTERS_BEFORE = 240;
/** Languages of text that may hold fences itself. */
const OF_TEXT = new Set(['', 'markdown', 'md', 'text', 'txt', 'plaintext']);

/**
 * Takes an answer in pieces and gives its code. A fence may be cut between pieces anywhere. Text directly before the first fence, and all
 * that follows it, is left out. Nothing that was given is taken back.
 */
export class Unfencing {
  readonly #prose: boolean;
  #state: 'before' | 'inside' | 'plain' | 'over' = 'before';
  /** Text that is not decided about yet. */
  #held = '';
  /** The marks that opened the fence. */
  #marks = '';
  /** Fences that were opened in the code. */
  #inner = 0;
  /** A line of code has begun, so that the next one is preceded by a line break. */
  #begun = false;
  /** The line that `#held` goes on with has been given in part. */
  #midLine = false;

  /** @param prose true: a text in words is wanted, which may hold fences: only one around all of it is taken away */
  constructor(prose: boolean) {
    this.#prose = prose;
  }

  /** True when the code is over, whatever else comes. */
  get over(): boolean {
    return this.#state === 'over';
  }

  /** Takes a piece of the answer. @returns the code that became certain */
  push(piece: string): string {
    if (this.#state === 'over') return '';
    this.#held += piece;
    return this.#release(false);
  }

  /** No more will come. @returns the code that was still undecided */
  end(): string {
    const rest = this.#release(true);
    this.#state = 'over';
    return rest;
  }

  #release(ended: boolean): string {
    if (this.#state === 'before') this.#decide(ended);
    if (this.#state === 'plain') return this.#take(this.#held.length);
    return this.#state === 'inside' ? this.#inside(ended) : '';
  }

  /** Looks for the fence, as far as there are whole lines. */
  #decide(ended: boolean): void {
    const start = this.#held.trimStart();
    if (!ended && THOUGHT.startsWith(start.slice(0, THOUGHT.length)) && start.length < THOUGHT.length) return;
    if (start.startsWith(THOUGHT)) {
      const end = start.indexOf(THOUGHT_END);
      if (end < 0) {
        if (ended) this.#held = '';
        return;
      }
      this.#held = start.slice(end + THOUGHT_END.length).trimStart();
      return this.#decide(ended);
    }
    const lines = this.#held.split('\n');
    const whole = ended ? lines.length : lines.length - 1;
    let [words, characters] = [0, 0];
    for (let i = 0; i < whole; i++) {
      const line = lines[i] as string;
      const [, marks, language = ''] = OPENING.exec(line.replace(/\r$/, '')) ?? [];
      if (marks !== undefined) {
        // Around a text in words there is a fence of no programming language, and nothing before it.
        if (this.#prose && (words > 0 || !OF_TEXT.has(language.toLowerCase()))) return this.#asItIs();
        this.#state = 'inside';
        this.#marks = marks;
        this.#held = lines.slice(i + 1).join('\n');
        return;
      }
      if (line.trim() !== '') words++;
      characters += line.trim().length;
      if (words >= (this.#prose ? 1 : MOST_LINES_BEFORE) || characters >= MOST_CHARACTERS_BEFORE) return this.#asItIs();
    }
    const open = lines[whole]?.trim() ?? '';
    const mayOpen = open === '' || open.startsWith('`') || open.startsWith('~');
    const enough = this.#prose || characters + open.length >= MOST_CHARACTERS_BEFORE;
    if (ended || (enough && !mayOpen)) this.#asItIs();
  }

  #asItIs(): void {
    this.#state = 'plain';
  }

  /** Gives lines of code as far as they cannot be the closing fence. */
  #inside(ended: boolean): string {
    let code = '';
    for (;;) {
      const end = this.#held.indexOf('\n');
      const line = end < 0 ? this.#held : this.#held.slice(0, end);
      if (!this.#midLine && (end >= 0 || ended) && this.#closes(line)) {
        this.#state = 'over';
        return code;
      }
      if (end < 0) {
        const undecided = !this.#midLine && !ended && this.#mayFence(line);
        if (undecided) return code;
        if (line !== '' && !this.#midLine) code += this.#lineBreak();
        this.#midLine ||= line !== '';
        code += this.#take(line.length);
        return code;
      }
      if (!this.#midLine) code += this.#lineBreak();
      code += this.#take(line.length);
      this.#held = this.#held.slice(1);
      this.#midLine = false;
    }
  }

  /** Whether a line is the closing fence; fences in the code, which begin with a language, are passed over. */
  #closes(line: string): boolean {
    const marks = line.trim();
    const [, inner = '', language = ''] = OPENING.exec(marks) ?? [];
    if (inner[0] !== this.#marks[0] || inner.length < this.#marks.length) return false;
    if (language !== '') this.#inner++;
    else if (marks === inner) return this.#inner-- === 0;
    return false;
  }

  /** Whether what is there of a line could still become a fence. */
  #mayFence(line: string): boolean {
    const marks = line.trimStart();
    return marks.startsWith(this.#marks) || this.#marks.startsWith(marks.trimEnd());
  }

  #lineBreak(): string {
    const between = this.#begun ? '\n' : '';
    this.#begun = true;
    return between;
  }

  #take(characters: number): string {
    const text = this.#held.slice(0, characters);
    this.#held = this.#held.slice(characters);
    return text;
  }
}
