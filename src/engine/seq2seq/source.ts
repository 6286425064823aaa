// What an encoder–decoder model is given to read: a text as it is, or a hole between two texts.

import { windowAround } from '../../completion/window';
import { t } from '../../l10n';
import type { CompletionRequest } from '../../protocol';
import { EngineError } from '../errors';
import type { Tokenizer } from '../tokenizer';

/** Marks a hole in the text that is read, and what fills it in the text that is written (Raffel et al. 2020, arXiv:1910.10683, §3.1.4). */
const HOLE = '<extra_id_0>';
const NEXT_HOLE = '<extra_id_1>';
/** Share of the room that the text after the hole may take. */
const AFTER_SHARE = 0.25;
/** More characters than this per token do not occur in text worth reading. */
const CHARS_PER_TOKEN = 6;
/** Of what did not fit, the next try aims at this share of the room. */
const AIM = 0.9;

/** A text to be read. */
export interface Reading {
  ids: number[];
  /** Ids that end what is written about it, besides the end-of-text token. */
  ends: number[];
}

/**
 * The ids that are read for a request: its `source`; of a raw one the prefix; else the text around the cursor with a hole in it.
 * @param most tokens that the model reads at most
 * @throws EngineError `bad_request` where there is nothing to read, `prompt_too_long`, `model_unsupported` where the model knows no holes
 */
export function readingOf(tokenizer: Tokenizer, request: CompletionRequest, most: number): Reading {
  const text = request.source ?? (request.raw ? request.prefix : undefined);
  if (text !== undefined) {
    if (text.trim() === '')
      throw new EngineError('bad_request', t('There is no text to read. Give a prompt, or select some text.'));
    const ids = tokenizer.encodeWhole(text);
    if (ids.length > most)
      throw new EngineError(
        'prompt_too_long',
        t('The text has {0} tokens, and this model reads at most {1}. Select a shorter one.', ids.length, most),
      );
    return { ids, ends: [] };
  }
  const [hole, next] = [tokenizer.addedId(HOLE), tokenizer.addedId(NEXT_HOLE)];
  if (hole === undefined || next === undefined)
    throw new EngineError(
      'model_unsupported',
      t('This model rewrites a text and cannot go on with one. Use Generate…, with a prompt or some text selected.'),
    );
  const [front, back] = frameOf(tokenizer);
  const room = Math.max(0, most - front.length - back.length - 1);
  for (let characters = room * CHARS_PER_TOKEN; ;) {
    const after = Math.floor(characters * AFTER_SHARE);
    const near = windowAround(request.prefix, request.suffix, characters - after, after);
    const [before, behind] = [tokenizer.encodeText(near.prefix), tokenizer.encodeText(near.suffix, 'inside')];
    const length = before.length + behind.length;
    if (length <= room) return { ids: [...front, ...before, hole, ...behind, ...back], ends: [next] };
    characters = Math.floor(characters * AIM * (room / length));
  }
}

/** What the tokenizer puts before and after every text. */
function frameOf(tokenizer: Tokenizer): [front: number[], back: number[]] {
  const ids = tokenizer.encodeWhole('');
  const ends = ids.findIndex((id) => tokenizer.eosIds.has(id));
  // A begin token that is the end token, too, stands in front.
  const at = ends === -1 ? ids.length : ids.length > 1 && ends === 0 ? 1 : ends;
  return [ids.slice(0, at), ids.slice(at)];
}
