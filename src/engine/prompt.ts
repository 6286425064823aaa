// A request → the ids the model is given: the fill-in-the-middle frame, the other files, and the budget in tokens.

import { t } from '../l10n';
import { windowAround } from '../completion/window';
import type { CompletionRequest } from '../protocol';
import { EngineError } from './errors';
import { splitLastPiece, typedPiece, type Typed } from './healing';
import type { Tokenizer } from './tokenizer';

/** Share of the prompt that the document's path may take; a longer path is left out. */
const HEADER_SHARE = 0.25;
/** Share of the prompt that the text after the cursor may take. */
const SUFFIX_SHARE = 0.25;
/** More characters than this per token do not occur in text worth completing. */
const CHARS_PER_TOKEN = 6;
/** Longest prompt of a suggestion, in tokens, however much the model could hold: longer ones take longer than they help. */
const MAX_PROMPT = 2048;
/** Most tokens that are written anew before a suggestion begins: each costs a run. */
const MAX_RETYPED = 8;
/** What is dropped at the front of a long prefix goes in blocks of this many tokens, so that the front stays put while a line is typed. */
const DROP_BLOCK = 64;

/** Some ids of a prompt, and the text that they stand for. */
export interface Part {
  /** How many ids, after those of the parts before. */
  ids: number;
  /** Absent: the frame put them there. */
  from?: Origin;
}

/** Where a text comes from. */
export interface Origin {
  in: 'document' | 'file';
  /** Index in `CompletionRequest.context`. */
  file?: number;
  text: string;
  /** Where `text` begins: relative to the cursor, or in the file's text. */
  at: number;
  /** What was too long was left out there. */
  cut: 'front' | 'end';
}

/** What the model is given. */
export interface Prompt {
  ids: number[];
  /** Where they come from: all ids in turn. */
  parts: Part[];
  /** The end of the prefix, where it is not among the ids: it has to be written anew first. */
  typed?: Typed;
}

/**
 * Builds the prompt of a request.
 *
 * Where the model was taught to fill holes, in the frame of its dialect (completion/fimDialects.ts), mostly
 * `begin [separator path\ntext]… [separator path\n] PRE prefix SUF suffix MID`. Where nothing stands after the cursor, or the model has no such
 * tokens, the prefix is simply continued.
 * @param contextLength most tokens of prompt and completion together
 * @param healing false: the last piece of the prefix is left in the prompt
 * @throws EngineError `prompt_too_long`, only for raw prompts: any other is cut to fit
 */
export function framePrompt(
  tokenizer: Tokenizer,
  request: CompletionRequest,
  contextLength: number,
  healing = true,
): Prompt {
  if (request.raw) {
    const ids = tokenizer.encode(request.prefix);
    if (ids.length === 0) {
      throw new EngineError(
        'bad_request',
        t('The prompt is empty, and this model has no token to begin a text with. Give a prefix.'),
      );
    }
    if (ids.length + (request.endless === true ? 1 : request.maxTokens) > contextLength) {
      const tokens = ids.length;
      throw new EngineError(
        'prompt_too_long',
        request.endless === true
          ? t(
              'The prompt has {0} tokens, more than the {1} tokens that this model holds. Shorten the prefix.',
              tokens,
              contextLength,
            )
          : t(
              'The prompt has {0} tokens; with maxTokens {1} that is more than the {2} tokens that this model holds. Shorten the prefix or ask for fewer tokens.',
              tokens,
              request.maxTokens,
              contextLength,
            ),
      );
    }
    return {
      ids,
      parts: [
        {
          ids: ids.length,
          from: { in: 'document', text: request.prefix, at: -request.prefix.length, cut: 'front' },
        },
      ],
    };
  }

  const room = Math.min(MAX_PROMPT, contextLength - mostTokens(request, contextLength));
  const begin = tokenizer.bosId === undefined ? [] : [tokenizer.bosId];
  const { fim } = tokenizer;
  const shownSuffix = request.shownSuffix ?? request.suffix;
  const fill = fim !== undefined && shownSuffix.trim() !== '';
  const separator = fim?.fileSeparator;
  const header =
    separator === undefined || request.path === undefined
      ? []
      : fitting([separator, ...tokenizer.encodeText(`${request.path}\n`, 'inside')], room * HEADER_SHARE);

  const near = windowAround(
    request.prefix,
    shownSuffix,
    room * CHARS_PER_TOKEN,
    Math.floor(room * SUFFIX_SHARE) * CHARS_PER_TOKEN,
  );
  const suffix = fill ? tokenizer.encodeText(near.suffix, 'inside').slice(0, Math.floor(room * SUFFIX_SHARE)) : [];
  const marks = fill ? fim.frame.filter((part) => typeof part === 'number').length : 0;
  let left = room - begin.length - header.length - suffix.length - marks;
  // What is set aside does not depend on the piece: the front of a long prefix would move to and fro with each word.
  const retyped = Math.min(MAX_RETYPED, Math.floor(left / 2));
  const { before, typed } = healing ? takeBack(tokenizer, near.prefix, retyped) : { before: near.prefix };
  left -= retyped;
  const whole = tokenizer.encodeText(before);
  const prefix = lastTokens(whole, left);
  // Other files stand before the prefix: they get whole blocks, so that they do not come and go with each token.
  left = whole.length > left ? 0 : left - Math.ceil(prefix.length / DROP_BLOCK) * DROP_BLOCK;

  const context: Written[] = [];
  for (const [index, file] of [...(request.context ?? []).entries()].reverse()) {
    const name = separator === undefined ? [] : [separator, ...tokenizer.encodeText(`${file.path}\n`, 'inside')];
    const text = file.text.slice(0, room * CHARS_PER_TOKEN);
    const written = tokenizer.encodeText(text);
    const end = separator === undefined ? tokenizer.encodeText('\n', 'inside') : [];
    const length = name.length + written.length + end.length;
    if (length > left) continue;
    context.unshift(
      { ids: name },
      { ids: written, from: { in: 'file', file: index, text, at: 0, cut: 'end' } },
      { ids: end },
    );
    left -= length;
  }

  const prefixPart: Written = {
    ids: prefix,
    from: { in: 'document', text: before, at: -near.prefix.length, cut: 'front' },
  };
  const suffixPart: Written = { ids: suffix, from: { in: 'document', text: near.suffix, at: 0, cut: 'end' } };
  // Some put the path inside the frame, and the separator alone before it.
  const inside = fill && fim.pathInside && header.length > 0;
  const [outside, within] = inside ? [header.slice(0, 1), header.slice(1)] : [header, []];
  const text: Written[] = !fill
    ? [prefixPart]
    : fim.frame.flatMap((part): Written[] => {
        if (typeof part === 'number') return [{ ids: [part] }];
        return part === 'suffix' ? [suffixPart] : [{ ids: within }, prefixPart];
      });
  const all = [{ ids: [...begin] }, ...context, { ids: outside }, ...text].filter((part) => part.ids.length > 0);
  const ids = all.flatMap((part) => part.ids);
  const parts = all.map((part) => ({ ...part, ids: part.ids.length }));
  if (ids.length === 0)
    throw new EngineError(
      'bad_request',
      t('There is no text to continue, and this model has no token to begin a text with.'),
    );
  return typed === undefined ? { ids, parts } : { ids, parts, typed };
}

/** A part while it is put together. */
interface Written extends Omit<Part, 'ids'> {
  ids: number[];
}

/**
 * Most tokens a request may generate. A text that is not raw is cut rather than refused: half of what the model holds is left for the prompt.
 */
export function mostTokens({ raw, maxTokens }: CompletionRequest, contextLength: number): number {
  return raw ? maxTokens : Math.min(maxTokens, Math.floor(contextLength / 2));
}

/** Splits off the last piece of a prefix, where the tokenizer's vocabulary can be read and something is left to begin with. */
function takeBack(tokenizer: Tokenizer, prefix: string, most: number): { before: string; typed?: Typed } {
  const { texts } = tokenizer;
  const { before, piece } = splitLastPiece(prefix);
  if (texts === undefined || piece === '' || (before === '' && tokenizer.bosId === undefined))
    return { before: prefix };
  const path = tokenizer.encodeText(piece, before === '' ? 'begin' : 'inside');
  if (path.length > most) return { before: prefix };
  const typed = typedPiece(texts, piece, path);
  return typed === undefined ? { before: prefix } : { before, typed };
}

function fitting(ids: number[], most: number): number[] {
  return ids.length <= most ? ids : [];
}

/** The last `most` ids, or a few less: what is dropped is a whole number of blocks. */
function lastTokens(ids: number[], most: number): number[] {
  if (ids.length <= most) return ids;
  const block = Math.max(1, Math.min(DROP_BLOCK, Math.floor(most / 4)));
  return ids.slice(Math.ceil((ids.length - most) / block) * block);
}
