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

/** Make a model folder out of safetensors; the result is a BuildResult. */
export interface BuildJob {
  type: 'build';
  /** Folder with config.json, tokenizer.json and safetensors. */
  from: string;
  /** Folder to be made; it is not there yet, or empty. Until it is whole it lies in INTO.partial-PROCESS, with the number of the process. */
  into: string;
  /** Of the matrices in the layers. */
  bits: 4 | 8;
}

export interface BuildResult {
  /** The folder that was made. */
  dir: string;
  /** Bytes of its weights. */
  bytes: number;
  /** How alike its logits are to those of the original weights, over some prompts: correlation, and the share of tokens with the same likeliest one. */
  correlation: number;
  sameTop: number;
  /** Seconds that the building took, and the check. */
  buildSeconds: number;
  checkSeconds: number;
}
