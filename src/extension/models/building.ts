// Has a model built out of safetensors, and leaves nothing of it where that came to nothing. Runs in plain Node.

import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BuildJob, BuildResult } from '../../jobProtocol';
import { runJob, type JobOptions } from './job';

/**
 * Builds a model folder in a process of its own.
 * @param enginePath the engine's bundle
 * @throws EngineFailure as `runJob`; then `into` is as it was
 */
export async function buildInProcess(
  enginePath: string,
  build: Omit<BuildJob, 'type'>,
  options: JobOptions = {},
): Promise<BuildResult> {
  let left: string | undefined;
  const onStart = (pid: number): void => {
    left = `${resolve(build.into)}.partial-${pid}`; // see BuildJob
    options.onStart?.(pid);
  };
  try {
    return await runJob<BuildResult>(enginePath, { type: 'build', ...build } satisfies BuildJob, {
      ...options,
      onStart,
    });
  } finally {
    if (left !== undefined) rmSync(left, { recursive: true, force: true, maxRetries: 3 });
  }
}
