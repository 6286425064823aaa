// How fast a model would be that is not here yet: from how fast the machine reads memory and multiplies. Pure but for `machineSpeed`, which
// has it measured once for each processor.

import type { MachineSpeed, SpeedJob } from '../../jobProtocol';
import { runJob, type JobOptions } from './job';
import { machineFacts } from './machine';

export interface Estimate {
  /** Milliseconds to write a token. */
  decodeMs: number;
  /** Tokens of a prompt that are read in a second. */
  prefill: number;
}

/**
 * An estimate for the CPU: a token that is written reads all weights once, a token that is read costs a multiplication for each. Both are
 * usually some tens of per cent off: caches of the processor help small models, and attention and 8-bit arithmetic are left out.
 * @param weightsBytes of the file that will be run
 * @param parameters numbers in it; where they are not known, as many as bytes at 8 bits each
 */
export function estimate(
  { bytesPerSecond, macsPerSecond }: MachineSpeed,
  weightsBytes: number,
  parameters = weightsBytes,
): Estimate {
  return { decodeMs: (weightsBytes / bytesPerSecond) * 1000, prefill: macsPerSecond / parameters };
}

/** Where something is remembered, as a `vscode.Memento`. */
export interface Remembered {
  get: <T>(key: string) => T | undefined;
  update: (key: string, value: unknown) => PromiseLike<void>;
}

const KEY = 'machine.speed';

/** The machine's speed, measured in a process of its own where that has not been done for this processor. @throws EngineFailure */
export async function machineSpeed(
  enginePath: string,
  memory: Remembered,
  options: JobOptions = {},
): Promise<MachineSpeed> {
  const { cpu, cores } = machineFacts();
  const machine = `${cpu}, ${cores}`;
  const known = memory.get<MachineSpeed & { machine: string }>(KEY);
  if (known?.machine === machine) return known;
  const speed = await runJob<MachineSpeed>(enginePath, { type: 'speed' } satisfies SpeedJob, options);
  await memory.update(KEY, { ...speed, machine });
  return speed;
}
