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

/** Measure a model on this machine, on every device and with several numbers of threads. Result: Measurement. */
export interface MeasureJob {
  type: 'measure';
  modelDir: string;
  /** The ONNX file, relative to the folder; by default the best that is there. */
  weights?: string;
  /** Numbers of threads for the CPU; by default 1, 2, half of the cores, all of them, and what `glassbox.threads` 0 comes to. */
  threads?: number[];
  /** A number of threads that is measured besides, as it is set; 0: none. */
  set?: number;
  /** Devices besides the CPU; by default all that this build of ONNX Runtime has. */
  devices?: string[];
  /** Folder where the device auto remembers which device is best; without it nothing is remembered. */
  stateDir?: string;
}

/** What a model does on one device with so many threads. */
export interface Figures {
  /** From the start of its loading to the first run's end, in milliseconds. */
  loadMs: number;
  /** Tokens of a prompt that are read in a second. */
  prefill: number;
  /** Milliseconds to write one token after that prompt. */
  decodeMs: number;
  /** Bytes of its process in memory afterwards, and at most; without the memory of a GPU. */
  memory: number;
  peakMemory: number;
  /** How alike its logits are to the CPU's: Pearson's correlation, and the share of tokens with the same likeliest one. */
  correlation: number;
  sameTop: number;
}

export interface MeasuredRow {
  device: string;
  /** Of the CPU; 0 on other devices. */
  threads: number;
  /** Absent where it could not be measured. */
  figures?: Figures;
  /** Why not. */
  failure?: string;
}

/** Why a device and its threads are best. */
export type Why =
  /** Nothing else could be measured, or gives the CPU's numbers. */
  | 'alone'
  | 'fastest'
  /** Others are as fast within what times vary, and take more of the machine. */
  | 'as fast';

export interface Measurement {
  /** Name of the model, and its ONNX file. */
  model: string;
  weights: string;
  /** Bytes of its weights on disk. */
  bytes: number;
  /** Tokens that were read and written in each round, and how many rounds there were at most. */
  promptTokens: number;
  writtenTokens: number;
  rounds: number;
  /** Threads that may run at once here. */
  cores: number;
  /** The CPU by threads, then the other devices. */
  rows: MeasuredRow[];
  best: {
    device: string;
    threads: number;
    why: Why;
    /** `glassbox.device` auto now comes to this device, and `glassbox.threads` 0 to these threads. */
    automatic: { device: boolean; threads: boolean };
  };
}

/** Measure how fast the machine reads memory and multiplies. Result: MachineSpeed. */
export interface SpeedJob {
  type: 'speed';
}

/** With as many threads as suit the machine. */
export interface MachineSpeed {
  /** Bytes of a matrix in four bits, scales included, that are read in a second while a vector is multiplied by it. */
  bytesPerSecond: number;
  /** Multiplications with addition in a second, where many rows are multiplied by it. */
  macsPerSecond: number;
}

/** From a job that measures to a process of its own: open a model there. Answered by `probed`. */
export interface ProbeOpenMessage {
  type: 'probeOpen';
  modelDir: string;
  weights: string;
  device: string;
  /** 0: what suits the machine. */
  threads: number;
  /** What it reads and writes. */
  ids: number[];
  /** The words that people read, where they do not read English. */
  strings: Strings;
}

/** Read the first so many ids, then so many one after another. Answered by `probed`. */
export interface ProbeTurnMessage {
  type: 'probeTurn';
  prompt: number;
  written: number;
}

/** How long that took, in milliseconds a token that was read, and written; and bytes of the process in memory, now and at most. */
export interface Turn {
  readMs: number;
  decodeMs: number;
  memory: number;
  peakMemory: number;
}

export interface ProbedMessage {
  type: 'probed';
  /** Why it did not work. */
  failure?: string;
  opened?: { loadMs: number; /** [row, vocab] */ logits: Float32Array; first: Turn };
  turn?: Turn;
}
