// The device "auto": what was found best for a model on this machine, and the CPU until that is known. Trials run in a process of their own,
// for a driver may hang or crash it.

import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import type { FromEngine, TryMessage } from '../protocol';
import { candidates, largeEnough, thisMachine, weightsStamp, type Machine } from './devices';
import { DeviceRecord, type Choice } from './deviceRecord';
import { best, tryDevice, type Trial } from './deviceTrial';
import { Model } from './model';
import { readModelFolder, type ModelFolder } from './modelFolder';
import { watchOver } from './watchdog';

/** The whole of the trials of a model; what is slower to answer is no gain. */
const LIMIT_MS = 120_000;
/** How much later a trial ends itself, should nobody have done so. */
const LATER_MS = 5000;
/** As little of the processor as the system allows: somebody is typing. */
const LOW = 19;

/** What `auto` stands for now. */
export interface Auto {
  device: string;
  /** For the log. */
  reason: string;
  /** Called before the device is opened: one that ends the process before `opened` is tried again before it is used. */
  opening?: () => void;
  /** Called with the device that the model runs on: one that no longer opens is tried again, too. */
  opened?: (device: string) => void;
  /** True: another process finds out what is best. */
  busy?: boolean;
  /** Finds out what is best and remembers it; undefined where that is known. @returns undefined where `signal` ended it */
  find?: (enginePath: string, signal?: AbortSignal) => Promise<Choice | undefined>;
}

/**
 * @param stateDir where choices are remembered; without it the CPU is the choice
 * @param given the machine that it is for; by default the one we run on
 */
export function autoDevice(folder: ModelFolder, stateDir: string | undefined, given?: Machine): Auto {
  if (!largeEnough(folder)) return { device: 'cpu', reason: 'the model is small' };
  const machine = given ?? thisMachine();
  const devices = candidates(machine);
  if (devices.length === 0) return { device: 'cpu', reason: 'there is no GPU' };
  if (stateDir === undefined) return { device: 'cpu', reason: 'there is nowhere to remember another' };
  const record = new DeviceRecord(stateDir, weightsStamp(folder), machine);
  const { choice } = record;
  if (choice !== undefined) {
    const { device, reason } = choice;
    if (device === 'cpu') return { device, reason };
    const opened = (opens: string): void => (opens === device ? record.opened() : record.forget());
    return { device, reason, opening: () => void record.begin(), opened };
  }
  if (record.busy) return { device: 'cpu', reason: 'another process tries others', busy: true };
  const find = async (enginePath: string, signal?: AbortSignal): Promise<Choice | undefined> => {
    // What cannot be remembered would be tried again at every start, and again after each crash.
    if (!record.begin()) return { device: 'cpu', reason: `nothing can be written to ${stateDir}` };
    const { dir: modelDir, weights } = folder;
    const found = await trialsOf(enginePath, { type: 'try', modelDir, weights, devices }, LIMIT_MS, signal);
    if (found === undefined) record.cancel();
    else record.end(found.device, found.reason);
    return found;
  };
  return { device: 'cpu', reason: 'others have not been tried yet', find };
}

/**
 * Notes which device was measured to be best, for `auto`. The CPU alone needs no note, and what `auto` would not try it does not use either.
 * @returns whether `auto` comes to that device from now on
 */
export function rememberBest(
  folder: ModelFolder,
  stateDir: string | undefined,
  { device, reason }: Choice,
  given?: Machine,
): boolean {
  const machine = given ?? thisMachine();
  const tried = candidates(machine);
  if (stateDir !== undefined && largeEnough(folder) && tried.length > 0 && ['cpu', ...tried].includes(device))
    new DeviceRecord(stateDir, weightsStamp(folder), machine).end(device, reason);
  return autoDevice(folder, stateDir, machine).device === device;
}

/**
 * Runs trials in a process of their own.
 * @param enginePath the engine's bundle
 * @param limitMs milliseconds
 * @param signal ends them
 * @returns the best device, the CPU where the process failed; undefined where `signal` ended it
 */
export function trialsOf(
  enginePath: string,
  message: TryMessage,
  limitMs = LIMIT_MS,
  signal?: AbortSignal,
): Promise<Choice | undefined> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve(undefined);
    const child = fork(enginePath, [], { stdio: 'ignore', serialization: 'advanced', execArgv: [] });
    const end = (found: Choice | undefined): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveWay);
      child.kill('SIGKILL');
      resolve(found);
    };
    const giveWay = (): void => end(undefined);
    const stop = (reason: string): void => end({ device: 'cpu', reason });
    signal?.addEventListener('abort', giveWay);
    const timer = setTimeout(() => stop(`no answer within ${limitMs / 1000} s`), limitMs);
    child.on('message', (reply: FromEngine) => {
      if (reply.type === 'tried') end({ device: reply.device, reason: reply.reason });
    });
    child.on('error', (error) => stop(error.message));
    child.on('exit', (code, how) => stop(`the trial ended with ${how ?? `exit code ${String(code)}`}`));
    child.send(message, (error) => error && stop(error.message));
  });
}

/** The trials themselves, in their process. A device that cannot be used has none. */
export async function runTrials({ modelDir, weights, devices }: TryMessage): Promise<Choice> {
  await watchOver(LIMIT_MS + LATER_MS);
  try {
    setPriority(LOW);
  } catch {
    // not allowed here: then it competes
  }
  const folder = readModelFolder(modelDir, weights);
  const cpu = await Model.load(folder, 'cpu');
  const trials: Trial[] = [];
  const unusable: string[] = [];
  for (const device of devices) {
    const model = await Model.load(folder, device);
    if (model.device === device) trials.push(await tryDevice(model, cpu));
    else unusable.push(`${device} cannot be used`);
    await model.dispose();
  }
  const { device, reason } = best(trials);
  return { device, reason: [reason, ...unusable].filter((part) => part !== '').join('; ') };
}
