// The engine process: takes messages, runs the newest request, sends tokens. Forked by the extension's engine client; it dies
// with its parent. Knows the protocol and the engine, nothing of the editor.

import type { CompleteMessage, FromEngine, LoadMessage, ToEngine, WarmMessage } from '../protocol';
import { Engine } from './engine';
import { autoDevice, runTrials } from './autoDevice';
import { EngineError, toFault } from './errors';
import { readModelFolder } from './modelFolder';

let engine: Promise<Engine> | undefined;
/** The completion that runs or waits; a newer one aborts it. */
let current: Abortable | undefined;
/** The warm-up that runs or waits; a newer one aborts it, and any request does. */
let warming: Abortable | undefined;

/** Nobody has asked for this long, in milliseconds, before devices are tried. */
const QUIET_MS = 5000;
/** When somebody asked last. */
let asked = 0;

interface Abortable {
  id: number;
  abort: AbortController;
}

process.on('message', (message: ToEngine) => void handle(message));
process.on('disconnect', () => process.exit(0));

async function handle(message: ToEngine): Promise<void> {
  asked = performance.now();
  switch (message.type) {
    case 'load':
      return load(message);
    case 'try':
      return runTrials(message).then(
        (found) => send({ type: 'tried', ...found }),
        (error: unknown) => send({ type: 'tried', device: 'cpu', reason: toFault(error).message }),
      );
    case 'complete':
      return complete(message);
    case 'warm':
      return warm(message);
    case 'cancel':
      for (const running of [current, warming]) if (running?.id === message.id) running.abort.abort();
      return;
    case 'attention':
      return reply(message.id, async (loaded) => {
        const map = await loaded.attention(message.layer, message.head);
        return { type: 'attention', id: message.id, map };
      });
  }
}

async function load(options: LoadMessage): Promise<void> {
  engine = Engine.load({ ...options, onFallback: (info) => send({ type: 'ready', info }) });
  try {
    send({ type: 'ready', info: (await engine).info });
  } catch (error) {
    return send({ type: 'failed', fault: toFault(error) });
  }
  if (options.device === 'auto') findDevice(options);
}

/** Looks for a better device once nobody has asked for anything for a while. Whoever started the engine decides about a restart. */
function findDevice({ modelDir, stateDir }: LoadMessage): void {
  const timer = setInterval(() => {
    if (performance.now() - asked < QUIET_MS) return;
    clearInterval(timer);
    void seek().catch(() => undefined); // the folder has gone meanwhile: nothing to look for
  }, QUIET_MS).unref();
  const seek = async (): Promise<void> => {
    const { find } = autoDevice(readModelFolder(modelDir), stateDir);
    if (find !== undefined) send({ type: 'tried', ...(await find(__filename)) });
  };
}

async function complete({ id, request }: CompleteMessage): Promise<void> {
  current?.abort.abort();
  const abort = new AbortController();
  current = { id, abort };
  await reply(id, async (loaded) => {
    const completion = await loaded.complete(request, {
      signal: abort.signal,
      onToken: (token, text) => send({ type: 'token', id, token: token.id, logprob: token.logprob, text }),
    });
    return { type: 'done', id, completion };
  });
}

async function warm({ id, request }: WarmMessage): Promise<void> {
  warming?.abort.abort();
  const abort = new AbortController();
  warming = { id, abort };
  await reply(id, async (loaded) => ({ type: 'done', id, completion: await loaded.warmUp(request, abort.signal) }));
}

/** Every request ends in exactly one reply: its own, or an error. */
async function reply(id: number, work: (loaded: Engine) => Promise<FromEngine>): Promise<void> {
  try {
    if (engine === undefined) throw new EngineError('not_loaded', 'No model has been loaded.');
    send(await work(await engine));
  } catch (error) {
    send({ type: 'error', id, fault: toFault(error) });
  }
}

function send(message: FromEngine): void {
  if (process.connected) process.send?.(message);
}
