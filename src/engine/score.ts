// How well a model predicts a text: the negative log-likelihood of its tokens.

import { t } from '../l10n';
import { EngineError } from './errors';
import type { Model } from './model';
import { logSumExp } from './sampler';
import type { Tokenizer } from './tokenizer';

export interface Score {
  /** Number of tokens that were predicted. */
  tokens: number;
  /** UTF-8 bytes of the text. */
  bytes: number;
  /** Negative log-likelihood, summed over those tokens, in nats. */
  nll: number;
  /** nll / ln 2 / bytes. */
  bitsPerByte: number;
}

/**
 * Scores a text. The first token is the begin token, if the model has one; it is given, not predicted. A text longer than the model's
 * window is read in windows that overlap by half, so that every token but the first few has at least half a window before it.
 * @throws EngineError `bad_request` when there is nothing to predict
 */
export async function score(model: Model, tokenizer: Tokenizer, text: string): Promise<Score> {
  const plain = tokenizer.encodeText(text);
  const ids = tokenizer.bosId === undefined ? plain : [tokenizer.bosId, ...plain];
  if (ids.length < 2) throw new EngineError('bad_request', t('There is nothing to score: the text is empty.'));
  const window = model.folder.config.contextLength;
  let nll = 0;
  let scored = 1; // ids before this index are done; the first is given
  for (let start = 0; scored < ids.length; start = scored - Math.floor(window / 2)) {
    const end = Math.min(ids.length, start + window);
    const cache = model.newCache();
    for (let at = start; at < end; at += model.allChunk) {
      const chunk = ids.slice(at, Math.min(end, at + model.allChunk));
      const logits = await model.forward(chunk, cache, 'all'); // [chunk, vocab]
      const vocab = logits.length / chunk.length;
      for (let i = 0; i < chunk.length; i++) {
        const next = at + i + 1;
        if (next < scored || next >= end) continue;
        const row = logits.subarray(i * vocab, (i + 1) * vocab);
        let max = -Infinity;
        for (const logit of row) if (logit > max) max = logit;
        nll += logSumExp(row, max) - (row[ids[next] as number] as number);
      }
    }
    cache.dispose();
    scored = end;
  }
  const bytes = new TextEncoder().encode(text).length;
  return { tokens: ids.length - 1, bytes, nll, bitsPerByte: nll / Math.LN2 / bytes };
}
