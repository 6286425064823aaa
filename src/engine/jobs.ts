// Work that an engine process does by itself, one job in its life: which jobs there are, and how one is done and told of. The messages
// are in jobProtocol.ts.

import { setPriority } from 'node:os';
import { t, useStrings } from '../l10n';
import type {
  BuildJob,
  JobDoneMessage,
  JobFailedMessage,
  JobMessage,
  JobProgress,
  JobProgressMessage,
  MeasureJob,
} from '../jobProtocol';
import { checkedBuild } from './build/checkedBuild';
import { EngineError, toFault } from './errors';
import { measure } from './measure/measure';
import { machineSpeed } from './measure/speed';

/** Does a job. It ends soon after `signal`, with the signal's reason. @returns what `jobDone` carries */
type Work = (job: never, onProgress: (progress: JobProgress) => void, signal: AbortSignal) => Promise<unknown>;

/** A job as it came: its numbers and texts may be anything. */
type Unchecked<Job> = { [K in keyof Job]: K extends 'type' ? Job[K] : unknown };

/** Half of what the system allows: somebody is typing, and the job may take minutes. */
const LOW = 10;

/** What does a job, by its type. */
const JOBS: Readonly<Record<string, Work>> = {
  build: (job: Unchecked<BuildJob>, onProgress, signal) => {
    if (typeof job.from !== 'string' || typeof job.into !== 'string' || (job.bits !== 4 && job.bits !== 8))
      throw new EngineError('bad_request', t('The job "{0}" lacks its {1}.', job.type, 'from, into, bits'));
    giveWay();
    return checkedBuild({ type: 'build', from: job.from, into: job.into, bits: job.bits }, onProgress, signal);
  },
  // At the engine's own priority: what is measured is how it will run.
  measure: (job: MeasureJob, onProgress, signal) => {
    if (typeof job.modelDir !== 'string')
      throw new EngineError('bad_request', t('The job "{0}" lacks its {1}.', job.type, 'modelDir'));
    return measure(job, { enginePath: __filename, onProgress, signal });
  },
  speed: () => machineSpeed(),
};

/** Leaves the processor to others. */
function giveWay(): void {
  try {
    setPriority(LOW);
  } catch {
    // not allowed here: then it competes
  }
}

/** The job that is being done, if any. */
let current: { abort: AbortController; ended: Promise<void> } | undefined;

/** Does a job and tells of it: any number of `jobProgress`, then one `jobDone` or `jobFailed`. */
export async function doJob(
  { job, strings = {} }: JobMessage<{ type: string }>,
  send: (message: JobProgressMessage | JobDoneMessage<unknown> | JobFailedMessage) => void,
): Promise<void> {
  useStrings(strings);
  const abort = new AbortController();
  const work = async (): Promise<void> => {
    try {
      if (!Object.hasOwn(JOBS, job.type))
        throw new EngineError('bad_request', t('The engine knows no job "{0}".', job.type));
      const onProgress = (progress: JobProgress): void => send({ type: 'jobProgress', progress });
      send({ type: 'jobDone', result: await (JOBS[job.type] as Work)(job as never, onProgress, abort.signal) });
    } catch (error) {
      send({ type: 'jobFailed', fault: toFault(error) });
    }
  };
  const ended = work();
  current = { abort, ended };
  await ended;
}

/** Ends the job that is being done and waits until it has cleared up after itself. */
export async function endJob(): Promise<void> {
  current?.abort.abort();
  await current?.ended;
}
