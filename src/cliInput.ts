// Checks one line of the command line's `complete`. Knows the shape of a request and its defaults, nothing else.

import type { CompletionRequest, ContextFile } from './protocol';

/** The person at the command line wrote something that cannot be used. */
export class BadInput extends Error {}

const DEFAULTS = {
  maxTokens: 48,
  repetitionPenalty: 1,
  temperature: 0.2,
  topP: 0.95,
  topK: 0,
  minP: 0,
  typicalP: 1,
  seed: 0,
  minProbability: 0,
};

/**
 * Reads a request.
 * @param onId told the line's id as soon as it is known, so that an error can carry it
 * @throws BadInput naming the field
 */
export function parseCompleteLine(line: string, onId: (id: unknown) => void): CompletionRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new BadInput(`The line is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadInput('The line is not a JSON object.');
  const fields = value as Record<string, unknown>;
  onId(fields['id'] ?? null);

  const string = (name: string): string | undefined => {
    const field = fields[name];
    if (field === undefined || field === null) return undefined;
    if (typeof field !== 'string') throw new BadInput(`"${name}" must be a string.`);
    return field;
  };
  const number = (name: keyof typeof DEFAULTS, least: number, most: number, whole: boolean): number => {
    const field = fields[name] ?? DEFAULTS[name];
    if (typeof field !== 'number' || !(field >= least && field <= most) || (whole && !Number.isInteger(field))) {
      throw new BadInput(`"${name}" must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
    }
    return field;
  };
  const raw = fields['raw'] ?? false;
  if (typeof raw !== 'boolean') throw new BadInput('"raw" must be true or false.');
  const prefix = string('prefix');
  if (prefix === undefined) throw new BadInput('"prefix" is missing.');
  const path = string('path');
  return {
    prefix,
    suffix: string('suffix') ?? '',
    ...(path === undefined ? {} : { path }),
    context: contextFiles(fields['context']),
    maxTokens: number('maxTokens', 1, 1_000_000, true),
    sampling: {
      repetitionPenalty: number('repetitionPenalty', 0.01, 100, false),
      temperature: number('temperature', 0, 10, false),
      topP: number('topP', 0.001, 1, false),
      topK: number('topK', 0, 1_000_000, true),
      minP: number('minP', 0, 1, false),
      typicalP: number('typicalP', 0.001, 1, false),
      seed: number('seed', 0, 2 ** 32 - 1, true),
    },
    raw,
    minProbability: number('minProbability', 0, 0.999, false),
  };
}

function contextFiles(value: unknown): ContextFile[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new BadInput('"context" must be an array of {"path", "text"}.');
  return value.map((item: unknown) => {
    const { path, text } = (item ?? {}) as Record<string, unknown>;
    if (typeof path !== 'string' || typeof text !== 'string')
      throw new BadInput('"context" must be an array of {"path", "text"}, both strings.');
    return { path, text };
  });
}
