// The device "auto": what was found best for a model on this machine, and the CPU until that is known. Trials run in a process of their own,
// for a driver may hang or crash it.

import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import type { FromEngine, TryMessage } from '../protocol';
import { candidates, largeEnough, thisMachine, weightsStamp } from './devices';
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
  /** Finds out what is best and remembers it; undefined where that is known. @returns the device */
  find?: (enginePath: string) => Promise<{ device: string; reason: string }>;
}

/**
 * @param stateDir where choices are remembered; without it the CPU is the choice
 * @param machine, env of another machine, to be asked about
 */
export function autoDevice(folder: ModelFolder, stateDir: string | undefined, machine = thisMachine()): Auto {
  if (!largeEnough(folder)) return { device: 'cpu', reason: 'the model is small' };
  const devices = candidates(machine);
  if (devices.length === 0) return { device: 'cpu', reason: 'there is no GPU' };
  if (stateDir === undefined) return { device: 'cpu', reason: 'there is nowhere to remember another' };
  const record = new DeviceRecord(stateDir, weightsStamp(folder), machine);
  const { choice } = record;
  if (choice !== undefined) return choice;
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
    const child = fork(enginePath, [], { stdio: 'ignore', serialization: 'advanced' });
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
  for (const device of devices) {
    const model = await Model.load(folder, device);
    if (model.device === device) trials.push(await tryDevice(model, cpu));
    await model.dispose();
  }
  return best(trials);
}
