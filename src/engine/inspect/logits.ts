// The exact logits for the token at a position of a sequence.

import { t } from '../../l10n';
import type { LogitsAnswer } from '../../inspectionProtocol';
import { EngineError } from '../errors';
import type { KvCache } from '../kvCache';
import type { Model } from '../model';
import type { Tokenizer } from '../tokenizer';
import { slid } from './checked';
import type { Sequence } from './sequences';

/** Texts of so many of the likeliest tokens are given. */
const NAMED = 200;

/**
 * @param cache may hold some of the sequence; it is left as it was
 * @throws EngineError `bad_request` where nothing was predicted at the position, `inference_failed`
 */
export async function logitsAt(
  model: Model,
  tokenizer: Tokenizer,
  { id, ids }: Sequence,
  position: number,
  cache?: KvCache,
): Promise<LogitsAnswer> {
  if (!Number.isInteger(position) || position < 1 || position > ids.length)
    throw new EngineError(
      'bad_request',
      t('Nothing was predicted at {0}: positions 1 to {1} can be asked.', position, ids.length),
    );
  const { contextLength } = model.folder.config;
  if (position > contextLength) throw slid(position, contextLength);
  const before = ids.slice(0, position);
  const common = cache?.common(before, position - 1) ?? 0;
  const own = cache !== undefined && common > 0 ? cache.branchAt(common) : model.newCache();
  try {
    let logits = new Float32Array(0);
    for (let at = common; at < position; at += model.chunk)
      logits = Float32Array.from(await model.forward(before.slice(at, at + model.chunk), own, 'last'));
    const order = Uint32Array.from(logits.keys()).sort((a, b) => (logits[b] as number) - (logits[a] as number));
    const taken = ids[position];
    const named = new Set([...order.subarray(0, NAMED), ...(taken === undefined ? [] : [taken])]);
    return {
      answer: 'logits',
      sequence: id,
      position,
      ...(taken === undefined ? {} : { taken }),
      logits,
      texts: [...named].map((token) => [token, tokenizer.label(token)]),
    };
  } finally {
    own.dispose();
  }
}
