// Messages of work that is done in an engine process of its own, which completes nothing: a model is built, or measured. Types only.
// Such a process gets one job and ends when it is told to, or when its parent is gone; to cancel a job is to end the process.

import type { Strings } from './l10n';

/** How far a job is, for people. */
export interface JobProgress {
  /** What is being done, in the reader's language, without a full stop. */
  doing: string;
  /** In [0, 1]; absent where it is not known. */
  fraction?: number;
}

/** Do a job; answered by any number of `jobProgress`, then one `jobDone` or `jobFailed`. */
export interface JobMessage<Job> {
  type: 'job';
  job: Job;
  /** The words that people read, where they do not read English. */
  strings?: Strings;
}

export interface JobProgressMessage {
  type: 'jobProgress';
  progress: JobProgress;
}

export interface JobDoneMessage<Result> {
  type: 'jobDone';
  result: Result;
}

export interface JobFailedMessage {
  type: 'jobFailed';
  fault: { code: string; message: string };
}
