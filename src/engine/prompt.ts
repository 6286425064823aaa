// A request → the ids the model is given: the fill-in-the-middle frame, the other files, and the budget in tokens.

import { windowAround } from '../completion/window';
import type { CompletionRequest } from '../protocol';
import { EngineError } from './errors';
import type { Tokenizer } from './tokenizer';

/** Share of the prompt that the text after the cursor may take. */
const SUFFIX_SHARE = 0.25;
/** More characters than this per token do not occur in text worth completing. */
const CHARS_PER_TOKEN = 6;
/** What is dropped at the front of a long prefix goes in blocks of this many tokens, so that the front stays put while a line is typed. */
const DROP_BLOCK = 64;

/**
 * Builds the prompt of a request.
 *
 * With fill-in-the-middle tokens (Bavarian et al. 2022, arXiv:2207.14255), in the order prefix, suffix, middle:
 * `begin [separator path\ntext]… [separator path\n] PRE prefix SUF suffix MID`. Where nothing stands after the cursor, or the
 * model has no such tokens, the prefix is simply continued.
 * @param contextLength most tokens of prompt and completion together
 * @throws EngineError `prompt_too_long`, only for raw prompts: any other is cut to fit
 */
export function framePrompt(tokenizer: Tokenizer, request: CompletionRequest, contextLength: number): number[] {
  const room = contextLength - request.maxTokens;
  if (room < 16) {
    throw new EngineError(
      'bad_request',
      `maxTokens ${request.maxTokens} leaves no room for a prompt: the model holds ${contextLength} tokens in all. Ask for fewer.`,
    );
  }
  if (request.raw) {
    const ids = tokenizer.encode(request.prefix);
    if (ids.length === 0)
      throw new EngineError(
        'bad_request',
        'The prompt is empty, and this model has no token to begin a text with. Give a prefix.',
      );
    if (ids.length > room) {
      throw new EngineError(
        'prompt_too_long',
        `The prompt has ${ids.length} tokens; with maxTokens ${request.maxTokens} this model takes ${room}. Shorten the prefix or ask for fewer tokens.`,
      );
    }
    return ids;
  }

  const begin = tokenizer.bosId === undefined ? [] : [tokenizer.bosId];
  const { fim } = tokenizer;
  const fill = fim !== undefined && request.suffix.trim() !== '';
  const separator = fim?.fileSeparator;
  const header =
    separator === undefined || request.path === undefined
      ? []
      : [separator, ...tokenizer.encodeText(`${request.path}\n`)];

  const near = windowAround(
    request.prefix,
    request.suffix,
    room * CHARS_PER_TOKEN,
    Math.floor(room * SUFFIX_SHARE) * CHARS_PER_TOKEN,
  );
  const suffix = fill ? tokenizer.encodeText(near.suffix).slice(0, Math.floor(room * SUFFIX_SHARE)) : [];
  let left = room - begin.length - header.length - suffix.length - (fill ? 3 : 0);
  const prefix = lastTokens(tokenizer.encodeText(near.prefix), left);
  left -= prefix.length;

  const context: number[] = [];
  for (const file of [...(request.context ?? [])].reverse()) {
    const name = separator === undefined ? [] : [separator, ...tokenizer.encodeText(`${file.path}\n`)];
    const ids = [
      ...name,
      ...tokenizer.encodeText(file.text.slice(0, left * CHARS_PER_TOKEN)),
      ...(separator === undefined ? tokenizer.encodeText('\n') : []),
    ];
    if (ids.length > left) continue;
    context.unshift(...ids);
    left -= ids.length;
  }

  const text = fill ? [fim.prefix, ...prefix, fim.suffix, ...suffix, fim.middle] : prefix;
  const ids = [...begin, ...context, ...header, ...text];
  if (ids.length === 0)
    throw new EngineError(
      'bad_request',
      'There is no text to continue, and this model has no token to begin a text with.',
    );
  return ids;
}

/** The last `most` ids, or a few less: what is dropped is a whole number of blocks. */
function lastTokens(ids: number[], most: number): number[] {
  if (ids.length <= most) return ids;
  return ids.slice(Math.min(ids.length, Math.ceil((ids.length - most) / DROP_BLOCK) * DROP_BLOCK));
}
