// The processes in which models are measured: at most as many at once as memory has room for. Seen from the job that started them.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { t } from '../../l10n';
import type { ProbedMessage, ProbeOpenMessage, ProbeTurnMessage, Turn } from '../../jobProtocol';

/** A model that takes longer to open, in milliseconds, or to be measured once, is of no use on that device. */
const OPEN_MS = 180_000;
const TURN_MS = 60_000;

/** What is measured: a device and its threads. */
export interface Setup {
  device: string;
  threads: number;
}

export interface ProbesOptions {
  /** The engine's bundle. */
  enginePath: string;
  model: Omit<ProbeOpenMessage, 'type' | 'device' | 'threads'>;
  /** Most processes at once, at least 1. */
  most: number;
  /** Ends all of them. */
  signal: AbortSignal;
  /** In place of `OPEN_MS` and `TURN_MS`. */
  limitMs?: number;
}

/** One process for each setup, ended and started anew where there are too many. */
export class Probes {
  readonly #options: ProbesOptions;
  /** The one that was asked longest ago comes first. */
  readonly #running = new Map<Setup, ChildProcess>();

  constructor(options: ProbesOptions) {
    this.#options = options;
  }

  /** Opens the model. @throws Error saying why it cannot be used so; the signal's reason where that ended it */
  async open(setup: Setup): Promise<NonNullable<ProbedMessage['opened']>> {
    const { enginePath, model, most, limitMs = OPEN_MS } = this.#options;
    await this.close(setup);
    for (const [other] of [...this.#running].slice(0, Math.max(0, this.#running.size + 1 - most)))
      await this.close(other);
    // Its output would be that of drivers, and goes nowhere.
    const child = fork(enginePath, [], { stdio: 'ignore', serialization: 'advanced', execArgv: [] });
    child.on('error', () => undefined); // whoever waits for it hears of it
    this.#running.set(setup, child);
    const { opened } = await this.#ask(setup, child, { type: 'probeOpen', ...model, ...setup }, limitMs);
    return opened as NonNullable<typeof opened>;
  }

  /** Measures once. @throws as `open` */
  async turn(setup: Setup, prompt: number, written: number): Promise<Turn> {
    const { limitMs = TURN_MS } = this.#options;
    if (!this.#running.has(setup)) await this.open(setup);
    const child = this.#running.get(setup) as ChildProcess;
    this.#running.delete(setup);
    this.#running.set(setup, child);
    const { turn } = await this.#ask(setup, child, { type: 'probeTurn', prompt, written }, limitMs);
    return turn as Turn;
  }

  /** Ends the process of one setup, or of all, and waits for that. */
  async close(only?: Setup): Promise<void> {
    const ending = [...this.#running].filter(([setup]) => only === undefined || setup === only);
    await Promise.all(
      ending.map(async ([setup, child]) => {
        this.#running.delete(setup);
        if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }

  async #ask(
    setup: Setup,
    child: ChildProcess,
    message: ProbeOpenMessage | ProbeTurnMessage,
    limitMs: number,
  ): Promise<ProbedMessage> {
    const { signal } = this.#options;
    const settled = new AbortController();
    const until = { signal: AbortSignal.any([signal, settled.signal]) };
    const failing = async (): Promise<never> => {
      const [code, how] = (await once(child, 'exit', until)) as [number | null, string | null];
      throw new Error(t('its process ended with {0}', how ?? t('exit code {0}', String(code))));
    };
    const late = async (): Promise<never> => {
      await setTimeout(limitMs, undefined, until);
      throw new Error(t('no answer within {0} s', limitMs / 1000));
    };
    try {
      signal.throwIfAborted();
      const answer = Promise.race([once(child, 'message', until), failing(), late()]); // an error of the process is one, too
      if (child.connected) child.send(message, () => undefined); // what cannot be sent is not answered, for the process is gone
      const [reply] = (await answer) as [ProbedMessage];
      if (reply.failure !== undefined) throw new Error(reply.failure);
      return reply;
    } catch (error) {
      await this.close(setup);
      throw signal.aborted ? signal.reason : error;
    } finally {
      settled.abort();
    }
  }
}
