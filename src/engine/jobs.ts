// Work that an engine process does by itself, one job in its life: which jobs there are, and how one is done and told of. The messages
// are in jobProtocol.ts.

import { t, useStrings } from '../l10n';
import type {
  JobDoneMessage,
  JobFailedMessage,
  JobMessage,
  JobProgress,
  JobProgressMessage,
  MeasureJob,
} from '../jobProtocol';
import { EngineError, toFault } from './errors';
import { measure } from './measure/measure';
import { machineSpeed } from './measure/speed';

/** Does a job. It ends soon after `signal`, with the signal's reason. @returns what `jobDone` carries */
type Work = (job: never, onProgress: (progress: JobProgress) => void, signal: AbortSignal) => Promise<unknown>;

/** What does a job, by its type. */
const JOBS: Readonly<Record<string, Work>> = {
  measure: (job: MeasureJob, onProgress, signal) => measure(job, { enginePath: __filename, onProgress, signal }),
  speed: () => machineSpeed(),
};

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
