// The engine process: takes messages, runs the newest request, sends tokens. Forked by the extension's engine client; it dies
// with its parent. Knows the protocol and the engine, nothing of the editor.

import type { ChatMessage } from '../chatProtocol';
import type {
  AheadMessage,
  AlternativesMessage,
  CompleteMessage,
  FromEngine,
  LoadMessage,
  ToEngine,
  WarmMessage,
} from '../protocol';
import type { JobMessage, ProbedMessage, ProbeOpenMessage, ProbeTurnMessage } from '../jobProtocol';
import { t, useStrings } from '../l10n';
import { Engine } from './engine';
import { decoderOf, loadEngine, type AnyEngine } from './loadEngine';
import { autoDevice, runTrials } from './autoDevice';
import { DeviceSearch } from './deviceSearch';
import { EngineError, toFault } from './errors';
import { doJob, endJob } from './jobs';
import { probe } from './measure/probe';
import { readModelFolder } from './modelFolder';

let engine: Promise<AnyEngine> | undefined;
/** The completion that runs or waits; a newer one aborts it. */
let current: Abortable | undefined;
/** The work in the background that runs or waits; a newer one aborts it, and any request does. */
let warming: Abortable | undefined;
/** The search for alternatives that runs or waits; a newer one aborts it, and a completion does. */
let choosing: Abortable | undefined;
/** The conversations that are answered or wait; they take their turns, and nothing that comes later ends one. */
const chats = new Map<number, AbortController>();

/** Looks for a better device while nobody asks. */
let search: DeviceSearch | undefined;

interface Abortable {
  id: number;
  abort: AbortController;
}

/** What may be asked of the process. */
type Asked = ToEngine | JobMessage<{ type: string }> | ProbeOpenMessage | ProbeTurnMessage;

process.on('message', (message: Asked) => void handle(message));
process.on('disconnect', () => void end());

async function handle(message: Asked): Promise<void> {
  switch (message.type) {
    case 'job':
      return doJob(message, send);
    case 'probeOpen':
    case 'probeTurn':
      return send(await probe(message));
    case 'load':
      return load(message);
    case 'try':
      return runTrials(message).then(
        (found) => send({ type: 'tried', ...found }),
        (error: unknown) => send({ type: 'tried', device: 'cpu', reason: toFault(error).message }),
      );
    case 'complete':
      return complete(message);
    case 'chat':
      return chat(message);
    case 'count':
      return reply(message.id, async (loaded) =>
        Promise.resolve({ type: 'counted', id: message.id, tokens: decoderOf(loaded).countTokens(message.of) }),
      );
    case 'warm':
    case 'ahead':
      return beforehand(message);
    case 'alternatives':
      return alternatives(message);
    case 'cancel':
      for (const running of [current, choosing, warming]) if (running?.id === message.id) running.abort.abort();
      chats.get(message.id)?.abort();
      return;
    case 'remember':
      return reply(message.id, async (loaded) => ({
        type: 'memory',
        id: message.id,
        state: await decoderOf(loaded).remember(message.files, message.forget),
      }));
    case 'eraseMemory':
      return reply(message.id, async (loaded) => ({
        type: 'memory',
        id: message.id,
        state: await decoderOf(loaded).eraseMemory(),
      }));
    case 'watch':
      return insideOf(await engine?.catch(() => undefined))?.watch(
        message.on ? (grew) => send({ type: 'grew', ...grew }) : undefined,
      );
    case 'keep':
      return insideOf(await engine?.catch(() => undefined))?.sequences.keep(message.sequences);
    case 'inspect':
      return reply(message.id, async (loaded) => ({
        type: 'inspected',
        id: message.id,
        answer: await decoderOf(loaded).inspector.inspect(message.sequence, message.question),
      }));
  }
}

async function load(options: LoadMessage): Promise<void> {
  const { device, modelDir, stateDir, strings = {} } = options;
  useStrings(strings);
  if (device === 'auto')
    search = new DeviceSearch({
      auto: () => autoDevice(readModelFolder(modelDir), stateDir),
      enginePath: __filename,
      onFound: (found) => send({ type: 'tried', ...found }), // whoever started the engine decides about a restart
    });
  search?.started(); // there is nothing to look for before the model is there
  engine = loadEngine({
    ...options,
    onOpening: (device) => sent({ type: 'opening', device }),
    onFallback: (info) => send({ type: 'ready', info }),
    onNote: (note) => process.stderr.write(`${note}\n`), // the host has it in its log
  });
  try {
    const { info } = await engine;
    if (info.kind !== 'decoder') search = undefined; // no device is tried with it
    send({ type: 'ready', info });
  } catch (error) {
    return send({ type: 'failed', fault: toFault(error) });
  }
  search?.ended();
}

/** Nobody listens any more. An engine that is still loading remembers nothing new. */
async function end(): Promise<void> {
  await endJob();
  const loading = new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));
  const loaded = await Promise.race([engine, loading]).catch(() => undefined);
  if (loaded instanceof Engine) loaded.saveMemory();
  process.exit(0);
}

/** Undefined where there is nothing to look into. */
function insideOf(loaded: AnyEngine | undefined): Engine['inspector'] | undefined {
  return loaded instanceof Engine ? loaded.inspector : undefined;
}

async function complete({ id, request }: CompleteMessage): Promise<void> {
  current?.abort.abort();
  choosing?.abort.abort();
  const abort = new AbortController();
  current = { id, abort };
  await reply(id, async (loaded) => {
    const completion = await loaded.complete(request, {
      id,
      signal: abort.signal,
      onToken: (token, text) => send({ type: 'token', id, token: token.id, logprob: token.logprob, text }),
    });
    return { type: 'done', id, completion };
  });
}

async function chat({ id, ...request }: ChatMessage): Promise<void> {
  const abort = new AbortController();
  chats.set(id, abort);
  await reply(id, async (loaded) => {
    const completion = await decoderOf(loaded).chat(request, {
      signal: abort.signal,
      onToken: (token, text) => send({ type: 'token', id, token: token.id, logprob: token.logprob, text }),
    });
    return { type: 'done', id, completion };
  });
  chats.delete(id);
}

async function alternatives({ id, of, count }: AlternativesMessage): Promise<void> {
  choosing?.abort.abort();
  const { signal } = (choosing = { id, abort: new AbortController() }).abort;
  await reply(id, async (loaded) => ({
    type: 'alternatives',
    id,
    completions: await decoderOf(loaded).alternatives(of, count, signal),
  }));
}

/** Reads or completes in the background what may be asked for. */
async function beforehand({ type, id, request }: WarmMessage | AheadMessage): Promise<void> {
  warming?.abort.abort();
  const { signal } = (warming = { id, abort: new AbortController() }).abort;
  await reply(id, async (loaded) => ({
    type: 'done',
    id,
    completion: await (type === 'warm'
      ? decoderOf(loaded).warmUp(request, signal)
      : decoderOf(loaded).complete(request, { signal, id, background: true })),
  }));
}

/** Every request ends in exactly one reply: its own, or an error. */
async function reply(id: number, work: (loaded: AnyEngine) => Promise<FromEngine>): Promise<void> {
  search?.started();
  try {
    if (engine === undefined) throw new EngineError('not_loaded', t('No model has been loaded.'));
    send(await work(await engine));
  } catch (error) {
    send({ type: 'error', id, fault: toFault(error) });
  }
  search?.ended();
}

function send(message: FromEngine | ProbedMessage | Parameters<Parameters<typeof doJob>[1]>[0]): void {
  // Where the parent has just died it is told by `disconnect`; an error here would end us before we have cleared up.
  if (process.connected) process.send?.(message, () => undefined);
}

/** Sends a message that must be on its way before what comes next, which may end the process. */
function sent(message: FromEngine): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send !== undefined) process.send(message, () => resolve());
    else resolve();
  });
}
