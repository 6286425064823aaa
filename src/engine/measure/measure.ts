// Measures a model on this machine: every device and several numbers of threads, in rounds in which each has its turn, so that whatever
// else the machine does meanwhile slows all of them alike.

import { freemem } from 'node:os';
import { stringsInUse, t } from '../../l10n';
import type { Figures, JobProgress, MeasuredRow, MeasureJob, Measurement, Turn } from '../../jobProtocol';
import { limits, usableCores } from '../../machine/containers';
import { agreement } from '../agreement';
import { rememberBest } from '../autoDevice';
import { DEVICES, weightsStamp } from '../devices';
import { EngineError } from '../errors';
import { threadsFor } from '../model';
import { readModelFolder, type ModelFolder } from '../modelFolder';
import { supportedDevices } from '../session';
import { suitableThreads } from '../threads';
import { choose, hopeless, suggestionMs, threadCounts } from './choice';
import { FIRST_PROMPT, FIRST_WRITTEN } from './probe';
import { Probes, type Setup } from './probes';
import { codeIds } from './text';

/** Tokens read and written in a turn, at most and at least. */
const PROMPT = { most: 256, least: FIRST_PROMPT };
const WRITTEN = { most: 24, least: FIRST_WRITTEN };
/** What a turn of the first setup may take, in milliseconds. */
const TURN_MS = 2500;
/** Rounds: so many at least; and more, up to so many, while all of them have taken less than this, in milliseconds. */
const ROUNDS = { least: 3, most: 12, ms: 8000 };
/** What takes this many times as long as the best in the turn that follows its opening, and whose turns are long, is not measured again. */
const FAR = { times: 6, ms: 2000 };
/** Something else may have slowed a single turn: nothing is given up before it had so many. */
const TURNS = 2;
/** Processes may take this share of the memory that is free; each takes its weights and something besides, in bytes. */
const SHARE = 0.6;
const BESIDES = 200 * 2 ** 20;
export interface MeasureOptions {
  /** The engine's bundle. */
  enginePath: string;
  onProgress: (progress: JobProgress) => void;
  signal: AbortSignal;
}

/** A setup, and what is known of it. */
interface Measured {
  setup: Setup;
  loadMs: number;
  alike: { correlation: number; sameTop: number };
  turns: Turn[];
}

/**
 * Measures a model on all devices and with several numbers of threads.
 * @throws EngineError where the folder holds no model, or the CPU cannot run it; the signal's reason where that ended it
 */
export async function measure(
  job: MeasureJob,
  { enginePath, onProgress, signal }: MeasureOptions,
): Promise<Measurement> {
  const folder = readModelFolder(job.modelDir, job.weights);
  const cores = usableCores();
  const { bytes } = weightsStamp(folder);
  const half = Math.floor(folder.config.contextLength / 2);
  const ids = codeIds(folder, PROMPT.most + WRITTEN.most);
  const model = { modelDir: folder.dir, weights: folder.weights, ids, strings: stringsInUse() };
  const probes = new Probes({ enginePath, model, most: processesAtOnce(bytes), signal });
  const setups = setupsOf(job, cores);
  const rows = new Map<Setup, MeasuredRow>(setups.map((setup) => [setup, { ...setup }]));
  const told = (setup: Setup, fraction: number): void => onProgress({ doing: nameOf(setup), fraction });
  try {
    const alive = await openAll(setups, rows, probes, folder, told);
    const sizes = sizesFor(alive[0] as Measured, Math.min(PROMPT.most, half));
    const rounds = await runRounds(alive, rows, probes, sizes, told);
    for (const each of alive)
      if (each.turns.length > 0) rows.set(each.setup, { ...each.setup, figures: figuresOf(each) });
    return {
      model: folder.name,
      weights: folder.weights,
      bytes,
      promptTokens: sizes.prompt,
      writtenTokens: sizes.written,
      rounds,
      cores,
      ...chosen([...rows.values()].sort(inOrder), alive, folder, job.stateDir),
    };
  } finally {
    await probes.close();
  }
}

/** The CPU with the threads that the engine takes by itself comes first: with it all others are compared. */
function setupsOf({ threads, set = 0, devices }: MeasureJob, cores: number): Setup[] {
  const counts = new Set([...(threads ?? threadCounts(cores, suitableThreads())), ...(set > 0 ? [set] : [])]);
  const others = devices ?? supportedDevices().filter((device) => DEVICES.includes(device));
  return [
    ...[...counts].map((count) => ({ device: 'cpu', threads: count })),
    ...others.filter((device) => device !== 'cpu').map((device) => ({ device, threads: 0 })),
  ];
}

function processesAtOnce(bytes: number): number {
  const free = Math.min(freemem(), limits().memory ?? Infinity) * SHARE;
  return Math.max(1, Math.floor(free / (bytes * 1.3 + BESIDES)));
}

/** Opens the model in each setup and compares its logits with the first's; what cannot be used gets its reason. */
async function openAll(
  setups: readonly Setup[],
  rows: Map<Setup, MeasuredRow>,
  probes: Probes,
  folder: ModelFolder,
  told: (setup: Setup, fraction: number) => void,
): Promise<Measured[]> {
  const alive: (Measured & { logits: Float32Array })[] = [];
  for (const [i, setup] of setups.entries()) {
    told(setup, (0.4 * i) / setups.length);
    try {
      const { loadMs, logits, first } = await probes.open(setup);
      const alike = agreement(alive[0]?.logits ?? logits, logits, folder.config.vocab);
      alive.push({ setup, loadMs, logits, alike, turns: [first] });
    } catch (error) {
      if (!(error instanceof Error) || error.name === 'AbortError') throw error;
      rows.set(setup, { ...setup, failure: error.message });
    }
    // Nothing can be compared with numbers of a device that may be wrong.
    if (alive.length === 0 && setups[i + 1]?.device !== 'cpu') {
      const reason = rows.get(setups[0] as Setup)?.failure ?? '';
      throw new EngineError('inference_failed', t('{0} cannot be measured: {1}', folder.weightsPath, reason));
    }
  }
  return alive;
}

/** How many tokens each turn has: as many as the first setup runs in `TURN_MS`. Its first turn says how fast it is. */
function sizesFor({ turns }: Measured, longest: number): { prompt: number; written: number } {
  const [{ readMs, decodeMs }] = turns as [Turn];
  const share = TURN_MS / (readMs * PROMPT.most + decodeMs * WRITTEN.most);
  const scaled = ({ most, least }: typeof PROMPT): number => Math.round(Math.max(least, Math.min(most, most * share)));
  return { prompt: Math.min(scaled(PROMPT), longest), written: scaled(WRITTEN) };
}

/** @returns how many rounds there were; a setup that clearly loses has fewer turns */
async function runRounds(
  alive: Measured[],
  rows: Map<Setup, MeasuredRow>,
  probes: Probes,
  { prompt, written }: { prompt: number; written: number },
  told: (setup: Setup, fraction: number) => void,
): Promise<number> {
  const first = Math.min(...alive.map((each) => suggestionMs(figuresOf(each))));
  const far = (each: Measured): boolean => {
    const { readMs, decodeMs } = each.turns[0] as Turn;
    return suggestionMs(figuresOf(each)) > FAR.times * first && readMs * prompt + decodeMs * written > FAR.ms;
  };
  const racing = new Set(alive.filter((each) => !far(each)));
  for (const each of racing) each.turns = [];
  const start = performance.now();
  let round = 0;
  while (
    racing.size > 0 &&
    round < ROUNDS.most &&
    (round < ROUNDS.least || (racing.size > 1 && performance.now() - start < ROUNDS.ms))
  ) {
    for (const [i, each] of [...racing].entries()) {
      told(each.setup, 0.4 + 0.6 * Math.min(0.99, (round + i / racing.size) / ROUNDS.least));
      try {
        each.turns.push(await probes.turn(each.setup, prompt, written));
      } catch (error) {
        if (!(error instanceof Error) || error.name === 'AbortError') throw error;
        racing.delete(each);
        each.turns = [];
        rows.set(each.setup, { ...each.setup, failure: error.message });
      }
    }
    round++;
    const times = [...racing].map((each) => ({
      each,
      figures: figuresOf(each),
    }));
    const best = Math.min(...times.map(({ figures }) => suggestionMs(figures)));
    for (const { each, figures } of times)
      if (each.turns.length >= TURNS && hopeless(figures, best)) racing.delete(each);
  }
  return round;
}

/** Something else on the machine makes a turn slower, nothing makes it faster: the least times count. */
function figuresOf({ turns, loadMs, alike }: Pick<Measured, 'turns' | 'loadMs' | 'alike'>): Figures {
  const least = (of: (turn: Turn) => number): number => Math.min(...turns.map(of));
  const most = (of: (turn: Turn) => number): number => Math.max(...turns.map(of));
  return {
    loadMs,
    prefill: 1000 / least(({ readMs }) => readMs),
    decodeMs: least(({ decodeMs }) => decodeMs),
    memory: turns.at(-1)?.memory ?? 0,
    peakMemory: most(({ peakMemory }) => peakMemory),
    ...alike,
  };
}

/** The best, and whether `auto` and 0 come to it. */
function chosen(
  rows: MeasuredRow[],
  alive: readonly Measured[],
  folder: ModelFolder,
  stateDir: string | undefined,
): Pick<Measurement, 'rows' | 'best'> {
  const found = choose(rows, noiseOf(alive));
  if (found === undefined) {
    const reason = rows.find(({ failure }) => failure !== undefined)?.failure ?? '';
    throw new EngineError('inference_failed', t('{0} cannot be measured: {1}', folder.weightsPath, reason));
  }
  const { row, why } = found;
  const { device, threads } = row;
  const told = rows
    .filter(({ figures }) => figures !== undefined)
    .map(({ device: name, threads: n, figures }) => `${name}${n === 0 ? '' : ` ×${n}`} ${ms(figures as Figures)} ms`);
  const automatic = {
    device: rememberBest(folder, stateDir, { device, reason: told.join('; ') }),
    threads: device !== 'cpu' || threadsFor(folder).includes(threads),
  };
  return { rows, best: { device, threads, why, automatic } };
}

/** By how much the turns of the same setup vary: half of them take up to so much longer than the least, as a share. */
function noiseOf(alive: readonly Measured[]): number {
  const spreads = alive.flatMap((each) => {
    const { turns } = each;
    if (turns.length < ROUNDS.least) return [];
    const times = turns.map((turn) => suggestionMs(figuresOf({ ...each, turns: [turn] }))).sort((a, b) => a - b);
    return [(times[times.length >> 1] as number) / (times[0] as number) - 1];
  });
  return Math.min(0.25, Math.max(0, ...spreads));
}

function inOrder(a: MeasuredRow, b: MeasuredRow): number {
  const gpu = ({ device }: MeasuredRow): number => (device === 'cpu' ? 0 : 1);
  return gpu(a) - gpu(b) || a.threads - b.threads;
}

function nameOf({ device, threads }: Setup): string {
  if (device !== 'cpu') return device;
  return threads === 1 ? t('the CPU with one thread') : t('the CPU with {0} threads', threads);
}

function ms(figures: Figures): string {
  return suggestionMs(figures).toFixed(1);
}
