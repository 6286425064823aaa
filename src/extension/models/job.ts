// Has an engine process of its own do a job: building a model, or measuring one. Whoever types is not slowed by it, and what kills it harms
// nothing else. Runs in plain Node.

import { fork } from 'node:child_process';
import type { JobDoneMessage, JobFailedMessage, JobMessage, JobProgress, JobProgressMessage } from '../../jobProtocol';
import { t, type Strings } from '../../l10n';
import { engineEnvironment } from '../engineEnvironment';
import { EngineFailure } from '../engineState';

/** A cancelled process has so long to clear up after itself; then it is killed. */
const GRACE_MS = 3000;

export interface JobOptions {
  onProgress?: (progress: JobProgress) => void;
  /** Cancels the job, which ends its process. */
  signal?: AbortSignal;
  /** The words that people read, where they do not read English. */
  strings?: Strings;
  /** Told what the process writes to its outputs, line by line. */
  log?: (line: string) => void;
  /** Told the process's number. */
  onStart?: (pid: number) => void;
}

/**
 * Does a job in a process of its own.
 * @param enginePath the engine's bundle
 * @returns its result, once the process has told it
 * @throws EngineFailure with the job's own fault; `cancelled` after `signal`, when the process is gone; `engine_died` where it ended before
 *   it was done
 */
export function runJob<Result>(
  enginePath: string,
  job: { type: string },
  { onProgress, signal, strings, log, onStart }: JobOptions = {},
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const fail = (code: string, message: string): void => reject(new EngineFailure({ code, message }));
    if (signal?.aborted === true) return fail('cancelled', t('The job was cancelled.'));
    // On the desktop, ELECTRON_RUN_AS_NODE in the environment is what makes the fork a Node process: pass it all on.
    const child = fork(enginePath, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: engineEnvironment(process.env),
      execArgv: [],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) =>
        text
          .trimEnd()
          .split('\n')
          .forEach((line) => log?.(`job: ${line}`)),
      );
    const cancel = (): void => end();
    /** It ends by itself, after what it is at; or it is ended. */
    const end = (): void => {
      signal?.removeEventListener('abort', cancel);
      if (child.connected) child.disconnect();
      const kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      child.once('exit', () => clearTimeout(kill));
    };
    signal?.addEventListener('abort', cancel, { once: true });
    child.on(
      'message',
      (message: JobProgressMessage | JobDoneMessage<Result> | JobFailedMessage | { type?: undefined } | null) => {
        if (signal?.aborted === true) return;
        if (message?.type === 'jobProgress') return onProgress?.(message.progress);
        if (message?.type === 'jobDone') resolve(message.result);
        else if (message?.type === 'jobFailed') reject(new EngineFailure(message.fault));
        else return; // no message of a job
        end();
      },
    );
    child.on('error', (error) => {
      log?.(`job: ${error.message}`);
      if (child.pid === undefined) {
        end();
        fail('engine_died', t('The process for the job could not be started ({0}).', error.message)); // no `close` follows
      }
    });
    // `close` comes when all it wrote has been read, but never where the parent has disconnected, which is what cancelling does.
    child.on('exit', () => signal?.aborted === true && fail('cancelled', t('The job was cancelled.')));
    child.on('close', (code, how) => {
      signal?.removeEventListener('abort', cancel);
      const why = how ?? `exit code ${String(code)}`;
      fail('engine_died', t('The process of the job ended before it was done ({0}). The log has its last words.', why));
    });
    if (child.pid !== undefined) onStart?.(child.pid);
    const message: JobMessage<typeof job> = { type: 'job', job, ...(strings === undefined ? {} : { strings }) };
    child.send(message, (error) => error && log?.(`job: message not sent: ${error.message}`));
  });
}
