// Checks one line of the command line's `complete` and `chat`. Knows the shape of a request and its defaults, nothing else.

import type { ChatRequest, ChatTurn } from './chatProtocol';
import type { CompletionRequest, ContextFile, Sampling } from './protocol';

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
/** Most tokens of an answer, where a line does not say. */
const CHAT_TOKENS = 512;

type Fields = Record<string, unknown>;

/**
 * Reads a request.
 * @param onId told the line's id as soon as it is known, so that an error can carry it
 * @throws BadInput naming the field
 */
export function parseCompleteLine(line: string, onId: (id: unknown) => void): CompletionRequest {
  const fields = readFields(line, onId);
  const raw = fields['raw'] ?? false;
  if (typeof raw !== 'boolean') throw new BadInput('"raw" must be true or false.');
  const prefix = string(fields, 'prefix');
  if (prefix === undefined) throw new BadInput('"prefix" is missing.');
  const path = string(fields, 'path');
  return {
    prefix,
    suffix: string(fields, 'suffix') ?? '',
    ...(path === undefined ? {} : { path }),
    context: contextFiles(fields['context']),
    maxTokens: number(fields, 'maxTokens', 1, 1_000_000, true),
    sampling: sampling(fields),
    raw,
    minProbability: number(fields, 'minProbability', 0, 0.999, false),
  };
}

/**
 * Reads a conversation.
 * @param onId as for `parseCompleteLine`
 * @throws BadInput naming the field
 */
export function parseChatLine(line: string, onId: (id: unknown) => void): ChatRequest {
  const fields = readFields(line, onId);
  const { messages } = fields;
  if (!Array.isArray(messages) || messages.length === 0)
    throw new BadInput('"messages" must be an array of {"role", "content"} with at least one of them.');
  return {
    messages: messages.map(chatTurn),
    maxTokens: number({ maxTokens: CHAT_TOKENS, ...fields }, 'maxTokens', 1, 1_000_000, true),
    sampling: sampling(fields),
  };
}

function chatTurn(value: unknown): ChatTurn {
  const { role, content } = (value ?? {}) as Record<string, unknown>;
  if ((role !== 'system' && role !== 'user' && role !== 'assistant') || typeof content !== 'string')
    throw new BadInput('A message must have "role" (system, user or assistant) and "content", a string.');
  return { role, content };
}

function readFields(line: string, onId: (id: unknown) => void): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new BadInput(`The line is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadInput('The line is not a JSON object.');
  const fields = value as Fields;
  onId(fields['id'] ?? null);
  return fields;
}

function sampling(fields: Fields): Sampling {
  return {
    repetitionPenalty: number(fields, 'repetitionPenalty', 0.01, 100, false),
    temperature: number(fields, 'temperature', 0, 10, false),
    topP: number(fields, 'topP', 0.001, 1, false),
    topK: number(fields, 'topK', 0, 1_000_000, true),
    minP: number(fields, 'minP', 0, 1, false),
    typicalP: number(fields, 'typicalP', 0.001, 1, false),
    seed: number(fields, 'seed', 0, 2 ** 32 - 1, true),
  };
}

function string(fields: Fields, name: string): string | undefined {
  const field = fields[name];
  if (field === undefined || field === null) return undefined;
  if (typeof field !== 'string') throw new BadInput(`"${name}" must be a string.`);
  return field;
}

function number(fields: Fields, name: keyof typeof DEFAULTS, least: number, most: number, whole: boolean): number {
  const field = fields[name] ?? DEFAULTS[name];
  if (typeof field !== 'number' || !(field >= least && field <= most) || (whole && !Number.isInteger(field))) {
    throw new BadInput(`"${name}" must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
  }
  return field;
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
