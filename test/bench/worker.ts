// The driver's side of the line: one engine's process.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Continued, LoadOptions, Loaded, Memory, Question } from './protocol';

/** An engine in a process of its own, which lives until `end`. */
export class Worker {
  readonly name: string;
  readonly #start: () => ChildProcess;
  #process: ChildProcess | undefined;
  #lines: AsyncIterator<string> | undefined;

  /**
   * @param file the engine's bundle
   * @param env its environment
   */
  constructor(name: string, file: string, cwd: string, env: NodeJS.ProcessEnv = process.env) {
    this.name = name;
    this.#start = () => spawn(process.execPath, [file], { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** Starts the process and loads the model. */
  load(options: LoadOptions): Promise<Loaded> {
    this.#process = this.#start();
    this.#lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    return this.#ask({ op: 'load', ...options });
  }

  async forget(): Promise<void> {
    await this.#ask({ op: 'forget' });
  }

  continue(ids: number[], tokens: number): Promise<Continued> {
    return this.#ask({ op: 'continue', ids, tokens });
  }

  memory(): Promise<Memory> {
    return this.#ask({ op: 'memory' });
  }

  async end(): Promise<void> {
    if (this.#process?.exitCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.stdin?.end();
    await exit;
  }

  /** @throws Error where the process is not there or has died; its reason stands on standard error */
  async #ask<Reply>(question: Question): Promise<Reply> {
    if (this.#process === undefined || this.#lines === undefined) throw new Error(`${this.name} is not loaded.`);
    this.#process.stdin?.write(`${JSON.stringify(question)}\n`);
    for (;;) {
      const line = await this.#lines.next();
      if (line.done === true) throw new Error(`The process of ${this.name} ended at "${question.op}".`);
      // Native libraries print what they like; only an object is a reply.
      if (line.value.startsWith('{')) return JSON.parse(line.value) as Reply;
    }
  }
}
