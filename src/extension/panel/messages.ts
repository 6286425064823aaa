// Checks what the page of the panel sends: types, ranges, sizes. Pure. Whether a model has that layer, or a sequence that position, the
// engine knows and says in words.

import type { Question, SequenceName } from '../../inspectionProtocol';
import type { FromWebview } from '../../webviewProtocol';

/** More than any model has. */
const MAX_INDEX = 4096;
/** Longer than any sequence whose weights could be held. */
const MAX_POSITION = 2 ** 20;
/** Spans that one question may hide: each is a run of the model. */
const MAX_SPANS = 64;
/** Effects are measured a while at a time. */
const MAX_WITHIN_MS = 1000;
/** Largest file that the panel saves, in bytes. */
const MAX_BYTES = 2 ** 28;
const MAX_NAME = 120;
/** Edge of a thumbnail, as AskOverview says. */
const MIN_SIDE = 8;
const MAX_SIDE = 64;

type Fields = Record<string, unknown>;

/** A message of the page, with nothing in it but what belongs there; undefined where it is none. */
export function readMessage(message: unknown): FromWebview | undefined {
  if (!isFields(message)) return undefined;
  const { type, number, sequence, position, shares, reveal, name, data } = message;
  switch (type) {
    case 'ready':
      return { type };
    case 'ask': {
      const question = readQuestion(message['question']);
      return isName(sequence) && isCount(number, Number.MAX_SAFE_INTEGER) && question !== undefined
        ? { type, number, sequence, question }
        : undefined;
    }
    case 'shows':
      return isName(sequence) ? { type, sequence } : undefined;
    case 'point': {
      const known = position === -1 || isCount(position, MAX_POSITION);
      if (!isId(sequence) || !known || !isBytes(shares, position + 1) || typeof reveal !== 'boolean') return undefined;
      return { type, sequence, position, shares, reveal };
    }
    case 'export':
      return isFileName(name) && isBytes(data, MAX_BYTES) ? { type, name, data } : undefined;
    default:
      return undefined;
  }
}

/** A question, with nothing in it but what belongs there; undefined where it is none. */
export function readQuestion(question: unknown): Question | undefined {
  if (!isFields(question)) return undefined;
  const { ask, from, side, layer, head, query, key, position, heads, spans, within } = question;
  const isHead = isCount(layer, MAX_INDEX) && isCount(head, MAX_INDEX);
  switch (ask) {
    case 'text':
    case 'drawn':
      return isCount(from, MAX_POSITION) ? { ask, from } : undefined;
    case 'overview':
      return isCount(side, MAX_SIDE + 1) && side >= MIN_SIDE ? { ask, side } : undefined;
    case 'head':
      return isHead && isCount(from, MAX_POSITION) ? { ask, layer, head, from } : undefined;
    case 'row':
    case 'rollout':
      return isCount(query, MAX_POSITION) ? { ask, query } : undefined;
    case 'logits':
      return isCount(position, MAX_POSITION) ? { ask, position } : undefined;
    case 'effects':
      return isCount(position, MAX_POSITION) &&
        typeof heads === 'boolean' &&
        areSpans(spans, position) &&
        isCount(from, MAX_POSITION) &&
        isCount(within, MAX_WITHIN_MS + 1)
        ? { ask, position, heads, spans: spans.map(([start, end]) => [start, end]), from, within }
        : undefined;
    case 'lesson':
      return isHead && isCount(query, MAX_POSITION) && isCount(key, query + 1)
        ? { ask, layer, head, query, key }
        : undefined;
    default:
      return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is an integer from 0 to below a limit. */
function isCount(value: unknown, limit: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < limit;
}

function isId(value: unknown): value is number {
  return isCount(value, Number.MAX_SAFE_INTEGER);
}

function isName(value: unknown): value is SequenceName {
  return value === 'last' || isId(value);
}

function isBytes(value: unknown, most: number): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array && value.length <= most;
}

/** A name without folder, that every file system takes. */
function isFileName(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length <= MAX_NAME && /^[\p{L}\p{N}_-][\p{L}\p{N}_. ()-]*\.[a-z]+$/u.test(value)
  );
}

function areSpans(value: unknown, below: number): value is [number, number][] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_SPANS &&
    value.every(
      (span: unknown) =>
        Array.isArray(span) && span.length === 2 && isCount(span[1], below + 1) && isCount(span[0], span[1]),
    )
  );
}
