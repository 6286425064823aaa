// The command line's `download`. The code that opens connections is a bundle of its own, which nothing else loads.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { BadInput } from './cliInput';
import type { DownloadRoom, Progress } from './download/types';

const ENDPOINT = 'https://huggingface.co';
/** How often the progress is said where it cannot be written over itself. */
const LINE_EVERY_MS = 5000;

export interface DownloadFlags {
  /** owner/name */
  name: string;
  revision?: string | undefined;
  weights?: string | undefined;
  into: string;
  endpoint?: string | undefined;
  tokenFromEnv?: string | undefined;
}

/**
 * Downloads a model; progress goes to stderr.
 * @returns the model folder and what came over the network, in bytes; undefined if it was cancelled
 * @throws BadInput, and the download's own errors as such
 */
export async function downloadModel(
  flags: DownloadFlags,
  signal: AbortSignal,
): Promise<{ dir: string; revision: string; transferredBytes: number; reusedBytes: number } | undefined> {
  const { name, into, revision = 'main', weights, tokenFromEnv } = flags;
  const token = tokenFromEnv === undefined ? undefined : process.env[tokenFromEnv];
  if (tokenFromEnv !== undefined && (token === undefined || token === ''))
    throw new BadInput(`--token-from-env ${tokenFromEnv}: there is no such variable in the environment.`);
  const room = createRequire(__filename)(join(__dirname, 'download.js')) as DownloadRoom;
  const hub = {
    endpoint: flags.endpoint ?? (process.env['HF_ENDPOINT'] || ENDPOINT),
    ...(token === undefined ? {} : { token }),
    fetch: room.environmentFetch(),
    signal,
  };
  const say = progressWriter();
  try {
    const description = await room.describeRepo(name, revision, hub);
    const files = room.filesToFetch(description, weights);
    const done = await room.download({ description, files, store: into }, { ...hub, onProgress: say.progress });
    return { ...done, revision: description.revision };
  } catch (error) {
    const { name: kind, message, code } = error as Error & { code?: string };
    if (kind !== 'DownloadError') throw error;
    if (code === 'cancelled') return undefined;
    throw new BadInput(message);
  } finally {
    say.end();
  }
}

function progressWriter(): { progress: (progress: Progress) => void; end: () => void } {
  const terminal = process.stderr.isTTY;
  let [saidAt, said] = [0, ''];
  return {
    progress: (progress) => {
      const line = lineOf(progress);
      const over = progress.doneBytes === progress.totalBytes;
      if (line === said || (!terminal && !over && Date.now() - saidAt < LINE_EVERY_MS)) return;
      [saidAt, said] = [Date.now(), line];
      process.stderr.write(terminal ? `\r\x1b[K${line}` : `${line}\n`);
    },
    end: () => {
      if (terminal && said !== '') process.stderr.write('\n');
    },
  };
}

function lineOf({ doneBytes, totalBytes, bytesPerSecond, secondsLeft, file, phase }: Progress): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const speed = bytesPerSecond === undefined ? '' : `, ${mb(bytesPerSecond)} MB/s`;
  const left = secondsLeft === undefined || secondsLeft < 1 ? '' : `, ${Math.ceil(secondsLeft)} s left`;
  return `${mb(doneBytes)} of ${mb(totalBytes)} MB${speed}${left}  ${phase} ${file}`;
}
