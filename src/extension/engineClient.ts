// Starts, watches and restarts the engine process, and speaks the protocol with it. Imports no `vscode`, so that plain Node can test it against the real engine.

import { fork, type ChildProcess } from 'node:child_process';
import { t } from '../l10n';
import type {
  Completion,
  CompletionRequest,
  EngineFault,
  FromEngine,
  MemoryFile,
  MemoryState,
  ToEngine,
  TokenMessage,
} from '../protocol';
import { ChatClient } from './chatClient';
import { engineEnvironment, logOutput } from './engineEnvironment';
import {
  EngineFailure,
  type Answer,
  type EngineClientOptions,
  type EngineState,
  type LoadOptions,
  type Pending,
} from './engineState';
import { InspectClient } from './inspectClient';

export { EngineFailure, type Answer, type EngineState, type LoadOptions };

/** Waits before the first, second… restart. One more death after the last, and the engine stays down. */
const BACK_OFF_MS = [100, 500, 2000, 5000];
/** Deaths further apart than this do not add up. */
const FORGET_DEATHS_AFTER_MS = 120_000;
/** An engine that is to end is killed after this long; while it opens a device, its driver may block it for seconds. */
const MAX_RUN_MS = 1000;
const MAX_OPENING_MS = 15_000;
/** What is sent without anybody waiting for it: it does not keep the engine awake. */
const QUIET: ReadonlySet<string> = new Set(['warm', 'ahead', 'remember']);
/** How often it is seen whether the engine has answered, in milliseconds. */
const LOOK_MS = 20;
/** A longer timer of Node's fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class EngineClient {
  readonly #options: EngineClientOptions;
  readonly #listeners = new Set<() => void>();
  readonly #pending = new Map<number, Pending>();
  /** What is asked about the inside of completions. */
  readonly inside = new InspectClient(() => this.#nextId++, this.#ask.bind(this), this.#send.bind(this));
  /** Conversations. */
  readonly chat = new ChatClient({
    nextId: () => this.#nextId++,
    ask: this.#ask.bind(this),
    send: this.#send.bind(this),
    writes: (more) => this.#runs(more, more),
    onCompletion: (completion) => this.#options.onCompletion?.(completion),
  });
  #load: LoadOptions | undefined;
  #child: ChildProcess | undefined;
  #state: EngineState = { kind: 'stopped' };
  #nextId = 1;
  #running = 0;
  #writing = 0;
  #completions = 0;
  #deaths: number[] = [];
  #restartTimer: NodeJS.Timeout | undefined;
  #unloadAfterMs = 0;
  #unloadTimer: NodeJS.Timeout | undefined;
  #disposed = false;
  /** Something else needs the machine. */
  #resting = false;
  /** Where the model of the running engine runs; undefined until it says so. */
  #device: string | undefined;
  /** Where its model is being opened, or runs; undefined until it says so. */
  #opening: string | undefined;
  /** Why the CPU is used in place of the device that was asked for, where a process died of it. */
  #deviceNote: string | undefined;
  /** A better device was found: the engine starts anew as soon as nobody waits for it. */
  #betterDevice = false;
  /** It did so: where what was found cannot be remembered, it would be found again and again. */
  #changedDevice = false;

  constructor(options: EngineClientOptions) {
    this.#options = options;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** Process id of the running engine. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** True while a completion runs. */
  get generating(): boolean {
    return this.#running > 0;
  }

  /** True while a text is being written into a document, or an answer in a chat; a suggestion asked for now would cancel it. */
  get writing(): boolean {
    return this.#writing > 0;
  }

  /** How many completions have run to their end since the engine was started; the last one's attention can be asked for. */
  get completions(): number {
    return this.#completions;
  }

  /** Lets the engine sleep when nobody has asked it for this long, in milliseconds; 0: never. */
  set unloadAfterMs(ms: number) {
    this.#unloadAfterMs = ms;
    this.#restUntilAsked();
  }

  /** Calls `listener` after each change of what the getters return, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts the engine with a model, in place of the one that runs. */
  start(load: LoadOptions): void {
    this.#load = load;
    this.#deaths = [];
    this.#deviceNote = undefined;
    this.#changedDevice = false;
    this.#kill(t('The engine is being restarted.'));
    this.#spawn();
  }

  /**
   * Completes a request. A request that is still running is cancelled by the engine: the newest wins.
   * @throws EngineFailure when the engine reports an error, is down, or dies on the way
   */
  async complete(
    request: CompletionRequest,
    signal: AbortSignal,
    onToken: (token: TokenMessage) => void,
  ): Promise<Answer> {
    const id = this.#nextId++;
    const cancel = (): void => this.#send({ type: 'cancel', id });
    signal.addEventListener('abort', cancel, { once: true });
    const writes = request.unbounded === true ? 1 : 0;
    this.#runs(1, writes);
    try {
      const asked = this.#ask({ type: 'complete', id, request }, onToken);
      if (signal.aborted) cancel();
      const reply = await asked;
      if (reply.type !== 'done') throw new Error(`unexpected reply ${reply.type}`);
      if (reply.completion.finish !== 'cancelled') {
        this.#completions++;
        this.#options.onCompletion?.(reply.completion);
      }
      return { ...reply.completion, id };
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#runs(-1, -writes);
    }
  }

  /**
   * Has a request that is likely to come computed in the background, if the engine is awake and has nothing else to do. It counts neither
   * as a completion nor as somebody asking.
   * @returns what was computed, or undefined where nothing was asked
   * @throws EngineFailure when the engine reports an error, or dies on the way
   */
  warm(request: CompletionRequest, signal: AbortSignal): Promise<Completion | undefined> {
    return this.#beforehand('warm', request, signal);
  }

  /** As `warm`, but the request is completed: the answer is the one that would be given if it were asked. */
  ahead(request: CompletionRequest, signal: AbortSignal): Promise<Answer | undefined> {
    return this.#beforehand('ahead', request, signal);
  }

  async #beforehand(
    type: 'warm' | 'ahead',
    request: CompletionRequest,
    signal: AbortSignal,
  ): Promise<Answer | undefined> {
    if (this.#state.kind !== 'ready' || this.generating || this.#resting || signal.aborted) return undefined;
    const id = this.#nextId++;
    const cancel = (): void => this.#send({ type: 'cancel', id });
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const reply = await this.#ask({ type, id, request });
      if (reply.type !== 'done') throw new Error(`unexpected reply ${reply.type}`);
      return { ...reply.completion, id };
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  /** At most `count` other texts at the place of the last completion. @throws EngineFailure */
  async alternatives(of: number, count: number): Promise<Completion[]> {
    const reply = await this.#ask({ type: 'alternatives', id: this.#nextId++, of, count });
    if (reply.type !== 'alternatives') throw new Error(`unexpected reply ${reply.type}`);
    return reply.completions;
  }

  /** Takes files into the workspace memory and others out of it. @returns what it holds now @throws EngineFailure */
  async remember(files: MemoryFile[], forget: string[]): Promise<MemoryState> {
    const reply = await this.#ask({ type: 'remember', id: this.#nextId++, files, forget });
    if (reply.type !== 'memory') throw new Error(`unexpected reply ${reply.type}`);
    return reply.state;
  }

  /** Erases the workspace memory, on disk too. @throws EngineFailure */
  async eraseMemory(): Promise<void> {
    await this.#ask({ type: 'eraseMemory', id: this.#nextId++ });
  }

  /**
   * Lets the engine sleep as soon as it has answered, and does nothing in the background until the returned function is called. Whoever
   * asks meanwhile wakes it. `signal` ends the waiting.
   */
  async rest(signal: AbortSignal): Promise<() => void> {
    this.#resting = true;
    const busy = (): boolean => this.#pending.size > 0 || this.#state.kind === 'loading';
    while (busy() && !signal.aborted) await new Promise((go) => setTimeout(go, LOOK_MS));
    this.#sleep();
    return () => (this.#resting = false);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#unloadTimer);
    this.#kill(t('The engine has been shut down.'));
    this.#setState({ kind: 'stopped' });
    this.#listeners.clear();
  }

  #runs(running: number, writing: number): void {
    this.#running += running;
    this.#writing += writing;
    this.#changed();
  }

  #ask(message: ToEngine & { id: number }, onToken?: (token: TokenMessage) => void): Promise<FromEngine> {
    return new Promise((resolve, reject) => {
      if (this.#state.kind === 'failed')
        return reject(new EngineFailure({ code: 'engine_down', message: this.#state.reason }));
      if (this.#state.kind === 'stopped')
        return reject(new EngineFailure({ code: 'engine_down', message: t('The engine is not running.') }));
      if (this.#child === undefined) this.#spawn(); // somebody waits: cut the back-off short
      this.#pending.set(message.id, { resolve, reject, ...(onToken === undefined ? {} : { onToken }) });
      if (!QUIET.has(message.type)) this.#restUntilAsked();
      this.#send(message);
    });
  }

  #send(message: ToEngine): void {
    if (this.#child?.connected === true)
      this.#child.send(message, (error) => error && this.#options.log(`engine: message not sent: ${error.message}`));
  }

  #spawn(): void {
    clearTimeout(this.#restartTimer);
    if (this.#disposed || this.#load === undefined) return;
    const { enginePath, inspectPort } = this.#options;
    this.#completions = 0;
    this.#device = this.#opening = undefined;
    this.#betterDevice = false;
    this.#setState({ kind: 'loading' });
    // On the desktop, ELECTRON_RUN_AS_NODE in the environment is what makes the fork a Node process: pass it all on.
    const child = fork(enginePath, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: engineEnvironment(process.env),
      execArgv: inspectPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectPort}`],
    });
    this.#child = child;
    logOutput(child, (line) => this.#options.log(`engine: ${line}`));
    child.on('message', (message: FromEngine) => child === this.#child && this.#receive(message));
    child.on('error', (error) => {
      this.#options.log(`engine: ${error.message}`);
      if (child.pid === undefined && child === this.#child) this.#died(error.message); // it never started
    });
    child.on('close', (code, signal) => child === this.#child && this.#died(signal ?? `exit code ${String(code)}`));
    this.#send({ type: 'load', ...this.#load });
    this.inside.started();
  }

  #receive(message: FromEngine): void {
    if (message.type === 'ready') {
      this.#restUntilAsked();
      this.#device = message.info.device;
      const note = this.#deviceNote === undefined ? {} : { deviceNote: this.#deviceNote };
      return this.#setState({ kind: 'ready', info: { ...message.info, ...note } });
    }
    if (message.type === 'opening') {
      this.#opening = message.device;
      return;
    }
    if (message.type === 'tried') {
      this.#options.log(`The fastest device for this model is ${message.device} (${message.reason}).`);
      this.#betterDevice = message.device !== this.#device && !this.#changedDevice;
      return this.#changeDevice();
    }
    if (message.type === 'failed') {
      this.#setState({ kind: 'failed', reason: message.fault.message });
      return this.#rejectAll(message.fault);
    }
    if (message.type === 'grew') return this.inside.grew(message);
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return; // somebody gave up on it
    if (message.type === 'token') return pending.onToken?.(message);
    this.#pending.delete(message.id);
    if (message.type === 'error') pending.reject(new EngineFailure(message.fault));
    else pending.resolve(message);
    this.#changeDevice();
  }

  /** Starts the engine anew on the better device, if there is one and nobody waits. */
  #changeDevice(): void {
    if (!this.#betterDevice || this.#pending.size > 0) return;
    this.#changedDevice = true;
    this.#kill(t('The engine changes to another device.'));
    this.#spawn();
  }

  /** Starts the time anew after which the engine may sleep. */
  #restUntilAsked(): void {
    clearTimeout(this.#unloadTimer);
    if (this.#unloadAfterMs === 0 || this.#disposed) return;
    this.#unloadTimer = setTimeout(() => this.#sleep(), Math.min(this.#unloadAfterMs, MAX_TIMER_MS)).unref();
  }

  /** Ends the process: nothing else gives all of its memory back. */
  #sleep(): void {
    if (this.#pending.size > 0) return this.#restUntilAsked();
    if (this.#state.kind !== 'ready') return; // the next request starts the time anew
    const { info } = this.#state;
    this.#options.log('engine: it sleeps until somebody asks');
    this.#kill(t('The engine sleeps.'));
    this.#completions = 0; // their attention is gone with the process
    this.#setState({ kind: 'asleep', info });
  }

  #died(how: string): void {
    this.#child = undefined;
    const now = Date.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < FORGET_DEATHS_AFTER_MS), now];
    const reason = t('The engine process ended unexpectedly ({0}).', how);
    this.#options.log(reason);
    this.#rejectAll({ code: 'engine_died', message: reason });
    const device = this.#device ?? this.#opening ?? 'cpu'; // before it says so it has touched no other
    if (this.#load !== undefined && device !== 'cpu') {
      this.#deviceNote =
        this.#device === undefined
          ? t('The engine died while it opened the device {0}; it goes on with the CPU.', device)
          : t('The engine died while it ran on the device {0}; it goes on with the CPU.', device);
      this.#options.log(this.#deviceNote);
      this.#load = { ...this.#load, device: 'cpu' };
    }
    const wait = BACK_OFF_MS[this.#deaths.length - 1];
    if (wait === undefined) {
      return this.#setState({
        kind: 'failed',
        reason: t('{0} It was restarted {1} times in vain; the log has its last words.', reason, BACK_OFF_MS.length),
      });
    }
    this.#setState({ kind: 'loading' });
    this.#restartTimer = setTimeout(() => this.#spawn(), wait);
  }

  #kill(why: string): void {
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    this.#child = undefined;
    this.#rejectAll({ code: 'engine_down', message: why });
    if (child === undefined) return;
    if (child.connected) child.disconnect(); // it ends by itself, after the run it is in
    // Killed while it opens a device, it would leave the mark of one that died of it.
    const opens = this.#device === undefined && (this.#opening ?? 'cpu') !== 'cpu';
    setTimeout(() => child.kill('SIGKILL'), opens ? MAX_OPENING_MS : MAX_RUN_MS).unref();
  }

  #rejectAll(fault: EngineFault): void {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of all) pending.reject(new EngineFailure(fault));
  }

  #setState(state: EngineState): void {
    this.#state = state;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
