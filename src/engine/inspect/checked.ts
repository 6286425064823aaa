// What crosses a process line may be anything. What can be said of a question before its sequence is looked into is said here: no position,
// layer or head is a fraction, negative or no number, and no question takes the engine for itself.

import type { Question } from '../../inspectionProtocol';
import { t } from '../../l10n';
import { EngineError } from '../errors';

/** Each span costs a run. */
const MOST_SPANS = 1024;

/** What of a question counts positions, layers, heads or pixels. */
const COUNTS: Record<Question['ask'], readonly string[]> = {
  text: ['from'],
  overview: ['side'],
  head: ['layer', 'head', 'from'],
  row: ['query'],
  drawn: ['from'],
  rollout: ['query'],
  logits: ['position'],
  effects: ['position'],
  lesson: ['layer', 'head', 'query', 'key'],
};

/**
 * The question, if it is one.
 * @throws EngineError `bad_request`
 */
export function checked(question: Question): Question {
  const given = ((question as unknown) ?? {}) as Record<string, unknown>;
  const ask = String(given['ask']);
  if (!Object.hasOwn(COUNTS, ask)) throw bad(t('There is no question called {0}.', ask));
  for (const name of COUNTS[ask as Question['ask']])
    if (!isCount(given[name]))
      throw bad(t('{0} must be a whole number from 0 on; it is {1}.', name, String(given[name])));
  if (ask !== 'effects') return question;
  const { spans, from = 0, within = 1 } = given;
  for (const [name, value] of Object.entries({ from, within }))
    if (!isCount(value)) throw bad(t('{0} must be a whole number from 0 on; it is {1}.', name, String(value)));
  if (!Array.isArray(spans) || !spans.every((span) => Array.isArray(span) && span.length === 2 && span.every(isCount)))
    throw bad(t('Spans must be pairs of whole numbers from 0 on.'));
  if (spans.length > MOST_SPANS)
    throw bad(t('{0} spans were asked about; at most {1} can be at once.', spans.length, MOST_SPANS));
  return question;
}

/** Why a text cannot be run once more: parts of it had left the cache when the rest was written (sliding.ts). */
export function slid(tokens: number, contextLength: number): EngineError {
  return bad(
    t(
      'The text has {0} tokens and the model holds {1}: parts of it had left its window when the rest was written, so what the model looked at cannot be computed again.',
      tokens,
      contextLength,
    ),
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function bad(message: string): EngineError {
  return new EngineError('bad_request', message);
}
