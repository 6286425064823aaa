// The one kind of error the engine raises on purpose: a code for programs and a sentence for people.

import type { EngineFault } from '../protocol';

/** An error whose message names the file or setting at fault and the remedy. */
export class EngineError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** What crosses the process line for any error. */
export function toFault(error: unknown): EngineFault {
  if (error instanceof EngineError) return { code: error.code, message: error.message };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}
