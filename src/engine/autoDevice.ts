// The device "auto": what was found best for a model on this machine, and the CPU until that is known. Trials run in a process of their own,
// for a driver may hang or crash it.

import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import type { FromEngine, TryMessage } from '../protocol';
import { candidates, largeEnough, thisMachine, weightsStamp, type Machine } from './devices';
import { DeviceRecord } from './deviceRecord';
import { best, tryDevice, type Trial } from './deviceTrial';
import { Model } from './model';
import { readModelFolder, type ModelFolder } from './modelFolder';

/** The whole of the trials of a model; what is slower to answer is no gain. */
const LIMIT_MS = 120_000;
/** As little of the processor as the system allows: somebody is typing. */
const LOW = 19;

/** What `auto` stands for now. */
export interface Auto {
  device: string;
  /** For the log. */
  reason: string;
  /** Called before the device is opened and when it works: one that ends the process in between is tried again before it is used. */
  opening?: () => void;
  opened?: () => void;
  /** Finds out what is best and remembers it; undefined where that is known. @returns the device */
  find?: (enginePath: string) => Promise<{ device: string; reason: string }>;
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
    return { device, reason, opening: () => record.begin(), opened: () => record.end(device, reason) };
  }
  const find = async (enginePath: string): Promise<{ device: string; reason: string }> => {
    record.begin();
    const { dir: modelDir, weights } = folder;
    const found = await trialsOf(enginePath, { type: 'try', modelDir, weights, devices });
    record.end(found.device, found.reason);
    return found;
  };
  return { device: 'cpu', reason: 'others have not been tried yet', find };
}

/**
 * Runs trials in a process of their own.
 * @param enginePath the engine's bundle
 */
export function trialsOf(
  enginePath: string,
  message: TryMessage,
  limitMs = LIMIT_MS,
): Promise<{ device: string; reason: string }> {
  return new Promise((resolve) => {
    const child = fork(enginePath, [], { stdio: 'ignore', serialization: 'advanced', execArgv: [] });
    const stop = (reason: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve({ device: 'cpu', reason });
    };
    const timer = setTimeout(() => stop(`no answer within ${limitMs / 1000} s`), limitMs);
    child.on('message', (reply: FromEngine) => {
      if (reply.type !== 'tried') return;
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve({ device: reply.device, reason: reply.reason });
    });
    child.on('error', (error) => stop(error.message));
    child.on('exit', (code, signal) => stop(`the trial ended with ${signal ?? `exit code ${String(code)}`}`));
    child.send(message, (error) => error && stop(error.message));
  });
}

/** The trials themselves, in their process. A device that cannot be used has none. */
export async function runTrials({
  modelDir,
  weights,
  devices,
}: TryMessage): Promise<{ device: string; reason: string }> {
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
