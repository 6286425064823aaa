// The server of glassbox.server.url in the place of the engine: while it answers, suggestions and Generate come from it; where it fails, or
// may not be used, they come from the engine. Imports no `vscode`, so that plain Node can test it.

import type { Completion, CompletionRequest } from '../protocol';
import { readAddress, type Address } from '../server/address';
import type { ServerEngine, ServerFault } from '../server/serverEngine';
import type { Completer, Told } from './completer';
import type { EngineState } from './engineState';

/** What the extension says of a server. */
export interface ServerStatus {
  host: string;
  /** It runs on this machine. */
  local: boolean;
  /**
   * 'asking': the user is being asked whether text may go there; 'declined': it may not; 'wrong': the setting cannot be used; 'failed': it is
   * asked again after a while, and the engine answers until then.
   */
  state: 'on' | 'asking' | 'declined' | 'failed' | 'wrong';
  /** What is wrong, in words. */
  note?: string;
  /** Whether it tells probabilities; undefined before its first answer. */
  sure?: boolean;
}

/** The settings of a server. */
export interface ServerSettings {
  url: string;
  model: string;
}

export interface ServerParts {
  engine: Completer & { readonly state: EngineState };
  /** Loads the bundle that can open connections; called where a server may be used, and not before. */
  load: () => { ServerEngine: typeof ServerEngine };
  /** Whether text may be sent to an address elsewhere; asks where it is not known. */
  consent: (address: Address) => Promise<boolean>;
  key: (origin: string) => Promise<string | undefined>;
  /** Says what is wrong to the user; called once until the server works again. */
  tell: (message: string, code: string) => void;
  log: { info: (line: string) => void; warn: (line: string) => void };
  onCompletion?: (completion: Completion) => void;
  /** Now, in milliseconds. */
  now?: () => number;
}

/** After so many failures in a row, so long a wait before the server is asked again, in milliseconds. */
const BACK_OFF_MS = [5_000, 15_000, 60_000, 300_000];

export class ServerConnection implements Completer {
  readonly #parts: ServerParts;
  readonly #listeners = new Set<() => void>();
  readonly #now: () => number;
  #settings: ServerSettings = { url: '', model: '' };
  #address: Address | undefined;
  #server: ServerEngine | undefined;
  #status: ServerStatus | undefined;
  /** Counts the changes of the settings: what began before one is not to count after it. */
  #round = 0;
  #failures = 0;
  #notBefore = 0;
  #running = 0;
  #writing = 0;
  #told = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
  }

  /** Undefined where no server is set. */
  get status(): ServerStatus | undefined {
    return this.#status;
  }

  /** Where text may go, or would go with consent. */
  get address(): Address | undefined {
    return this.#address;
  }

  get state(): Completer['state'] {
    return this.#usable() === undefined ? this.#parts.engine.state : { kind: 'server' };
  }

  get generating(): boolean {
    return this.#running > 0 || this.#parts.engine.generating;
  }

  get writing(): boolean {
    return this.#writing > 0 || this.#parts.engine.writing;
  }

  /** Calls `listener` after each change of what the getters return. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Uses the server of these settings; an empty address is none. Settings that are the same change nothing, unless `anew`. */
  async use(settings: ServerSettings, anew = false): Promise<void> {
    const same = settings.url === this.#settings.url && settings.model === this.#settings.model;
    if (same && !anew) return;
    const round = ++this.#round;
    this.#settings = settings;
    this.#server = undefined;
    this.#failures = this.#notBefore = 0;
    this.#told = false;
    const address = readAddress(settings.url);
    this.#address = address === undefined || 'fault' in address ? undefined : address;
    if (address === undefined) return this.#become(undefined);
    if ('fault' in address) {
      this.#become({ host: settings.url, local: false, state: 'wrong', note: address.fault });
      return this.#parts.tell(address.fault, 'address');
    }
    const { host, local, origin } = address;
    this.#become({ host, local, state: 'asking' });
    const allowed = local || (await this.#agreed(address));
    if (round !== this.#round) return;
    if (!allowed) return this.#become({ host, local, state: 'declined' });
    const key = await this.#parts.key(origin);
    if (round !== this.#round) return;
    const { ServerEngine } = this.#parts.load();
    this.#server = new ServerEngine({
      address,
      model: settings.model,
      key,
      log: (line) => this.#parts.log.info(line),
    });
    this.#parts.log.info(
      local ? `server: ${address.base}, on this machine` : `server: ${address.base}; text leaves this machine`,
    );
    this.#become({ host, local, state: 'on' });
  }

  /** Asks again for what was declined, or asks the server again at once. */
  again(): Promise<void> {
    return this.use(this.#settings, true);
  }

  async complete(
    request: CompletionRequest,
    signal: AbortSignal,
    onText: (told: Told) => void,
  ): Promise<Completion & { id?: number }> {
    const server = this.#usable();
    if (server === undefined) return this.#parts.engine.complete(request, signal, onText);
    const writes = request.unbounded === true ? 1 : 0;
    this.#writing += writes;
    this.#running++;
    this.#changed();
    const sent = { text: false };
    try {
      const completion = await server.complete(request, signal, (text) => {
        sent.text = true;
        onText({ text, id: undefined });
      });
      if (completion.finish !== 'cancelled') this.#worked(server, completion);
      return completion;
    } catch (error) {
      this.#failed(server, error as ServerFault);
      // What is on show cannot be gone on with by another model.
      if (sent.text || signal.aborted) throw error;
    } finally {
      this.#writing -= writes;
      this.#running--;
      this.#changed();
    }
    return this.#parts.engine.complete(request, signal, onText);
  }

  /** Nothing is sent to a server that nobody asked for. */
  async warm(request: CompletionRequest, signal: AbortSignal): Promise<Completion | undefined> {
    return this.#usable() === undefined ? this.#parts.engine.warm(request, signal) : undefined;
  }

  async ahead(request: CompletionRequest, signal: AbortSignal): ReturnType<Completer['ahead']> {
    return this.#usable() === undefined ? this.#parts.engine.ahead(request, signal) : undefined;
  }

  alternatives(of: number, count: number): Promise<Completion[]> {
    return this.#parts.engine.alternatives(of, count);
  }

  /** A question that cannot be shown is not agreed to. */
  async #agreed(address: Address): Promise<boolean> {
    try {
      return await this.#parts.consent(address);
    } catch (error) {
      this.#parts.log.warn(`server: nobody could be asked: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }

  /** The server, unless it has to be left alone for a while. */
  #usable(): ServerEngine | undefined {
    return this.#now() < this.#notBefore ? undefined : this.#server;
  }

  #worked(server: ServerEngine, completion: Completion): void {
    if (server !== this.#server || this.#status === undefined) return;
    this.#failures = this.#notBefore = 0;
    this.#told = false;
    const { host, local } = this.#status;
    const { sure } = server;
    if (sure === false && this.#status.sure !== false)
      this.#parts.log.info(
        `server: ${host} tells no probabilities: glassbox.threshold has no effect on its suggestions, only the rules for where a text ends`,
      );
    this.#become({ host, local, state: 'on', ...(sure === undefined ? {} : { sure }) });
    this.#parts.onCompletion?.(completion);
  }

  #failed(server: ServerEngine, { message, code, retryAfterMs }: ServerFault): void {
    if (server !== this.#server || this.#status === undefined) return;
    const wait = BACK_OFF_MS[Math.min(this.#failures++, BACK_OFF_MS.length - 1)] as number;
    const ms = Math.max(wait, retryAfterMs ?? 0);
    this.#notBefore = this.#now() + ms;
    this.#parts.log.warn(`server: ${message} (not asked again for ${(ms / 1000).toFixed(0)} s)`);
    this.#become({ ...this.#status, state: 'failed', note: message });
    if (!this.#told) this.#parts.tell(message, code);
    this.#told = true;
  }

  #become(status: ServerStatus | undefined): void {
    this.#status = status;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
