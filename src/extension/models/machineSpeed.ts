// How fast this machine is for any model: measured once, in a process of its own, and remembered, so that the list of models can say what
// each would take here.

import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { MachineFacts } from '../../catalog/fit';
import type { MachineSpeed as Speeds, SpeedJob } from '../../jobProtocol';
import { limits } from '../../machine/containers';
import { runJob } from './job';
import type { ModelsParts } from './models';

const KEY = 'machine.speed';

/** What was measured, and on what: another processor is measured anew. */
interface Remembered {
  processor: string;
  bytesPerSecond: number;
}

export class MachineSpeed {
  readonly #parts: ModelsParts;
  #abort = new AbortController();

  constructor(parts: ModelsParts) {
    this.#parts = parts;
  }

  /** What is known now. */
  get facts(): MachineFacts {
    return {
      memoryBytes: Math.min(totalmem(), limits().memory ?? Infinity),
      bytesPerSecond: this.#remembered?.bytesPerSecond,
    };
  }

  /** Whether the machine has been measured. */
  get known(): boolean {
    return this.#remembered !== undefined;
  }

  /** Measures the machine. Where that fails, the log says why. */
  async measure(): Promise<void> {
    this.#abort = new AbortController();
    const { extensionPath, memory, strings, log } = this.#parts;
    const job: SpeedJob = { type: 'speed' };
    try {
      const { bytesPerSecond } = await runJob<Speeds>(join(extensionPath, 'dist', 'engine.js'), job, {
        signal: this.#abort.signal,
        strings,
        log: (line) => log.info(line),
      });
      log.info(`this machine reads ${(bytesPerSecond / 1e9).toFixed(1)} GB a second from memory`);
      await memory.update(KEY, { processor: processor(), bytesPerSecond } satisfies Remembered);
    } catch (error) {
      // The list is of use without it.
      if (!this.#abort.signal.aborted) log.warn(`the machine's speed was not measured: ${String(error)}`);
    }
  }

  /** Nobody waits for it any more. */
  stop(): void {
    this.#abort.abort();
  }

  get #remembered(): Remembered | undefined {
    const known = this.#parts.memory.get<Remembered>(KEY);
    return known?.processor === processor() && known.bytesPerSecond > 0 ? known : undefined;
  }
}

function processor(): string {
  return `${cpus().length} × ${cpus()[0]?.model ?? ''}`;
}
