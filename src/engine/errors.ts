// The one kind of error the engine raises on purpose: a code for programs and a sentence for people.

import { t } from '../l10n';
import type { EngineFault } from '../protocol';
import type { ModelFolder } from './modelFolder';

/** An error whose message names the file or setting at fault and the remedy. */
export class EngineError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** A tokenizer or weights of another model lie in a folder: `found` ids or logits a token are not the vocabulary of its configuration. */
export function otherVocabulary(
  what: 'tokenizer' | 'weights',
  path: string,
  found: number,
  { dir, config: { vocab } }: ModelFolder,
): EngineError {
  const config = `${dir}/config.json`;
  const message =
    what === 'tokenizer'
      ? t(
          "{0} has {1} ids where {2}'s vocab_size is {3}. Restore the files: they belong to different models.",
          path,
          found,
          config,
          vocab,
        )
      : t(
          "{0} gives {1} logits a token where {2}'s vocab_size is {3}. Restore the files: they belong to different models.",
          path,
          found,
          config,
          vocab,
        );
  return new EngineError('model_damaged', message);
}

/** What crosses the process line for any error. */
export function toFault(error: unknown): EngineFault {
  if (error instanceof EngineError) return { code: error.code, message: error.message };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}
