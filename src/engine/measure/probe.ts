// One model on one device with so many threads, measured in a process of its own: a driver may crash it, or hang.

import type { ProbedMessage, ProbeOpenMessage, ProbeTurnMessage, Turn } from '../../jobProtocol';
import { useStrings } from '../../l10n';
import { toFault } from '../errors';
import { Model } from '../model';
import { readModelFolder } from '../modelFolder';
import { watchOver } from '../watchdog';

/** Ids of the first run, whose logits are compared: so many at once, then so many one after another, then again after the cache was cut to here. */
export const FIRST_PROMPT = 48;
export const FIRST_WRITTEN = 8;
const KEPT = 24;
/** Most tokens of a prompt in one run. */
const CHUNK = 128;
/** Whatever happens, the process ends after so many milliseconds. */
const LIMIT_MS = 1_800_000;

let opened: { model: Model; ids: readonly number[] } | undefined;

/** Does what the job asks for, and answers. */
export async function probe(message: ProbeOpenMessage | ProbeTurnMessage): Promise<ProbedMessage> {
  try {
    return message.type === 'probeOpen' ? await open(message) : { type: 'probed', turn: await turn(message) };
  } catch (error) {
    return { type: 'probed', failure: toFault(error).message };
  }
}

async function open({ modelDir, weights, device, threads, ids, strings }: ProbeOpenMessage): Promise<ProbedMessage> {
  useStrings(strings);
  await watchOver(LIMIT_MS);
  const start = performance.now();
  const folder = readModelFolder(modelDir, weights);
  const model = await Model.load(folder, device, { alone: true, ...(threads === 0 ? {} : { threads }) });
  opened = { model, ids };
  const loaded = performance.now();
  const rows = await firstRun(model, ids);
  const loadMs = loaded - start;
  const logits = new Float32Array(rows.length * folder.config.vocab);
  rows.forEach((row, i) => logits.set(row, i * folder.config.vocab));
  const first = await turn({ prompt: FIRST_PROMPT, written: FIRST_WRITTEN });
  return { type: 'probed', opened: { loadMs, logits, first } };
}

/** @returns logits [vocab] after each part */
async function firstRun(model: Model, ids: readonly number[]): Promise<Float32Array[]> {
  const cache = model.newCache();
  const rows = [(await model.forward(ids.slice(0, FIRST_PROMPT), cache)).slice()];
  const written = ids.slice(FIRST_PROMPT, FIRST_PROMPT + FIRST_WRITTEN);
  for (const id of written) rows.push((await model.forward([id], cache)).slice());
  cache.truncate(KEPT);
  rows.push((await model.forward(written, cache)).slice());
  cache.dispose();
  return rows;
}

async function turn({ prompt, written }: Omit<ProbeTurnMessage, 'type'>): Promise<Turn> {
  if (opened === undefined) throw new Error('no model has been opened');
  const { model, ids } = opened;
  const chunk = model.lastLogitsAlone ? CHUNK : Math.min(CHUNK, model.allChunk);
  const cache = model.newCache();
  const start = performance.now();
  for (let at = 0; at < prompt; at += chunk) await model.forward(ids.slice(at, Math.min(at + chunk, prompt)), cache);
  const readMs = (performance.now() - start) / prompt;
  const times: number[] = [];
  for (const id of ids.slice(prompt, prompt + written)) {
    const before = performance.now();
    await model.forward([id], cache);
    times.push(performance.now() - before);
  }
  cache.dispose();
  const decodeMs = times.sort((a, b) => a - b)[times.length >> 1] as number;
  return {
    readMs,
    decodeMs,
    memory: process.memoryUsage().rss,
    peakMemory: process.resourceUsage().maxRSS * 1024,
  };
}
